// access_check: apps, rules, rows and callers by chance; every answer of the served app, and every
// row afterwards, is compared with a reference evaluator that is as plain as one can write it.
// Ends with 1 at the first difference. docs/internals/access.md says what it proves.
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

#include "base/check.h"
#include "base/json_write.h"
#include "base/log.h"
#include "base/mutant.h"
#include "examiner.h"
#include "model/load.h"

namespace mettle::access {
namespace {

constexpr uint64_t kPerSchema = 240, kPerRows = 40;
constexpr uint64_t kTelling = 5'000;  // a run of so many has to have tried everything

struct Options {
  uint64_t cases = 10'000;
  uint64_t seed = 1;
  std::optional<uint64_t> only;  // one schema once more
};

// A row to refer to; of the same tenant as `row`, but for some that were so before their tables had
// tenants.
const Row& mostly_within(Dice& dice, Dice& chance, const Row& row, const std::vector<Row>& there) {
  const Row& any = dice.one_of(there);
  const auto tenant = row.find("org_id");
  if (tenant == row.end() || chance.percent(15)) return any;
  for (const Row& one : there) {
    const auto other = one.find("org_id");
    if (other == one.end() || same(other->second, tenant->second)) return one;
  }
  return any;
}

// `chance`: of what tenants add.
Rows chance_rows(Dice& dice, Dice& chance, const Schema& schema) {
  Rows rows(schema.tables.size());
  uint64_t id = 0;
  for (size_t t = 0; t < schema.tables.size(); ++t) {
    for (int64_t i = dice.from(t == 0 ? 3 : 2, 6); i > 0; --i) {
      Row row;
      row["id"] = made_id(t * 1000 + ++id);
      if (schema.tables[t].tenant || (schema.tenants && t == 0)) {
        const bool none = t == 0 && chance.percent(15);
        row["org_id"] = none ? Value() : org_id(chance.index(kOrgs));
      }
      for (const Column& column : schema.tables[t].columns) {
        Value value = Value();
        if (column.type == Column::Type::kReference) {
          const std::vector<Row>& there = rows[static_cast<size_t>(column.target)];
          if (!column.optional || dice.percent(75)) {
            value = mostly_within(dice, chance, row, there).at("id");
          }
        } else if (!column.optional || dice.percent(75)) {
          value = chance_value(dice, column.type);
        }
        row[column.name] = value;
      }
      rows[t].push_back(std::move(row));
    }
  }
  return rows;
}

Caller chance_caller(Dice& dice, const Rows& rows) {
  Caller caller;
  if (dice.percent(12)) return caller;
  caller.name = "caller";
  for (const char* role : {"r1", "r2", "r3", "r4"}) {
    if (dice.percent(25)) caller.given.emplace_back(role);
  }
  if (dice.percent(80))
    caller.id = rows[0][dice.index(std::min<size_t>(rows[0].size(), 3))].at("id");
  for (const Row& person : rows[0]) {
    const auto tenant = person.find("org_id");
    const bool has = same(person.at("id"), caller.id) && tenant != person.end();
    if (has && !tenant->second.is_null()) caller.tenant = tenant->second;
  }
  return caller;
}

std::shared_ptr<const model::AppModel> loaded(const std::string& yaml) {
  model::Faults faults;
  auto app = model::load_text(yaml, "chance.yaml", {}, faults);
  for (const model::FileFault& fault : faults.sorted()) {
    if (fault.severity != model::FileFault::Severity::kError) continue;
    fmt::print(stderr, "{}:{}: {}\n", fault.pos.line, fault.pos.column, fault.message);
  }
  if (app == nullptr) fmt::print(stderr, "{}\n", yaml);
  CHECK(app != nullptr);
  return app;
}

class Run {
 public:
  explicit Run(Options options) : options_(options) {}

  int run() {
    if (options_.only) return schema(*options_.only) ? 0 : 1;
    for (uint64_t number = 0; cases_ < options_.cases; ++number) {
      if (!schema(number)) return 1;
      if (number % 10 == 9) {
        fmt::print(stderr, "access: {} of {} cases alike\n", cases_, options_.cases);
      }
    }
    for (const auto& [what, count] : counts_) fmt::print("{:>9}  {}\n", count, what);
    const std::string missing = cases_ >= kTelling ? this->missing() : "";
    fmt::print("\n{} cases, seed {}: {}\n", cases_, options_.seed,
               missing.empty() ? "no difference" : "not exercised: " + missing);
    return missing.empty() ? 0 : 1;
  }

 private:
  bool schema(uint64_t number) {
    Dice dice(twins::seed_of(options_.seed, "schema", number));
    // Beside the other dice: an app without tenants is what it was before there were any.
    Dice chance(twins::seed_of(options_.seed, "tenants", number));
    Schema schema = make_schema(dice);
    add_tenants(chance, schema);
    const std::string yaml = schema.yaml();
    const auto app = loaded(yaml);
    twins::TwinServer server(app);
    Examiner examiner(schema, app, server, counts_);
    uint64_t begun = UINT64_MAX;
    while (examiner.cases() < kPerSchema) {
      if (examiner.cases() / kPerRows != begun) {
        begun = examiner.cases() / kPerRows;
        Rows rows = chance_rows(dice, chance, schema);
        Caller caller = chance_caller(dice, rows);
        examiner.begin(std::move(rows), std::move(caller));
      }
      const std::string wrong = examiner.ask(dice);
      if (wrong.empty()) continue;
      show(number, yaml, examiner, wrong);
      return false;
    }
    cases_ += examiner.cases();
    return true;
  }

  void show(uint64_t number, const std::string& yaml, const Examiner& examiner,
            const std::string& wrong) const {
    const Caller& caller = examiner.caller();
    std::string roles;
    for (const std::string& role : caller.given) roles += " " + role;
    fmt::print(
        "{}\nseed {} schema {} case {}: {}\n\nasked by {}{}, id {}\n{}\n\n{}\nrows\n{}\n"
        "again: access_check --seed {} --only {}\n",
        yaml, options_.seed, number, examiner.cases(), wrong,
        caller.name.empty() ? "nobody" : caller.name, roles,
        caller.id.is_unknown() ? "unknown" : to_json(caller.id), examiner.asked().curl(),
        examiner.answer().text(), examiner.rows_text(), options_.seed, number);
  }

  std::string missing() const {
    static constexpr const char* kNeeded[] = {
        "rows shown",
        "rows hidden",
        "columns used that are open",
        "columns used that are not open",
        "totals",
        "pages behind a cursor",
        "single rows seen",
        "single rows not seen",
        "aggregates",
        "embedded rows seen",
        "embedded rows not seen",
        "commands allowed",
        "commands refused",
        "POST done",
        "POST refused",
        "PATCH done",
        "PATCH refused",
        "PATCH not there",
        "PUT done",
        "PUT refused",
        "PUT taken",
        "PUT of a row that is not seen",
        "DELETE done",
        "DELETE refused",
        "DELETE not there",
        "batches done",
        "batches refused",
        "PATCH by filter of 2 rows",
        "DELETE by filter of 1 rows",
        "PATCH by filter of 1 rows, refused",
        "commands that find no row of another tenant",
        "POST of a reference that leads nowhere",
        "PATCH of a reference that leads nowhere",
    };
    std::string out;
    for (const char* what : kNeeded) {
      if (!counts_.contains(what)) out += std::string(out.empty() ? "" : ", ") + what;
    }
    return out;
  }

  const Options options_;
  Counts counts_;
  uint64_t cases_ = 0;
};

std::optional<uint64_t> number_of(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

int usage() {
  fmt::print(stderr, "access_check [--cases N] [--seed N] [--only SCHEMA] [--mutant ID]\n");
  return 2;
}

int run(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    if (i + 1 == argc) return usage();
    if (name == "--mutant") {
      if (!choose_mutant(argv[i + 1])) return usage();
      continue;
    }
    const auto number = number_of(argv[i + 1]);
    if (!number) return usage();
    if (name == "--cases") {
      options.cases = *number;
    } else if (name == "--seed") {
      options.seed = *number;
    } else if (name == "--only") {
      options.only = number;
    } else {
      return usage();
    }
  }
  set_log_level(LogLevel::kError);
  return Run(options).run();
}

}  // namespace
}  // namespace mettle::access

int main(int argc, char** argv) {
  return mettle::access::run(argc, argv);
}

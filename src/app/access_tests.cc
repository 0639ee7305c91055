#include "app/access_tests.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "app/feature_list.h"
#include "app/open_store.h"
#include "async/scope.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/log.h"
#include "base/mutant.h"
#include "base/text.h"
#include "engine/config.h"
#include "features/migrate/keeper.h"
#include "records/codec.h"
#include "records/door.h"

namespace mettle::app {
namespace {

namespace fs = std::filesystem;
using Expects = model::AccessCase::Expects;
using model::AccessCase;
using model::GivenRow;

// A given row as it is in the database.
struct There {
  std::string id_json;  // as a value
  std::string address;  // behind its table's path
};
using Names = std::map<std::string, There, std::less<>>;

bool in_name(char c) {
  return c == '_' || is_ascii_digit(c) || (c >= 'a' && c <= 'z');
}

// `$name` in a path is the row's address; `$$` a dollar.
std::string filled_path(std::string_view path, const Names& names) {
  const size_t query = std::min(path.find('?'), path.size());
  std::string out;
  for (size_t at = 0; at < path.size(); ++at) {
    if (path[at] != '$') {
      out += path[at];
      continue;
    }
    size_t end = at + 1;
    while (end < path.size() && in_name(path[end])) ++end;
    const auto row = names.find(path.substr(at + 1, end - at - 1));
    if (row == names.end()) {
      out += '$';
      if (at + 1 < path.size() && path[at + 1] == '$') ++at;
      continue;
    }
    std::string id = row->second.id_json;
    if (id.starts_with('"')) id = id.substr(1, id.size() - 2);
    out += at < query ? row->second.address : id;
    at = end - 1;
  }
  return out;
}

void fill(const JsonNode& node, const Names& names, JsonWriter& out) {
  if (node.is_object()) {
    out.begin_object();
    for (const auto entry : node.members()) {
      out.key(entry.key.text());
      fill(entry.value, names, out);
    }
    return out.end_object();
  }
  if (node.is_array()) {
    out.begin_array();
    for (const JsonNode element : node.elements()) fill(element, names, out);
    return out.end_array();
  }
  if (!node.is_string()) return out.raw(node.source());
  const std::string text = node.text();
  const auto row = text.starts_with('$') ? names.find(text.substr(1)) : names.end();
  if (row != names.end()) return out.raw(row->second.id_json);
  if (text.starts_with("$$")) return out.string(text.substr(1));
  out.string(text.starts_with('/') ? filled_path(text, names) : text);
}

std::string filled(const std::string& json, const Names& names) {
  if (json.empty()) return json;
  const auto document = JsonDocument::parse(json);
  if (!document) return json;
  std::string out;
  JsonWriter writer(out);
  fill(document->root(), names, writer);
  return out;
}

std::string address_of(const records::TableInfo& table, const records::StoredRow& row) {
  std::string out;
  for (const int column : table.key) {
    std::string text = to_json(row[column]);
    if (row[column].kind() == Kind::kText) {
      text = row[column].text();
    } else if (text.starts_with('"')) {
      text = text.substr(1, text.size() - 2);
    }
    out += (out.empty() ? "" : "/") + percent_encode(text);
  }
  return out;
}

// Makes the rows, as the app would; stops at the first that cannot be.
class GiveRows final : public records::Mutation {
 public:
  explicit GiveRows(const model::AccessTests& tests) : tests_(tests) {}
  Task<Result<records::Answer>> run(records::WriteScope& scope) override {
    names.clear();
    for (const GivenRow& row : tests_.rows) {
      at = &row;
      const records::TableInfo& table = scope.catalog().table(row.table);
      const std::string body = filled(row.json, names);
      CO_TRY(const JsonDocument document, JsonDocument::parse(body));
      std::vector<Fault> faults;
      CO_TRY(records::RowInput input,
             records::read_row(scope.catalog(), table, document.root(), records::RowMode::kCreate,
                               scope.bindings(), "", faults, records::Authority::kOperator));
      if (!faults.empty()) co_return fail(records::invalid(std::move(faults)));
      CO_TRY(const records::StoredRow made,
             co_await scope.insert(table, std::move(input), records::Authority::kOperator, ""));
      names[row.name] = {to_json(made[0]), address_of(table, made)};
    }
    at = nullptr;
    co_return records::Answer();
  }
  Names names;
  const GivenRow* at = nullptr;  // the one that could not be made

 private:
  const model::AccessTests& tests_;
};

std::string sentence(const Error& error) {
  std::string out = error.detail;
  for (const Fault& fault : error.faults) {
    out += fmt::format("{}{} {}", out.empty() ? "" : "; ", fault.pointer, fault.detail);
  }
  return out.empty() ? std::string(error.name()) : out;
}

class ScratchFolder {
 public:
  static Result<ScratchFolder> make() {
    std::error_code error;
    std::string pattern = (fs::temp_directory_path(error) / "mettle-access-XXXXXX").string();
    if (error || ::mkdtemp(pattern.data()) == nullptr) {
      return fail(Code::kUnavailable, "no temporary folder can be made for the tests");
    }
    return ScratchFolder(std::move(pattern));
  }
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

class Cases {
 public:
  Cases(Rehearsal& rehearsal, const model::AppModel& app, Names names)
      : rehearsal_(rehearsal), app_(app), names_(std::move(names)) {}

  CaseResult run(const AccessCase& test) {
    CaseResult out;
    out.pos = test.pos;
    out.title = test.title;
    std::vector<std::string> as;
    if (!test.user.empty()) as.push_back(test.user);
    as.insert(as.end(), test.roles.begin(), test.roles.end());
    out.as = as.empty() ? "nobody" : listed(as);
    if (test.expects == Expects::kSees) {
      sees(test, out);
    } else {
      asks(test, out);
    }
    if (planted(Mutant::kAccessTestAlwaysPasses)) out.passed = true;
    return out;
  }

 private:
  records::Principal principal(const AccessCase& test) const {
    records::Principal who;
    if (test.nobody) return who;
    using Kind = records::Principal::Kind;
    who.kind = test.service ? Kind::kService : test.user.empty() ? Kind::kKey : Kind::kUser;
    who.name = "test:" + (test.user.empty() ? std::string("key") : test.user);
    who.roles = app_.auth.with_inherited(test.roles);
    who.scopes = test.scopes;
    who.aal = test.aal;
    if (!test.user.empty()) {
      const records::TableInfo& people =
          rehearsal_.snapshot().door().catalog().table(app_.auth.table);
      const auto document = JsonDocument::parse(names_.find(test.user)->second.id_json);
      std::vector<Fault> faults;
      who.id = records::value_from_json(people.columns[0].shape, document->root(), "", faults);
    }
    return who;
  }

  void asks(const AccessCase& test, CaseResult& out) {
    const bool can = test.expects == Expects::kCan;
    out.what = fmt::format("{} {} {}", can ? "can" : "cannot", test.method, test.target);
    const Explanation told =
        explain(rehearsal_, principal(test), test.method, filled_path(test.target, names_),
                filled(test.body, names_), CountRows::kNo);
    out.status = told.answer.status;
    if (told.decided) out.decided = told.rules[*told.decided];
    const std::string answer =
        fmt::format("{}{}", told.answer.status, told.code.empty() ? "" : " " + told.code);
    const std::string why = told.detail.empty() ? told.note : told.detail;
    if (told.answer.status == 0) {
      out.found = told.answer.body;
    } else if (can ? told.answer.status < 400 : is_refusal(test, told)) {
      out.passed = true;
    } else if (can) {
      out.found = answer + ": " + why;
    } else if (told.answer.status < 400) {
      out.found = fmt::format("it was allowed ({})", answer);
    } else {
      out.found = fmt::format("it was refused, but not by a rule: {}: {}", answer, why);
    }
    if (out.passed && test.status != 0 && test.status != told.answer.status) {
      out.passed = false;
      out.found = fmt::format("the status is {}, not {}", told.answer.status, test.status);
    }
    if (out.passed) members(test, told.answer.body, out);
  }

  // 404 hides a row from who may not read it; where there is none it proves nothing.
  static bool is_refusal(const AccessCase& test, const Explanation& told) {
    const int status = told.answer.status;
    const bool row_given = test.target.find('$') != test.target.npos && told.note.empty();
    return status == 401 || status == 403 || (status == 404 && row_given && told.decided);
  }

  static void members(const AccessCase& test, const std::string& body, CaseResult& out) {
    if (test.shows.empty() && test.hides.empty()) return;
    const auto document = JsonDocument::parse(body);
    if (!document || !document->root().is_object()) {
      out.passed = false;
      out.found = "the answer is no row that could show anything";
      return;
    }
    const auto items = document->root().find("items");
    if (!items || !items->is_array()) return of_row(test, document->root(), out);
    if (items->size() == 0) {
      out.passed = false;
      out.found = "the list is empty and shows nothing";
    }
    for (const JsonNode item : items->elements()) of_row(test, item, out);
  }

  static void of_row(const AccessCase& test, const JsonNode& row, CaseResult& out) {
    for (const std::string& name : test.shows) {
      if (row.find(name)) continue;
      out.passed = false;
      out.found = fmt::format("`{}` is not shown", name);
    }
    for (const std::string& name : test.hides) {
      if (!row.find(name)) continue;
      out.passed = false;
      out.found = fmt::format("`{}` is shown", name);
    }
  }

  void sees(const AccessCase& test, CaseResult& out) {
    const records::Principal who = principal(test);
    out.passed = true;
    for (const auto& [index, expected] : test.sees) {
      const model::Table& table = app_.tables[static_cast<size_t>(index)];
      out.what += fmt::format("{} {}: {}", out.what.empty() ? "sees" : ";", table.name,
                              expected.empty() ? "none" : listed(expected));
      const std::string target =
          fmt::format("/api/v{}/{}?select=id&limit=1000", app_.api, table.name);
      const Explanation told = explain(rehearsal_, who, "GET", target, "", CountRows::kNo);
      out.status = told.answer.status;
      const std::vector<std::string> seen = rows_in(told.answer.body, index);
      std::vector<std::string> missing, more;
      for (const std::string& name : expected) {
        if (std::ranges::find(seen, name) == seen.end()) missing.push_back(name);
      }
      for (const std::string& name : seen) {
        if (std::ranges::find(expected, name) == expected.end()) more.push_back(name);
      }
      if (missing.empty() && more.empty()) continue;
      out.passed = false;
      out.found += fmt::format("{}{}{}{}{} of {}", out.found.empty() ? "" : "; ",
                               missing.empty() ? "" : "does not see " + listed(missing),
                               missing.empty() || more.empty() ? "" : ", ",
                               more.empty() ? "" : "also sees ", listed(more), table.name);
      const std::string& row = missing.empty() ? more[0] : missing[0];
      decided_by_row(who, table, row, out);
    }
  }

  // What the rule says of that row.
  void decided_by_row(const records::Principal& who, const model::Table& table,
                      const std::string& row, CaseResult& out) {
    const std::string target = fmt::format("/api/v{}/{}/{}?select=id", app_.api, table.name,
                                           names_.find(row)->second.address);
    const Explanation told = explain(rehearsal_, who, "GET", target, "", CountRows::kNo);
    if (told.decided) out.decided = told.rules[*told.decided];
  }

  std::vector<std::string> rows_in(const std::string& body, int table) const {
    std::vector<std::string> out;
    const auto document = JsonDocument::parse(body);
    const auto items = document ? document->root().find("items") : std::nullopt;
    if (!items || !items->is_array()) return out;
    for (const JsonNode item : items->elements()) {
      const auto id = item.find("id");
      if (!id) continue;
      for (const GivenRow& row : app_.access_tests.rows) {
        if (row.table == table && names_.find(row.name)->second.id_json == id->source()) {
          out.push_back(row.name);
        }
      }
    }
    return out;
  }

  Rehearsal& rehearsal_;
  const model::AppModel& app_;
  const Names names_;
};

Result<> fit(Core& core, db::Store& store, const model::AppModel& app, model::Faults& faults) {
  std::vector<std::string> own;
  for (const auto& feature : make_features()) {
    for (std::string& sql : feature->own_tables()) own.push_back(std::move(sql));
  }
  Context ctx(core, system_seams(), INT64_MAX);
  migrate::Keeper keeper;
  const engine::SchemaKeeper::Wanted wanted{app, own, {}};
  return run_task(core, keeper.fit(ctx, store, wanted, faults));
}

Result<AccessTestsRun> run_cases(Rehearsal& rehearsal, const model::AppModel& app,
                                 model::Faults& faults) {
  AccessTestsRun out;
  const auto rows = std::make_shared<GiveRows>(app.access_tests);
  const Result<> given = rehearsal.run(records::Principal(), rows, Rehearsal::Keep::kYes);
  if (!given && rows->at == nullptr) return fail(given.error());
  if (!given) {
    const model::Table& table = app.tables[static_cast<size_t>(rows->at->table)];
    faults.error(rows->at->pos, fmt::format("access_tests.rows.{}.{}", table.name, rows->at->name),
                 "unfit_row",
                 fmt::format("the row \"{}\" of {} cannot be made: {}", rows->at->name, table.name,
                             sentence(given.error())));
    return out;
  }
  for (const auto& [name, row] : rows->names) out.names[row.id_json] = "$" + name;
  Cases cases(rehearsal, app, std::move(rows->names));
  for (const AccessCase& test : app.access_tests.cases) out.cases.push_back(cases.run(test));
  return out;
}

}  // namespace

size_t AccessTestsRun::failed() const {
  return static_cast<size_t>(std::ranges::count(cases, false, &CaseResult::passed));
}

Result<AccessTestsRun> run_access_tests(std::shared_ptr<const model::AppModel> app,
                                        model::Faults& faults) {
  TRY(const ScratchFolder folder, ScratchFolder::make());
  engine::Config config = engine::default_config();
  config.data = folder.path();
  config.durability = "normal";    // it is thrown away
  set_log_level(LogLevel::kWarn);  // a command's talk is its own
  Metrics registry;
  Core core(system_seams());
  TRY(OpenStore open, open_store(config, StoreUse::kServe, system_seams(), registry));
  TRY_VOID(fit(core, *open.store, *app, faults));
  if (faults.has_errors()) return AccessTestsRun();
  const auto rehearsal = Rehearsal::make(app, *open.store, *open.dialect, core, faults);
  if (rehearsal == nullptr) return AccessTestsRun();
  return run_cases(*rehearsal, *app, faults);
}

}  // namespace mettle::app

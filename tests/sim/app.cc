#include "sim/app.h"

#include <fmt/format.h>

#include "base/check.h"
#include "base/id.h"
#include "db/dialect.h"
#include "model/load.h"
#include "records/idempotency.h"
#include "records/sqlite_plain_tables.h"

namespace mettle::sim {
namespace {

using records::Answer;
using records::Authority;
using records::RowInput;
using records::StoredRow;
using records::TableInfo;
using records::WriteScope;

constexpr const char* kAppFile = R"(mettle: 1
app: sim
tables:
  counters:
    key: n
    columns: {n: {type: int}, hits: {type: int, default: 0}}
    access: {read: "true", write: "true"}
  entries:
    columns: {op: {type: int}, part: {type: int}, filler: {type: text}}
    indexes: [[op]]
    access: {read: "true", write: "true"}
)";

void set(RowInput& row, const TableInfo& table, std::string_view column, Value value) {
  row.values[static_cast<size_t>(table.find(column))] = std::move(value);
}

Task<Result<int64_t>> count_one(WriteScope& scope, const TableInfo& counters, int number) {
  const std::vector<int> by(1, counters.find("n"));
  std::vector<Value> key(1, Value(int64_t{number}));
  CO_TRY(const auto before, co_await scope.find(counters, by, std::move(key), Authority::kApp));
  if (!before) co_return fail(internal_error("a counter is not there"));
  const int64_t hits = (*before)[counters.find("hits")].integer() + 1;
  RowInput changes(counters);
  set(changes, counters, "hits", Value(hits));
  CO_TRY_VOID(co_await scope.update(counters, *before, changes, Authority::kApp, ""));
  co_return hits;
}

class EffectMutation final : public records::Mutation {
 public:
  EffectMutation(const App& app, const Effect& effect) : app_(app), effect_(effect) {}

  Task<Result<Answer>> run(WriteScope& scope) override {
    const TableInfo& counters = app_.table("counters");
    const TableInfo& entries = app_.table("entries");
    CO_TRY(const int64_t total, co_await count_one(scope, counters, 0));
    Answer answer;
    for (int part = 0; part < effect_.parts; ++part) {
      RowInput row(entries);
      set(row, entries, "op", Value(effect_.number));
      set(row, entries, "part", Value(int64_t{part}));
      set(row, entries, "filler",
          Value(std::string(static_cast<size_t>(effect_.filler_bytes),
                            static_cast<char>('a' + part % 26))));
      CO_TRY(const StoredRow made,
             co_await scope.insert(entries, std::move(row), Authority::kApp, ""));
      if (part == 0)
        answer.headers.emplace_back("Location", "/entries/" + format_uuid(made[0].uuid()));
    }
    CO_TRY_VOID(co_await count_one(scope, counters, counter_of(effect_.number)));
    if (effect_.ending == Ending::kConflict) co_return fail(Code::kConflict, "as it was asked to");
    if (effect_.ending == Ending::kForbidden)
      co_return fail(Code::kForbidden, "as it was asked to");
    answer.status = 201;
    answer.content_type = "application/json";
    answer.body =
        fmt::format("{{\"op\":{},\"total\":{},\"at\":{}}}", effect_.number, total, scope.now().us);
    co_return answer;
  }

 private:
  const App& app_;
  const Effect effect_;
};

class CountersMutation final : public records::Mutation {
 public:
  explicit CountersMutation(const App& app) : app_(app) {}
  Task<Result<Answer>> run(WriteScope& scope) override {
    const TableInfo& counters = app_.table("counters");
    for (int number = 0; number < kCounters; ++number) {
      RowInput row(counters);
      set(row, counters, "n", Value(int64_t{number}));
      CO_TRY_VOID(co_await scope.insert(counters, std::move(row), Authority::kApp, ""));
    }
    co_return Answer();
  }

 private:
  const App& app_;
};

}  // namespace

std::unique_ptr<const App> App::make() {
  auto app = std::make_unique<App>();
  model::Faults faults;
  const auto loaded = model::load_text(kAppFile, "sim.yaml", {}, faults);
  CHECK(loaded && !faults.has_errors());
  app->catalog = records::Catalog::compile(loaded, db::sqlite_dialect(), faults);
  CHECK(app->catalog && !faults.has_errors());
  app->ddl = records::idempotency_tables();
  for (std::string& table : records::plain_tables(app->catalog->model()))
    app->ddl.push_back(std::move(table));
  app->ddl.push_back("CREATE INDEX entries_op ON entries (op)");
  return app;
}

const TableInfo& App::table(std::string_view name) const {
  return catalog->table(catalog->model().find_table(name));
}

std::shared_ptr<records::Mutation> make_mutation(const App& app, const Effect& effect) {
  return std::make_shared<EffectMutation>(app, effect);
}
std::shared_ptr<records::Mutation> make_counters(const App& app) {
  return std::make_shared<CountersMutation>(app);
}
int counter_of(int64_t effect) {
  return 1 + static_cast<int>(effect % (kCounters - 1));
}

}  // namespace mettle::sim

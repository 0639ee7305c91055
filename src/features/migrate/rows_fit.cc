#include "features/migrate/rows_fit.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/json_write.h"
#include "base/mutant.h"
#include "features/migrate/recorded.h"
#include "rules/rules.h"

namespace mettle::migrate {

namespace {

using model::Change;
using model::ColumnSchema;
using model::TableSchema;
using Needs = model::Change::Needs;

constexpr int kSamples = 5;

// "0192…, 0193…": the first columns of the rows, at most kSamples, and the count in the last.
class Samples final : public db::RowSink {
 public:
  explicit Samples(std::vector<db::ColumnKind> kinds) : kinds_(std::move(kinds)) {}
  void restart() override { text.clear(); }
  Result<bool> on_row(const db::Row& row) override {
    std::string one;
    for (size_t i = 0; i < kinds_.size(); ++i) {
      const Value value = row.value(static_cast<int>(i), kinds_[i]);
      one += (one.empty() ? "" : "/") + (value.kind() == Kind::kText ? value.text() : bare(value));
    }
    text += (text.empty() ? "" : ", ") + one;
    return true;
  }
  std::string text;

 private:
  static std::string bare(const Value& value) {
    std::string json = to_json(value);
    const bool quoted = json.size() >= 2 && json.front() == '"';
    return quoted ? json.substr(1, json.size() - 2) : json;
  }
  const std::vector<db::ColumnKind> kinds_;
};

class Count final : public db::RowSink {
 public:
  void restart() override { n = 0; }
  Result<bool> on_row(const db::Row& row) override {
    n = row.int64(0);
    return true;
  }
  int64_t n = 0;
};

db::ColumnKind id_kind(const TableSchema& table) {
  return {table.id_type == model::IdType::kInt ? Kind::kInt : Kind::kUuid, 0};
}

db::ColumnKind kind_of(const model::SchemaSnapshot& schema, const TableSchema& table,
                       const std::string& name) {
  if (name == "id") return id_kind(table);
  if (name == "version") return {Kind::kInt, 0};
  const ColumnSchema* column = table.find(name);
  if (column == nullptr) return {Kind::kTimestamp, 0};  // created_at, updated_at
  if (column->type != model::Type::kReference) {
    return {model::type_kind(column->type), column->scale};
  }
  const TableSchema* target = schema.find(column->references);
  CHECK(target != nullptr);
  return id_kind(*target);
}

// Whether the values of its columns are not to be shown.
bool is_sensitive(const Change& change, const model::AppModel& app) {
  const int index = app.find_table(change.table);
  CHECK(index >= 0);
  const model::Table& table = app.tables[static_cast<size_t>(index)];
  return !planted(Mutant::kSensitiveInRefusal) &&
         std::ranges::any_of(change.columns, [&](const std::string& name) {
           const int column = table.find_column(name);
           return column >= 0 && table.columns[static_cast<size_t>(column)].sensitive;
         });
}

std::string rows_text(int64_t n) {
  return n == 1 ? "1 row" : fmt::format("{} rows", n);
}

}  // namespace

Task<Result<>> RowsFit::refuse_rows(const Change& change, std::string condition,
                                    std::string_view what, std::vector<Value> values) {
  const db::Dialect& sql = after_.dialect();
  const std::string from = fmt::format("{} t0{}{}", sql.table(change.table),
                                       condition.empty() ? "" : " WHERE ", condition);
  Count count;
  CO_TRY_VOID(co_await run_sql(tx_, fmt::format("SELECT count(*) FROM {}", from), values, &count));
  if (count.n == 0) co_return Result<>();
  std::string list;
  std::vector<db::ColumnKind> kinds;
  for (const std::string& column : naming_columns(change.table)) {
    list += (list.empty() ? "t0." : ", t0.") + sql.identifier(column);
    kinds.push_back(kind_of(wanted_, *wanted_.find(change.table), column));
  }
  Samples samples(kinds);
  const db::StatementRef statement =
      db::Statement::make(fmt::format("SELECT {} FROM {} ORDER BY t0.{} LIMIT {}", list, from,
                                      sql.identifier("id"), kSamples),
                          kinds);
  CO_TRY_VOID(co_await tx_.run(statement, values, &samples));
  misfits_.push_back(
      {&change, fmt::format("{}: {} {} ({}{})", change.message, what, rows_text(count.n),
                            samples.text, count.n > kSamples ? ", …" : "")});
  co_return Result<>();
}

// What a person knows a row by: its natural key, if that stays as it is, else the id.
std::vector<std::string> RowsFit::naming_columns(const std::string& table) const {
  const TableSchema* was = was_.find(table);
  const TableSchema* wanted = wanted_.find(table);
  CHECK(wanted != nullptr);
  if (was == nullptr || wanted->key.empty() || was->key != wanted->key) return {"id"};
  for (const std::string& column : wanted->key) {
    const ColumnSchema* before = was->find(column);
    const ColumnSchema* after = wanted->find(column);
    if (before == nullptr || after == nullptr || before->type != after->type) return {"id"};
  }
  return wanted->key;
}

// True for the values that cannot be had in the new column.
std::string RowsFit::misfit_condition(const ColumnSchema& from, const ColumnSchema& to) const {
  const db::Dialect& sql = after_.dialect();
  const std::string x = "t0." + sql.identifier(to.name);
  const std::string converted = after_.converted(from, to, x);
  std::string out;
  if (converted != x) out = fmt::format("({} IS NULL)", converted);
  if (const std::string fits = after_.fits(to, converted); !fits.empty()) {
    out += fmt::format("{}(({}) IS NOT TRUE)", out.empty() ? "" : " OR ", fits);
  }
  if (to.type == model::Type::kReference) {
    out += fmt::format("{}({} NOT IN (SELECT {} FROM {}))", out.empty() ? "" : " OR ", converted,
                       sql.identifier("id"), sql.table(to.references));
  }
  return out.empty() ? "" : fmt::format("{} IS NOT NULL AND ({})", x, out);
}

Task<Result<>> RowsFit::before_change(const Change& change) {
  const TableSchema* was = was_.find(change.table);
  const TableSchema* wanted = wanted_.find(change.table);
  if (was == nullptr || wanted == nullptr) co_return Result<>();
  if (change.needs == Needs::kNoRows) {
    co_return co_await refuse_rows(change, "", "there is no value for");
  }
  const ColumnSchema* from = was->find(change.column);
  const ColumnSchema* to = wanted->find(change.column);
  if (from == nullptr || to == nullptr) co_return Result<>();
  if (change.needs == Needs::kNoNulls) {
    std::string condition =
        fmt::format("t0.{} IS NULL", after_.dialect().identifier(change.column));
    co_return co_await refuse_rows(change, std::move(condition), "there is no value in");
  }
  if (change.needs == Needs::kFittingValues) {
    std::string condition = misfit_condition(*from, *to);
    if (condition.empty()) co_return Result<>();
    co_return co_await refuse_rows(change, std::move(condition), "does not fit");
  }
  co_return Result<>();
}

Task<Result<>> RowsFit::after_change(const Change& change, const model::AppModel& app) {
  if (change.needs != Needs::kUniqueValues) co_return Result<>();
  const db::Dialect& sql = after_.dialect();
  const TableSchema* table = wanted_.find(change.table);
  CHECK(table != nullptr);
  std::string list, present;
  std::vector<db::ColumnKind> kinds;
  for (const std::string& column : change.columns) {
    list += (list.empty() ? "" : ", ") + sql.identifier(column);
    present += (present.empty() ? "" : " AND ") + sql.identifier(column) + " IS NOT NULL";
    kinds.push_back(kind_of(wanted_, *table, column));
  }
  const std::string groups =
      fmt::format("SELECT {} FROM {} WHERE {} GROUP BY {} HAVING count(*) > 1", list,
                  sql.table(change.table), present, list);
  Count count;
  CO_TRY_VOID(co_await run_sql(tx_, fmt::format("SELECT count(*) FROM ({})", groups), {}, &count));
  if (count.n == 0) co_return Result<>();
  Samples samples(kinds);
  const db::StatementRef statement =
      db::Statement::make(fmt::format("{} LIMIT {}", groups, kSamples), kinds);
  CO_TRY_VOID(co_await tx_.run(statement, {}, &samples));
  if (is_sensitive(change, app)) samples.text = model::kMasked;
  misfits_.push_back(
      {&change,
       fmt::format("{}: {} by several rows ({}{})", change.message,
                   count.n == 1 ? "1 value is held" : fmt::format("{} values are held", count.n),
                   samples.text, count.n > kSamples ? ", …" : "")});
  co_return Result<>();
}

Task<Result<>> RowsFit::checks_hold(const Change& change, const model::AppModel& app,
                                    Timestamp now) {
  if (change.needs != Needs::kChecksHold) co_return Result<>();
  const int index = app.find_table(change.table);
  CHECK(index >= 0);
  const TableSchema* was = was_.find(change.table);
  rules::Environment environment = rules::Environment::base(app);
  environment.declare("row", rules::row_type(index));
  rules::Bindings bindings;
  bindings.bind("now", Value(now));
  for (const model::Check& check : app.tables[static_cast<size_t>(index)].checks) {
    if (was != nullptr && std::ranges::find(was->checks, check.rule.text) != was->checks.end()) {
      continue;
    }
    model::Faults faults;  // were reported when the app was compiled
    rules::Type want;
    want.tag = rules::Type::Tag::kBool;
    const rules::ExprRef expr = rules::compile(check.rule, environment, want, {}, faults);
    if (!expr) co_return fail(Code::kInvalidApp, "a check does not compile: " + check.rule.text);
    CO_TRY(rules::SqlExpr sql, rules::to_sql(*expr, {{"row", index, "t0"}}, after_.dialect(),
                                             rules::SqlContext::kValue));
    std::vector<Value> values;
    for (const rules::ExprRef& parameter : sql.parameters) {
      values.push_back(rules::evaluate(*parameter, bindings));
    }
    std::string condition = fmt::format("({}) IS FALSE", rules::number(sql, after_.dialect(), 1));
    const std::string what = fmt::format("`{}` is false for", check.rule.text);
    CO_TRY_VOID(co_await refuse_rows(change, std::move(condition), what, std::move(values)));
  }
  co_return Result<>();
}

}  // namespace mettle::migrate

// WriteScope's reads of whole rows: by key, by a caller's filter, by an app's condition. Each form
// is a statement that is made once; what differs between requests is bound.
#include "base/mutant.h"
#include "records/change.h"
#include "records/plan.h"
#include "records/stored_row.h"

namespace mettle::records {

struct WriteScope::RowQuery {
  db::StatementRef statement;     // its last parameter is the LIMIT
  std::vector<PlanParam> params;  // of the condition
  rules::ExprRef keeps;           // whose address is part of the key
};

std::shared_ptr<const WriteScope::RowQuery> WriteScope::row_query(const TableInfo& table,
                                                                  std::string condition,
                                                                  std::vector<PlanParam> params,
                                                                  rules::ExprRef keeps) const {
  auto made = std::make_shared<RowQuery>();
  made->statement = db::Statement::make(
      fmt::format("SELECT {} FROM {} t0{}{} ORDER BY t0.{} LIMIT {}", column_list(table, "t0."),
                  table.sql_name, condition.empty() ? "" : " WHERE ", condition, id_name(table),
                  catalog_.dialect().parameter(static_cast<int>(params.size()) + 1)),
      kinds_of(table));
  made->params = std::move(params);
  made->keeps = std::move(keeps);
  return made;
}

Task<Result<std::vector<StoredRow>>> WriteScope::rows_of(const TableInfo& table,
                                                         const RowQuery& query,
                                                         const std::vector<Value>& operands,
                                                         const rules::Bindings& bindings,
                                                         int64_t rows_max) {
  std::vector<Value> values = bind_params(query.params, operands, bindings);
  values.emplace_back(rows_max < INT64_MAX ? rows_max + 1 : rows_max);
  StoredRows sink(table);
  CO_TRY_VOID(co_await tx_.run(query.statement, values, &sink));
  if (static_cast<int64_t>(sink.rows.size()) > rows_max) {
    co_return fail(Code::kTooManyRows,
                   fmt::format("more than {} rows of {} match; nothing was changed", rows_max,
                               table.table->name));
  }
  co_return std::move(sink.rows);
}

Task<Result<std::optional<StoredRow>>> WriteScope::find(const TableInfo& table,
                                                        const std::vector<int>& columns,
                                                        std::vector<Value> values,
                                                        Authority authority) {
  Judged judged;
  judged.grant = Grant::kAlways;
  if (authority == Authority::kCaller) judged = catalog_.judge(table.read, bindings_);
  if (authority == Authority::kApp && table.in_tenant) {
    judged = {Grant::kDepends, table.in_tenant, "@"};
  }
  if (judged.grant == Grant::kNever) co_return fail(refused(who_, "read", table.table->name));
  const bool depends = judged.grant == Grant::kDepends;
  std::string key = fmt::format("F{}", table.index);
  for (const int column : columns) key += fmt::format(",{}", column);
  if (depends) key += "?" + judged.outcomes;
  const auto query = catalog_.cached<RowQuery>(key, [&] {
    std::string condition;
    std::vector<PlanParam> params;
    for (const int column : columns) {
      params.push_back({static_cast<int>(params.size()), nullptr});
      condition += fmt::format("{}t0.{} = {}", condition.empty() ? "" : " AND ",
                               table.columns[static_cast<size_t>(column)].sql_name,
                               catalog_.dialect().parameter(static_cast<int>(params.size())));
    }
    if (depends) condition += fmt::format(" AND ({})", rule_condition(table, judged.left, params));
    return row_query(table, std::move(condition), std::move(params), nullptr);
  });
  CO_TRY(std::vector<StoredRow> rows, co_await rows_of(table, *query, values, bindings_, 1));
  if (rows.empty()) co_return std::optional<StoredRow>();
  co_return std::optional<StoredRow>(std::move(rows[0]));
}

// The rule over alias t0, its parameters behind those that are there. REQUIRES: the catalogue had
// no fault with it.
std::string WriteScope::rule_condition(const TableInfo& table, const rules::ExprRef& rule,
                                       std::vector<PlanParam>& params) const {
  auto sql = rules::to_sql(*rule, {{"row", table.index, "t0"}}, catalog_.dialect(),
                           rules::SqlContext::kCondition);
  if (!sql) return "1 = 0";  // what cannot be asked is not granted
  std::string text = rules::number(*sql, catalog_.dialect(), static_cast<int>(params.size()) + 1);
  for (rules::ExprRef& parameter : sql->parameters) params.push_back({-1, std::move(parameter)});
  return text;
}

Task<Result<std::vector<StoredRow>>> WriteScope::matching(const TableInfo& table,
                                                          const Filter& filter, int64_t rows_max,
                                                          Authority authority) {
  Resolver resolver(catalog_, who_, bindings_, limits_);
  CO_TRY(const Resolved resolved,
         resolver.matching(table.index, filter, authority == Authority::kCaller));
  const auto query = catalog_.cached<RowQuery>(resolved.shape_key, [&] {
    Condition condition = make_condition(catalog_, resolved);
    return row_query(table, std::move(condition.sql), std::move(condition.params), nullptr);
  });
  co_return co_await rows_of(table, *query, resolved.operands, bindings_, rows_max);
}

Task<Result<std::vector<StoredRow>>> WriteScope::where(const TableInfo& table,
                                                       const rules::ExprRef& where,
                                                       const rules::Bindings& bindings,
                                                       int64_t rows_max) {
  const std::string key = fmt::format("W{} {}", table.index, static_cast<const void*>(where.get()));
  auto query = std::static_pointer_cast<const RowQuery>(catalog_.find_cached(key));
  if (!query) {
    rules::ExprRef found = where;
    if (table.in_tenant && !planted(Mutant::kTenantNotInSteps)) {
      found = rules::all_of({table.in_tenant, where}, where->source());
    }
    CO_TRY(rules::SqlExpr sql, rules::to_sql(*found, {{"row", table.index, "t0"}},
                                             catalog_.dialect(), rules::SqlContext::kCondition));
    std::vector<PlanParam> params;
    for (const rules::ExprRef& parameter : sql.parameters) params.push_back({-1, parameter});
    query = row_query(table, rules::number(sql, catalog_.dialect(), 1), std::move(params), where);
    catalog_.put_cached(key, query);
  }
  const std::vector<Value> none;
  co_return co_await rows_of(table, *query, none, bindings, rows_max);
}

}  // namespace mettle::records

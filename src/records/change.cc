// WriteScope: rules, then SQL. Every statement of a table is made once and cached in the catalogue.
#include "records/change.h"

#include "base/check.h"
#include "base/limits.h"
#include "records/constraint.h"
#include "records/etag.h"
#include "records/plan.h"
#include "records/shape.h"

namespace mettle::records {

namespace {

std::vector<db::ColumnKind> kinds_of(const TableInfo& table) {
  std::vector<db::ColumnKind> kinds;
  for (const ColumnInfo& column : table.columns) kinds.push_back(column.shape.kind);
  return kinds;
}

std::string column_list(const TableInfo& table, std::string_view alias) {
  std::string list;
  for (const ColumnInfo& column : table.columns) {
    if (!list.empty()) list += ", ";
    list += fmt::format("{}{}", alias, column.sql_name);
  }
  return list;
}

class RowsSink final : public db::RowSink {
 public:
  explicit RowsSink(const TableInfo& table) : kinds_(kinds_of(table)) {}
  void restart() override { rows.clear(); }
  Result<bool> on_row(const db::Row& row) override {
    StoredRow stored;
    stored.values.reserve(kinds_.size());
    for (size_t i = 0; i < kinds_.size(); ++i) {
      stored.values.push_back(row.value(static_cast<int>(i), kinds_[i]));
    }
    rows.push_back(std::move(stored));
    return true;
  }
  std::vector<StoredRow> rows;

 private:
  const std::vector<db::ColumnKind> kinds_;
};

// One value, of the kind that was asked for.
class ValueSink final : public db::RowSink {
 public:
  explicit ValueSink(db::ColumnKind kind) : kind_(kind) {}
  void restart() override { value = Unknown{}; }
  Result<bool> on_row(const db::Row& row) override {
    value = row.is_null(0) ? Value(Unknown{}) : row.value(0, kind_);
    return false;
  }
  Value value = Unknown{};

 private:
  const db::ColumnKind kind_;
};

db::ColumnKind kind_of(const rules::Type& type) {
  using Tag = rules::Type::Tag;
  switch (type.tag) {
    case Tag::kBool:
      return {Kind::kBool, 0};
    case Tag::kInt:
      return {Kind::kInt, 0};
    case Tag::kFloat:
      return {Kind::kFloat, 0};
    case Tag::kDecimal:
      return {Kind::kDecimal, type.scale};
    case Tag::kText:
      return {Kind::kText, 0};
    case Tag::kBytes:
      return {Kind::kBytes, 0};
    case Tag::kUuid:
      return {Kind::kUuid, 0};
    case Tag::kTimestamp:
      return {Kind::kTimestamp, 0};
    case Tag::kDate:
      return {Kind::kDate, 0};
    case Tag::kTime:
      return {Kind::kTime, 0};
    case Tag::kJson:
      return {Kind::kJson, 0};
    default:
      return {Kind::kNull, 0};
  }
}

bool same(const Value& a, const Value& b) {
  return a.storage() == b.storage();
}

// "products.sku" or "lines.order_id,lines.product_id" → the columns' names.
std::vector<std::string> constraint_columns(std::string_view constraint) {
  std::vector<std::string> names;
  while (!constraint.empty()) {
    const size_t comma = constraint.find(',');
    std::string_view entry = constraint.substr(0, comma);
    const size_t dot = entry.rfind('.');
    if (dot != std::string_view::npos) entry.remove_prefix(dot + 1);
    while (!entry.empty() && entry.front() == ' ') entry.remove_prefix(1);
    names.emplace_back(entry);
    constraint.remove_prefix(comma == std::string_view::npos ? constraint.size() : comma + 1);
  }
  return names;
}

const std::string& id_name(const TableInfo& table) {
  return table.columns[0].sql_name;
}

}  // namespace

WriteScope::WriteScope(const Catalog& catalog, db::WriteTx& tx, const Principal& who,
                       SharedIds& ids, Timestamp now, const QueryLimits& limits)
    : catalog_(catalog),
      tx_(tx),
      who_(who),
      ids_(ids),
      now_(now),
      limits_(limits),
      bindings_(base_bindings(who, now)) {
  bindings_.set_random(&ids.random());
}

Value WriteScope::as_value(const TableInfo& table, const StoredRow& row) const {
  Map map;
  map.reserve(table.columns.size());
  for (const ColumnInfo& column : table.columns) {
    if (!column.column->hidden) map.emplace_back(column.name(), row[column.index]);
  }
  return Value(std::move(map));
}

rules::Bindings WriteScope::row_bindings(const TableInfo& table, const StoredRow* before,
                                         const StoredRow* after) const {
  rules::Bindings bindings = bindings_;
  if (before != nullptr) bindings.bind("row", as_value(table, *before));
  if (after != nullptr) bindings.bind("new", as_value(table, *after));
  return bindings;
}

Task<Result<Value>> WriteScope::evaluate(const rules::ExprRef& expr,
                                         const rules::Bindings& bindings) {
  if (!expr->needs_sql()) co_return rules::evaluate(*expr, bindings);
  struct Prepared {
    rules::ExprRef keeps;  // the address of the expression is the key, so it must stay taken
    rules::SqlExpr sql;
    db::StatementRef statement;
  };
  const db::ColumnKind kind = kind_of(expr->type());
  const std::string key = fmt::format("E{}", static_cast<const void*>(expr.get()));
  auto prepared = std::static_pointer_cast<const Prepared>(catalog_.find_cached(key));
  if (!prepared) {
    CO_TRY(rules::SqlExpr sql,
           rules::to_sql(*expr, {}, catalog_.dialect(), rules::SqlContext::kValue));
    auto made = std::make_shared<Prepared>();
    made->keeps = expr;
    made->statement = db::Statement::make(
        fmt::format("SELECT {}", rules::number(sql, catalog_.dialect(), 1)), {kind});
    made->sql = std::move(sql);
    catalog_.put_cached(key, made);
    prepared = std::move(made);
  }
  std::vector<Value> values;
  for (const rules::ExprRef& parameter : prepared->sql.parameters) {
    values.push_back(rules::evaluate(*parameter, bindings));
  }
  ValueSink sink(kind);
  CO_TRY_VOID(co_await tx_.run(prepared->statement, values, &sink));
  co_return std::move(sink.value);
}

Task<Result<>> WriteScope::allowed(const Rule& rule, const TableInfo& table,
                                   const StoredRow* before, const StoredRow* after,
                                   std::string_view action) {
  if (!rule.expr) co_return fail(refused(who_, action, table.table->name));
  if (rule.always()) co_return Result<>();
  const StoredRow* rows[] = {before != nullptr ? before : after, after};
  // One that names `new` says itself how the two may differ; any other must hold before and after.
  const int rounds = rule.names_new || before == nullptr || after == nullptr ? 1 : 2;
  for (int round = 0; round < rounds; ++round) {
    const rules::Bindings bindings =
        row_bindings(table, rows[round] != nullptr ? rows[round] : before, after);
    CO_TRY(const Value verdict, co_await evaluate(rule.expr, bindings));
    if (!verdict.is_true()) co_return fail(refused(who_, action, table.table->name));
  }
  co_return Result<>();
}

Task<Result<bool>> WriteScope::may_write(const TableInfo& table, const ColumnInfo& column,
                                         const StoredRow* before, const StoredRow& after) {
  if (!column.write) co_return true;
  // As with a table's rule: one that does not name `new` must hold before and after.
  const bool both = before != nullptr && !column.write->names_new;
  const StoredRow* rows[] = {before != nullptr ? before : &after, &after};
  for (int round = 0; round < (both ? 2 : 1); ++round) {
    const rules::Bindings bindings = row_bindings(table, rows[round], &after);
    CO_TRY(const Value verdict, co_await evaluate(column.write->expr, bindings));
    if (!verdict.is_true()) co_return false;
  }
  co_return true;
}

Task<Result<>> WriteScope::columns_allowed(const TableInfo& table, const RowInput& input,
                                           const StoredRow* before, const StoredRow& after,
                                           const std::string& pointer) {
  for (const ColumnInfo& column : table.columns) {
    const std::optional<Value>& sent = input.values[static_cast<size_t>(column.index)];
    if (!sent || !column.write) continue;
    if (before != nullptr && same((*before)[column.index], after[column.index])) continue;
    CO_TRY(const bool may, co_await may_write(table, column, before, after));
    if (may) continue;
    Error error = make_error(
        Code::kForbidden, fmt::format("you may not write {}.{}", table.table->name, column.name()));
    error.faults.push_back(
        {pointer_to(pointer, column.name()), Code::kNotWritable, "you may not write this column"});
    co_return fail(std::move(error));
  }
  co_return Result<>();
}

Task<Result<>> WriteScope::checks_hold(const TableInfo& table, const StoredRow& row,
                                       const std::string& pointer) {
  if (table.checks.empty()) co_return Result<>();
  const rules::Bindings bindings = row_bindings(table, &row, &row);
  for (const CheckInfo& check : table.checks) {
    CO_TRY(const Value verdict, co_await evaluate(check.expr, bindings));
    // As SQL's CHECK: what cannot be told does not fail.
    if (verdict.kind() != Kind::kBool || verdict.boolean()) continue;
    std::vector<Fault> faults;
    faults.push_back({pointer, Code::kCheckFailed,
                      check.message.empty()
                          ? fmt::format("does not satisfy `{}`", check.expr->source().text)
                          : check.message});
    co_return fail(invalid(std::move(faults)));
  }
  co_return Result<>();
}

// The whole row to insert: what was sent, defaults, what the server sets.
Task<Result<StoredRow>> WriteScope::completed(const TableInfo& table, RowInput input,
                                              const std::string& pointer) {
  StoredRow row;
  row.values.resize(table.columns.size());
  std::vector<Fault> faults;
  for (const ColumnInfo& column : table.columns) {
    std::optional<Value>& sent = input.values[static_cast<size_t>(column.index)];
    Value& value = row.values[static_cast<size_t>(column.index)];
    const model::Shape& shape = column.column->shape;
    const std::string at = pointer_to(pointer, column.name());
    if (sent) {
      value = std::move(*sent);
    } else if (column.index == table.table->owner) {
      value = who_.id.is_unknown() ? Value() : who_.id;
      if (value.is_null() && !shape.optional) {
        faults.push_back({at, Code::kRequired, "is required: no user is signed in to own the row"});
      }
    } else if (shape.default_value && !shape.default_value->is_expression) {
      value = shape.default_value->literal;
    } else if (column.shape.default_expr) {
      CO_TRY(const Value made, co_await evaluate(column.shape.default_expr, bindings_));
      value = value_from_value(column.shape, made, at, faults);
    } else if (!shape.optional && !column.column->system) {
      faults.push_back({at, Code::kRequired, "is required"});
    }
  }
  if (!faults.empty()) co_return fail(invalid(std::move(faults)));
  if (row.values[0].is_null() && table.table->id_type == model::IdType::kUuid) {
    row.values[0] = Value(ids_.next());
  }
  const auto set_missing = [&](std::string_view name, Value server_value) {
    Value& value = row.values[static_cast<size_t>(table.find(name))];
    if (value.is_null()) value = std::move(server_value);  // only an operator's load brings its own
  };
  set_missing("created_at", Value(now_));
  set_missing("updated_at", Value(now_));
  set_missing("version", Value(int64_t{1}));
  co_return row;
}

// Whether a unique column that was taken has a random default, which then has another value now.
Task<Result<bool>> WriteScope::made_anew(const TableInfo& table, const RowInput& input,
                                         const Error& error, StoredRow& row) {
  bool any = false;
  if (error.code != Code::kUniqueViolation) co_return any;
  for (const std::string& name : constraint_columns(error.inside)) {
    const int index = table.find(name);
    if (index < 0 || input.values[static_cast<size_t>(index)]) continue;
    const ColumnInfo& column = table.columns[static_cast<size_t>(index)];
    if (!column.shape.default_expr || !column.shape.default_expr->random()) continue;
    CO_TRY(const Value made, co_await evaluate(column.shape.default_expr, bindings_));
    std::vector<Fault> faults;
    row.values[static_cast<size_t>(index)] =
        value_from_value(column.shape, made, pointer_to("", name), faults);
    if (!faults.empty()) co_return fail(invalid(std::move(faults)));
    any = true;
  }
  co_return any;
}

Task<Result<StoredRow>> WriteScope::insert(const TableInfo& table, RowInput input,
                                           Authority authority, std::string pointer) {
  CO_TRY(StoredRow row, co_await completed(table, input, pointer));
  if (authority == Authority::kCaller) {
    CO_TRY_VOID(co_await columns_allowed(table, input, nullptr, row, pointer));
  }
  const bool numbered = table.table->id_type == model::IdType::kInt;
  const auto statement = catalog_.cached<db::Statement>(fmt::format("I{}", table.index), [&] {
    std::string parameters;
    for (int i = 1; i <= static_cast<int>(table.columns.size()); ++i) {
      if (i > 1) parameters += ", ";
      parameters += catalog_.dialect().parameter(i);
    }
    return db::Statement::make(
        fmt::format("INSERT INTO {} ({}) VALUES ({}){}", table.sql_name, column_list(table, ""),
                    parameters, numbered ? fmt::format(" RETURNING {}", id_name(table)) : ""),
        {{Kind::kInt, 0}});
  });
  ValueSink sink({Kind::kInt, 0});
  auto done = co_await tx_.run(statement, row.values, numbered ? &sink : nullptr);
  constexpr int kRandomTries = 3;
  for (int tries = 0; !done && tries < kRandomTries; ++tries) {
    CO_TRY(const bool again, co_await made_anew(table, input, done.error(), row));
    if (!again) break;
    done = co_await tx_.run(statement, row.values, numbered ? &sink : nullptr);
  }
  if (!done) {
    co_return fail(co_await explained(table, row, std::move(done.error()), std::move(pointer)));
  }
  if (numbered) row.values[0] = std::move(sink.value);
  CO_TRY_VOID(co_await checks_hold(table, row, pointer));
  if (authority == Authority::kCaller) {
    CO_TRY_VOID(co_await allowed(table.create, table, nullptr, &row, "create"));
  }
  co_return row;
}

Task<Result<std::vector<StoredRow>>> WriteScope::select(const TableInfo& table,
                                                        std::string condition,
                                                        std::vector<Value> values,
                                                        int64_t rows_max) {
  const auto statement = catalog_.cached<db::Statement>(
      fmt::format("S{} {} {}", table.index, rows_max, condition), [&] {
        return db::Statement::make(fmt::format("SELECT {} FROM {} t0{}{} ORDER BY t0.{} LIMIT {}",
                                               column_list(table, "t0."), table.sql_name,
                                               condition.empty() ? "" : " WHERE ", condition,
                                               id_name(table), rows_max + 1),
                                   kinds_of(table));
      });
  RowsSink sink(table);
  CO_TRY_VOID(co_await tx_.run(statement, values, &sink));
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
  std::string condition;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) condition += " AND ";
    condition += fmt::format("t0.{} = {}", table.columns[static_cast<size_t>(columns[i])].sql_name,
                             catalog_.dialect().parameter(static_cast<int>(i) + 1));
  }
  if (authority == Authority::kCaller) {
    const Grant grant = catalog_.grant(table.read, bindings_);
    if (grant == Grant::kNever) co_return fail(refused(who_, "read", table.table->name));
    if (grant == Grant::kDepends) {
      CO_TRY(rules::SqlExpr sql, rules::to_sql(*table.read.expr, {{"row", table.index, "t0"}},
                                               catalog_.dialect(), rules::SqlContext::kCondition));
      condition += fmt::format(
          " AND ({})", rules::number(sql, catalog_.dialect(), static_cast<int>(values.size()) + 1));
      for (const rules::ExprRef& parameter : sql.parameters) {
        values.push_back(rules::evaluate(*parameter, bindings_));
      }
    }
  }
  CO_TRY(std::vector<StoredRow> rows,
         co_await select(table, std::move(condition), std::move(values), 1));
  if (rows.empty()) co_return std::optional<StoredRow>();
  co_return std::optional<StoredRow>(std::move(rows[0]));
}

Task<Result<std::vector<StoredRow>>> WriteScope::matching(const TableInfo& table,
                                                          const Filter& filter, int64_t rows_max,
                                                          Authority authority) {
  Resolver resolver(catalog_, who_, bindings_, limits_);
  CO_TRY(const Resolved resolved,
         resolver.matching(table.index, filter, authority == Authority::kCaller));
  Condition condition = make_condition(catalog_, resolved);
  std::vector<Value> values = bind_params(condition.params, resolved.operands, bindings_);
  co_return co_await select(table, std::move(condition.sql), std::move(values), rows_max);
}

Task<Result<std::vector<StoredRow>>> WriteScope::where(const TableInfo& table,
                                                       const rules::ExprRef& where,
                                                       const rules::Bindings& bindings,
                                                       int64_t rows_max) {
  CO_TRY(rules::SqlExpr sql, rules::to_sql(*where, {{"row", table.index, "t0"}}, catalog_.dialect(),
                                           rules::SqlContext::kCondition));
  std::vector<Value> values;
  for (const rules::ExprRef& parameter : sql.parameters) {
    values.push_back(rules::evaluate(*parameter, bindings));
  }
  co_return co_await select(table, rules::number(sql, catalog_.dialect(), 1), std::move(values),
                            rows_max);
}

Task<Result<StoredRow>> WriteScope::update(const TableInfo& table, const StoredRow& before,
                                           const RowInput& changes, Authority authority,
                                           std::string pointer) {
  StoredRow after = before;
  std::string assignments;
  std::string key = fmt::format("U{}", table.index);
  std::vector<Value> values;
  std::vector<Fault> faults;
  const auto assign = [&](const ColumnInfo& column, Value value) {
    after.values[static_cast<size_t>(column.index)] = value;
    values.push_back(std::move(value));
    key += fmt::format(",{}", column.index);
    assignments += fmt::format("{}{} = {}", assignments.empty() ? "" : ", ", column.sql_name,
                               catalog_.dialect().parameter(static_cast<int>(values.size())));
  };
  for (const ColumnInfo& column : table.columns) {
    const std::optional<Value>& sent = changes.values[static_cast<size_t>(column.index)];
    if (!sent || same(*sent, before[column.index])) continue;
    if (column.column->system) {
      faults.push_back(
          {pointer_to(pointer, column.name()), Code::kNotWritable, "is set by the server"});
      continue;
    }
    assign(column, *sent);
  }
  if (!faults.empty()) co_return fail(invalid(std::move(faults)));
  assign(table.columns[static_cast<size_t>(table.find("updated_at"))], Value(now_));
  const int version = table.find("version");
  assign(table.columns[static_cast<size_t>(version)], Value(before[version].integer() + 1));
  if (authority == Authority::kCaller) {
    CO_TRY_VOID(co_await columns_allowed(table, changes, &before, after, pointer));
    CO_TRY_VOID(co_await allowed(table.update, table, &before, &after, "update"));
  }
  values.push_back(before[0]);
  const auto statement = catalog_.cached<db::Statement>(key, [&] {
    return db::Statement::make(
        fmt::format("UPDATE {} SET {} WHERE {} = {}", table.sql_name, assignments, id_name(table),
                    catalog_.dialect().parameter(static_cast<int>(values.size()))));
  });
  auto done = co_await tx_.run(statement, values);
  if (!done) {
    co_return fail(co_await explained(table, after, std::move(done.error()), std::move(pointer)));
  }
  CO_TRY_VOID(co_await checks_hold(table, after, pointer));
  co_return after;
}

Task<Result<>> WriteScope::remove(const TableInfo& table, const StoredRow& row,
                                  Authority authority) {
  if (authority == Authority::kCaller) {
    CO_TRY_VOID(co_await allowed(table.delete_, table, &row, nullptr, "delete"));
  }
  const auto statement = catalog_.cached<db::Statement>(fmt::format("D{}", table.index), [&] {
    return db::Statement::make(fmt::format("DELETE FROM {} WHERE {} = {}", table.sql_name,
                                           id_name(table), catalog_.dialect().parameter(1)));
  });
  const std::vector<Value> values = {row[0]};
  auto done = co_await tx_.run(statement, values);
  if (!done) co_return fail(co_await explained(table, row, std::move(done.error()), ""));
  co_return Result<>();
}

// A constraint's violation in the words of the app file: the columns at fault.
Task<Error> WriteScope::explained(const TableInfo& table, const StoredRow& row, Error error,
                                  std::string pointer) {
  if (error.code == Code::kUniqueViolation) {
    std::string names;
    for (const std::string& name : constraint_columns(error.inside)) {
      names += names.empty() ? name : ", " + name;
      error.faults.push_back({pointer_to(pointer, name), Code::kUniqueViolation, "is taken"});
    }
    error.detail = fmt::format("another row of {} has this {}", table.table->name, names);
    co_return error;
  }
  if (error.code == Code::kReferenceMissing) {
    std::vector<Fault> faults;
    for (const ColumnInfo& column : table.columns) {
      const model::Shape& shape = column.column->shape;
      if (shape.type != model::Type::kReference || row[column.index].is_null()) continue;
      const TableInfo& target = catalog_.table(shape.references);
      auto there = co_await find(target, {0}, {row[column.index]}, Authority::kApp);
      if (!there) co_return std::move(there.error());
      if (*there) continue;
      faults.push_back({pointer_to(pointer, column.name()), Code::kReferenceMissing,
                        fmt::format("there is no such row in {}", target.table->name)});
    }
    if (!faults.empty()) co_return invalid(std::move(faults));
    co_return error;
  }
  if (error.code == Code::kReferenceRestricted) {
    error.detail = fmt::format("other rows still refer to this row of {}", table.table->name);
    co_return error;
  }
  if (error.code == Code::kCheckFailed) co_return co_await explained_check(tx_, std::move(error));
  co_return error;
}

Task<Result<std::optional<std::string>>> WriteScope::represent(const TableInfo& table,
                                                               const StoredRow& row,
                                                               const Select& select) {
  Resolver resolver(catalog_, who_, bindings_, limits_);
  std::vector<Value> key;
  for (const int column : table.key) key.push_back(row[column]);
  auto resolved = resolver.one(table.index, key, select);
  if (!resolved) {
    const Code code = resolved.error().code;
    if (code == Code::kForbidden || code == Code::kUnauthenticated) {
      if (select.all && select.items.empty()) co_return std::optional<std::string>();
    }
    co_return fail(std::move(resolved.error()));
  }
  bool in_memory = select.all && select.items.empty() && !resolved->top.rule;
  for (const ResolvedItem& item : resolved->top.items) in_memory = in_memory && !item.guard;
  std::string json;
  if (in_memory) {
    const auto shape = catalog_.cached<Shape>("R" + resolved->shape_key, [&] {
      auto made = std::make_shared<Shape>();
      for (const ResolvedItem& item : resolved->top.items) {
        made->fields.push_back(
            {item.key, item.path.column, item.path.kind.kind, item.path.kind.scale, false, -1});
      }
      return made;
    });
    render(*shape, MemoryRow(row.values), json);
    co_return std::optional<std::string>(std::move(json));
  }
  const auto plan = catalog_.cached<Plan>(resolved->shape_key,
                                          [&] { return make_plan(catalog_, *resolved, limits_); });
  class JsonSink final : public db::RowSink {
   public:
    explicit JsonSink(const Shape& shape) : shape_(shape) {}
    void restart() override { json.reset(); }
    Result<bool> on_row(const db::Row& found) override {
      render(shape_, found, json.emplace());
      return false;
    }
    std::optional<std::string> json;

   private:
    const Shape& shape_;
  };
  JsonSink sink(*plan->shape);
  const std::vector<Value> values = bind_params(plan->params, resolved->operands, bindings_);
  CO_TRY_VOID(co_await tx_.run(plan->statement, values, &sink));
  co_return std::move(sink.json);
}

}  // namespace mettle::records

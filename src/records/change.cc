// WriteScope: rules, then SQL. Every statement of a table is made once and cached in the catalogue.
#include "records/change.h"

#include "base/check.h"
#include "base/json_write.h"
#include "base/mutant.h"
#include "records/explain.h"
#include "records/plan.h"
#include "records/stored_row.h"
#include "records/tenant.h"

namespace mettle::records {

namespace {

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

Error gone(const TableInfo& table) {
  return make_error(Code::kNotFound,
                    fmt::format("the row of {} is not there any more", table.table->name));
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

// An expression that looks things up, as a statement of its own.
struct WriteScope::Question {
  rules::ExprRef keeps;  // the address of the expression is the key, so it must stay taken
  std::vector<rules::ExprRef> parameters;
  db::StatementRef statement;
};

Task<Result<Value>> WriteScope::evaluate(const rules::ExprRef& expr,
                                         const rules::Bindings& bindings) {
  if (!expr->needs_sql()) co_return rules::evaluate(*expr, bindings);
  const db::ColumnKind kind = kind_of(expr->type());
  const std::string key = fmt::format("E{}", static_cast<const void*>(expr.get()));
  auto question = std::static_pointer_cast<const Question>(catalog_.find_cached(key));
  if (!question) {
    CO_TRY(rules::SqlExpr sql,
           rules::to_sql(*expr, {}, catalog_.dialect(), rules::SqlContext::kValue));
    auto made = std::make_shared<Question>();
    made->keeps = expr;
    std::vector<db::ColumnKind> kinds(1, kind);
    made->statement = db::Statement::make(
        fmt::format("SELECT {}", rules::number(sql, catalog_.dialect(), 1)), std::move(kinds));
    made->parameters = std::move(sql.parameters);
    catalog_.put_cached(key, made);
    question = std::move(made);
  }
  std::vector<Value> values;
  for (const rules::ExprRef& parameter : question->parameters) {
    values.push_back(rules::evaluate(*parameter, bindings));
  }
  ValueSink sink(kind);
  CO_TRY_VOID(co_await tx_.run(question->statement, values, &sink));
  co_return std::move(sink.value);
}

// The whole row to insert: what was sent, defaults, what the server sets.
Task<Result<>> WriteScope::complete(const TableInfo& table, RowInput& input,
                                    const std::string& pointer, StoredRow& row) {
  row.values.resize(table.columns.size());
  std::vector<Fault> faults;
  for (const ColumnInfo& column : table.columns) {
    std::optional<Value>& sent = input.values[static_cast<size_t>(column.index)];
    Value& value = row.values[static_cast<size_t>(column.index)];
    const model::Shape& shape = column.column->shape;
    const auto at = [&] { return pointer_to(pointer, column.name()); };
    if (sent) {
      value = std::move(*sent);
    } else if (column.index == table.tenant()) {
      value = who_.tenant.is_unknown() ? Value() : who_.tenant;
      if (value.is_null() && !shape.optional) {
        faults.push_back({at(), Code::kRequired, "is required: the caller belongs to no tenant"});
      }
    } else if (column.index == table.table->owner) {
      value = who_.id.is_unknown() ? Value() : who_.id;
      if (value.is_null() && !shape.optional) {
        faults.push_back(
            {at(), Code::kRequired, "is required: no user is signed in to own the row"});
      }
    } else if (shape.default_value && !shape.default_value->is_expression) {
      value = shape.default_value->literal;
    } else if (column.shape.default_expr) {
      CO_TRY(const Value made, co_await evaluate(column.shape.default_expr, bindings_));
      value = value_from_value(column.shape, made, at(), faults);
    } else {
      value = Value();  // of the row before, if there was one
      if (!shape.optional && !column.column->system) {
        faults.push_back({at(), Code::kRequired, "is required"});
      }
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
  co_return Result<>();
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

db::StatementRef WriteScope::insert_statement(const TableInfo& table) const {
  return catalog_.cached<db::Statement>(fmt::format("I{}", table.index), [&] {
    std::string parameters;
    for (int i = 1; i <= static_cast<int>(table.columns.size()); ++i) {
      if (i > 1) parameters += ", ";
      parameters += catalog_.dialect().parameter(i);
    }
    const bool numbered = table.table->id_type == model::IdType::kInt;
    return db::Statement::make(
        fmt::format("INSERT INTO {} ({}) VALUES ({}){}", table.sql_name, column_list(table, ""),
                    parameters, numbered ? fmt::format(" RETURNING {}", id_name(table)) : ""),
        {{Kind::kInt, 0}});
  });
}

Task<Result<int64_t>> WriteScope::insert_anew(const TableInfo& table,
                                              const db::StatementRef& statement,
                                              const RowInput& input, StoredRow& row,
                                              db::RowSink* number, Result<int64_t> done) {
  constexpr int kRandomTries = 3;
  for (int tries = 0; !done && tries < kRandomTries; ++tries) {
    CO_TRY(const bool again, co_await made_anew(table, input, done.error(), row));
    if (!again) break;
    done = co_await tx_.run(statement, row.values, number);
  }
  co_return done;
}

Insertion WriteScope::insertion(const TableInfo& table) const {
  return {&table, insert_statement(table), {}};
}

Task<Result<>> WriteScope::insert(Insertion& rows, RowInput& input) {
  const TableInfo& table = *rows.table;
  StoredRow& row = rows.row;
  const std::string pointer;
  CO_TRY_VOID(co_await complete(table, input, pointer, row));
  CO_TRY_VOID(co_await references_within(*this, table, nullptr, row, pointer));
  const bool numbered = table.table->id_type == model::IdType::kInt;
  ValueSink sink({Kind::kInt, 0});
  db::RowSink* const number = numbered ? &sink : nullptr;
  auto done = co_await tx_.run(rows.statement, row.values, number);
  if (!done) {
    done = co_await insert_anew(table, rows.statement, input, row, number, std::move(done));
  }
  if (!done) {
    co_return fail(co_await explained(catalog_, table, tx_, std::move(done.error()), pointer));
  }
  if (table.checks.empty()) co_return Result<>();
  if (numbered) row.values[0] = std::move(sink.value);
  co_return co_await checks_hold(table, row, pointer);
}

// Roles and sessions hang on the id of a row of auth.table: whoever is given the id of somebody who
// is gone is given nothing else of theirs.
Task<Result<>> WriteScope::forget_predecessor(const TableInfo& table, const RowInput& input) {
  if (table.index != catalog_.model().auth.table || !input.values[0]) co_return Result<>();
  if (planted(Mutant::kPersonComesBack)) co_return Result<>();
  const Value id = *input.values[0];
  for (const db::StatementRef& forget : catalog_.leavings()) {
    CO_TRY_VOID(co_await tx_.run(forget, std::span(&id, 1)));
  }
  co_return Result<>();
}

Task<Result<StoredRow>> WriteScope::insert(const TableInfo& table, RowInput input,
                                           Authority authority, std::string pointer) {
  CO_TRY_VOID(co_await forget_predecessor(table, input));
  StoredRow row;
  CO_TRY_VOID(co_await complete(table, input, pointer, row));
  const bool numbered = table.table->id_type == model::IdType::kInt;
  const bool under_rules = authority == Authority::kCaller;
  // Before the row is there, so that a row which may not be is not told apart from one that clashes
  // with a row that may not be read; unless the rule asks the database, or for the row's number.
  const bool early = !numbered && table.create.expr && !table.create.expr->needs_sql();
  if (under_rules) {
    CO_TRY_VOID(co_await columns_allowed(table, input, nullptr, row, pointer));
  }
  if (under_rules && (early || !table.create.expr)) {
    CO_TRY_VOID(co_await allowed(table.create, table, nullptr, &row, "create"));
  }
  CO_TRY_VOID(within_tenant(*this, table, row, authority, "create"));
  const db::StatementRef statement = insert_statement(table);
  ValueSink sink({Kind::kInt, 0});
  db::RowSink* const number = numbered ? &sink : nullptr;
  Result<int64_t> done = int64_t{0};
  if (Result<> led = co_await references_within(*this, table, nullptr, row, pointer); !led) {
    done = fail(std::move(led.error()));
  } else {
    done = co_await tx_.run(statement, row.values, number);
    if (!done) {
      done = co_await insert_anew(table, statement, input, row, number, std::move(done));
    }
  }
  if (!done) {
    // Who may not make the row is not told what it clashes with, nor what its references lead to.
    if (under_rules && !early && table.create.expr) {
      CO_TRY_VOID(co_await allowed(table.create, table, nullptr, &row, "create"));
    }
    co_return fail(
        co_await explained(catalog_, table, tx_, std::move(done.error()), std::move(pointer)));
  }
  if (numbered) row.values[0] = std::move(sink.value);
  if (under_rules && !early) {
    CO_TRY_VOID(co_await allowed(table.create, table, nullptr, &row, "create"));
  }
  CO_TRY_VOID(co_await checks_hold(table, row, pointer));
  co_return row;
}

namespace {

// Whoever has got hold of a session must not turn the account into one of his own by its address:
// a mail with a new password would go there. features/auth asks for the password, and for a proof.
Result<> own_address_kept(const WriteScope& scope, const TableInfo& table, const StoredRow& before,
                          const StoredRow& after) {
  if (table.index != scope.catalog().model().auth.table) return {};
  if (to_json(before[table.find("id")]) != to_json(scope.who().id)) return {};
  const int email = table.find("email");
  if (before[email].text() == after[email].text()) return {};
  if (planted(Mutant::kOwnAddressWritable)) return {};
  return fail(Code::kForbidden,
              fmt::format("you may not write {}.email of your own account here; POST /auth/email "
                          "changes it",
                          table.table->name));
}

}  // namespace

// The values that differ, in the order of the columns, and what tells the statement apart.
struct WriteScope::Difference {
  std::vector<int> columns;
  std::vector<Value> values;
  std::string key;

  void add(StoredRow& after, int column, Value value) {
    after.values[static_cast<size_t>(column)] = value;
    columns.push_back(column);
    values.push_back(std::move(value));
    key += fmt::format(",{}", column);
  }
};

Result<WriteScope::Difference> WriteScope::difference(const TableInfo& table,
                                                      const StoredRow& before,
                                                      const RowInput& changes, StoredRow& after,
                                                      const std::string& pointer) const {
  Difference made;
  made.key = fmt::format("U{}", table.index);
  std::vector<Fault> faults;
  for (const ColumnInfo& column : table.columns) {
    const std::optional<Value>& sent = changes.values[static_cast<size_t>(column.index)];
    if (!sent || same(*sent, before[column.index])) continue;
    if (column.column->system) {
      faults.push_back(
          {pointer_to(pointer, column.name()), Code::kNotWritable, "is set by the server"});
      continue;
    }
    made.add(after, column.index, *sent);
  }
  if (!faults.empty()) return fail(invalid(std::move(faults)));
  made.add(after, table.find("updated_at"), Value(now_));
  const int version = table.find("version");
  made.add(after, version, Value(before[version].integer() + 1));
  return made;
}

db::StatementRef WriteScope::update_statement(const TableInfo& table,
                                              const Difference& change) const {
  return catalog_.cached<db::Statement>(change.key, [&] {
    std::string assignments;
    int parameter = 0;
    for (const int column : change.columns) {
      assignments += fmt::format("{}{} = {}", assignments.empty() ? "" : ", ",
                                 table.columns[static_cast<size_t>(column)].sql_name,
                                 catalog_.dialect().parameter(++parameter));
    }
    return db::Statement::make(fmt::format("UPDATE {} SET {} WHERE {} = {}", table.sql_name,
                                           assignments, id_name(table),
                                           catalog_.dialect().parameter(++parameter)));
  });
}

Task<Result<StoredRow>> WriteScope::update(const TableInfo& table, const StoredRow& before,
                                           const RowInput& changes, Authority authority,
                                           std::string pointer) {
  StoredRow after = before;
  CO_TRY(Difference change, difference(table, before, changes, after, pointer));
  if (authority == Authority::kCaller) {
    CO_TRY_VOID(own_address_kept(*this, table, before, after));
    CO_TRY_VOID(co_await columns_allowed(table, changes, &before, after, pointer));
    CO_TRY_VOID(co_await allowed(table.update, table, &before, &after, "update"));
  }
  CO_TRY_VOID(within_tenant(*this, table, after, authority, "update"));
  CO_TRY_VOID(co_await references_within(*this, table, &before, after, pointer));
  const db::StatementRef statement = update_statement(table, change);
  change.values.push_back(before[0]);
  auto done = co_await tx_.run(statement, change.values);
  if (!done) {
    co_return fail(
        co_await explained(catalog_, table, tx_, std::move(done.error()), std::move(pointer)));
  }
  if (*done == 0) co_return fail(gone(table));
  CO_TRY_VOID(co_await checks_hold(table, after, pointer));
  co_return after;
}

Task<Result<>> WriteScope::remove(const TableInfo& table, const StoredRow& row,
                                  Authority authority) {
  if (authority == Authority::kCaller) {
    const Rule& rule = planted(Mutant::kDeleteRuleIsReadRule) ? table.read : table.delete_;
    CO_TRY_VOID(co_await allowed(rule, table, &row, nullptr, "delete"));
  }
  const auto statement = catalog_.cached<db::Statement>(fmt::format("D{}", table.index), [&] {
    return db::Statement::make(fmt::format("DELETE FROM {} WHERE {} = {}", table.sql_name,
                                           id_name(table), catalog_.dialect().parameter(1)));
  });
  // It may have gone already: a row before it took it along.
  auto done = co_await tx_.run(statement, std::span(&row[0], 1));
  if (!done) co_return fail(co_await explained(catalog_, table, tx_, std::move(done.error()), ""));
  co_return Result<>();
}

}  // namespace mettle::records

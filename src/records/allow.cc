// WriteScope: what the rules and checks of a table say of one row, before and after.
#include "base/mutant.h"
#include "records/change.h"
#include "rules/watch.h"

namespace mettle::records {

Task<Result<>> WriteScope::tell(const Rule& rule, const rules::Bindings& bindings,
                                std::string_view moment) {
  if (bindings.watch() == nullptr || !rule.expr) co_return Result<>();
  rules::RuleAsked asked;
  asked.stage = rules::RuleAsked::Stage::kRow;
  asked.rule = &rule;
  asked.expr = rule.expr;
  asked.moment = moment;
  CO_TRY(asked.value, co_await evaluate(rule.expr, bindings));
  asked.parts = rules::parts_asked(*rule.expr, bindings, true);
  for (const rules::OpenPart& open : rules::open_parts(*rule.expr, asked.parts)) {
    CO_TRY(Value value, co_await evaluate(open.expr, bindings));
    *open.value = std::move(value);
  }
  bindings.watch()->asked(std::move(asked));
  co_return Result<>();
}

Task<Result<>> WriteScope::allowed(const Rule& rule, const TableInfo& table,
                                   const StoredRow* before, const StoredRow* after,
                                   std::string_view action) {
  if (!rule.expr) co_return fail(refused(who_, action, table.table->name));
  if (rule.always()) co_return Result<>();
  const StoredRow* rows[] = {before != nullptr ? before : after, after};
  // One that names `new` says itself how the two may differ; any other must hold before and after.
  const bool once = rule.names_new || !rule.reads_row || before == nullptr || after == nullptr ||
                    planted(Mutant::kWriteRuleNotAfter);
  for (int round = 0; round < (once ? 1 : 2); ++round) {
    const rules::Bindings bindings =
        rule.reads_row ? row_bindings(table, rows[round], after) : bindings_;
    CO_TRY_VOID(co_await tell(rule, bindings, once ? "" : round == 0 ? "before" : "after"));
    CO_TRY(const Value verdict, co_await evaluate(rule.expr, bindings));
    if (planted(Mutant::kUnknownGrants) && verdict.is_unknown()) continue;
    if (!verdict.is_true()) co_return fail(refused(who_, action, table.table->name));
  }
  co_return Result<>();
}

Task<Result<bool>> WriteScope::may_write(const TableInfo& table, const ColumnInfo& column,
                                         const StoredRow* before, const StoredRow& after) {
  if (!column.write) co_return true;
  if (!column.write->expr) co_return false;
  // As with a table's rule: one that does not name `new` must hold before and after.
  const bool both = before != nullptr && column.write->reads_row && !column.write->names_new &&
                    !planted(Mutant::kColumnRuleNotAfter);
  const StoredRow* rows[] = {before != nullptr ? before : &after, &after};
  for (int round = 0; round < (both ? 2 : 1); ++round) {
    const rules::Bindings bindings = row_bindings(table, rows[round], &after);
    CO_TRY_VOID(co_await tell(*column.write, bindings,
                              !both        ? ""
                              : round == 0 ? "before"
                                           : "after"));
    CO_TRY(const Value verdict, co_await evaluate(column.write->expr, bindings));
    if (!verdict.is_true()) co_return false;
  }
  co_return true;
}

// REQUIRES: the caller may read the row.
Task<Result<bool>> WriteScope::may_read(const TableInfo& table, const ColumnInfo& column,
                                        const StoredRow& row) {
  if (!column.read) co_return true;
  if (!column.read->expr) co_return false;
  const rules::Bindings bindings = row_bindings(table, &row, nullptr);
  CO_TRY(const Value verdict, co_await evaluate(column.read->expr, bindings));
  co_return verdict.is_true();
}

Task<Result<>> WriteScope::columns_allowed(const TableInfo& table, const RowInput& input,
                                           const StoredRow* before, const StoredRow& after,
                                           const std::string& pointer) {
  std::vector<Fault> faults;
  for (const ColumnInfo& column : table.columns) {
    if (!column.write || !input.values[static_cast<size_t>(column.index)]) continue;
    const bool same =
        before != nullptr && (*before)[column.index].storage() == after[column.index].storage();
    // What was read may be sent back. What could not be read is refused alike whether it is right
    // or wrong: else a write would guess at it.
    if (same) {
      CO_TRY(const bool known, co_await may_read(table, column, *before));
      if (known) continue;
    }
    CO_TRY(const bool may, co_await may_write(table, column, before, after));
    if (may) continue;
    faults.push_back(
        {pointer_to(pointer, column.name()), Code::kNotWritable, "you may not write this column"});
  }
  if (faults.empty()) co_return Result<>();
  Error error = make_error(Code::kForbidden, fmt::format("you may not write {} of {}",
                                                         faults[0].pointer, table.table->name));
  error.faults = std::move(faults);
  co_return fail(std::move(error));
}

Task<Result<>> WriteScope::checks_hold(const TableInfo& table, const StoredRow& row,
                                       const std::string& pointer) {
  if (table.checks.empty()) co_return Result<>();
  rules::Bindings bindings = row_bindings(table, &row, &row);
  Principal of_row = who_;
  if (table.tenant() >= 0 && who_.tenant.is_unknown() && !row[table.tenant()].is_null()) {
    // The operator's rows are checked among those of their tenant.
    of_row.tenant = row[table.tenant()];
    bindings.bind("auth", of_row.as_value());
  }
  std::vector<Fault> faults;
  for (const CheckInfo& check : table.checks) {
    CO_TRY(const Value verdict, co_await evaluate(check.expr, bindings));
    // As SQL's CHECK: what cannot be told does not fail.
    if (verdict.kind() != Kind::kBool || verdict.boolean()) continue;
    faults.push_back({pointer, Code::kCheckFailed,
                      check.message.empty()
                          ? fmt::format("does not satisfy `{}`", check.expr->source().text)
                          : check.message});
  }
  if (faults.empty()) co_return Result<>();
  co_return fail(invalid(std::move(faults)));
}

}  // namespace mettle::records

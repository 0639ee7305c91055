#include "db/sqlite/tx.h"

#include <sqlite3.h>

#include "db/sqlite/violations.h"

namespace mettle::db {

Result<int64_t> ReadTx::run_now(const StatementRef& statement, std::span<const Value> values,
                                RowSink* sink) {
  TRY(CachedStatement * cached, connection_.prepare(statement));
  if (!cached->read_only)
    return fail(internal_error("a read unit may not write: " + statement->sql));
  if (leave_scans_ && cached->takes_pool()) {
    moved_ = true;
    return fail(Code::kStatementTimeout, "the statement belongs on the scan pool");
  }
  ++counts_.statements;
  return connection_.run(*cached, values, sink, &counts_.rows);
}

Task<Result<int64_t>> ReadTx::run(const StatementRef& statement, std::span<const Value> values,
                                  RowSink* sink) {
  if (moved_) co_return fail(Code::kStatementTimeout, "the unit moved to the scan pool");
  co_return run_now(statement, values, sink);
}

Result<int64_t> UnitTx::run_now(const StatementRef& statement, std::span<const Value> values,
                                RowSink* sink) {
  TRY(CachedStatement * cached, connection_.prepare(statement));
  ++counts_.statements;
  auto changed = connection_.run(*cached, values, sink, &counts_.rows);
  if (changed) return changed;
  Error error = std::move(changed).error();
  bool reference =
      error.code == Code::kReferenceMissing || error.code == Code::kReferenceRestricted;
  if (reference && connection_.in_transaction())
    error.inside = broken_reference(connection_, *cached, values, error.code);
  return fail(std::move(error));
}

Task<Result<int64_t>> UnitTx::run(const StatementRef& statement, std::span<const Value> values,
                                  RowSink* sink) {
  if (lost_) co_return fail(*lost_);
  auto changed = run_now(statement, values, sink);
  if (!connection_.in_transaction()) {
    lost_ = changed ? internal_error("a statement ended the transaction: " + statement->sql)
                    : changed.error();
    co_return fail(*lost_);
  }
  co_return changed;
}

Result<> UnitTx::part(Control control, int depth_change) {
  if (lost_) return fail(*lost_);
  if (control != Control::kSavepointPart && depth_ == 0)
    return fail(internal_error("no savepoint is open"));
  TRY_VOID(connection_.control(control));
  depth_ += depth_change;
  return {};
}

Task<Result<>> UnitTx::savepoint() {
  co_return part(Control::kSavepointPart, 1);
}
Task<Result<>> UnitTx::rollback_to() {
  co_return part(Control::kRollbackToPart, 0);
}
Task<Result<>> UnitTx::release() {
  co_return part(Control::kReleasePart, -1);
}

}  // namespace mettle::db

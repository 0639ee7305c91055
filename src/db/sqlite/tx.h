// The transactions that units see: thin views of a connection, alive while one unit runs. Every
// await of them completes at once. For db/sqlite alone.
#pragma once

#include "db/sqlite/connection.h"

namespace mettle::db {

struct TxCounts {
  uint32_t rows = 0;
  uint32_t statements = 0;
};

class ReadTx final : public Tx {
 public:
  // `leave_scans`: a statement that scans is not run but asks for the scan pool (moved()).
  ReadTx(Connection& connection, bool leave_scans)
      : connection_(connection), leave_scans_(leave_scans) {}
  Task<Result<int64_t>> run(const StatementRef& statement, std::span<const Value> values,
                            RowSink* sink) override;
  // The unit cannot be finished here, whatever it made of the error it was given.
  bool moved() const { return moved_; }
  const TxCounts& counts() const { return counts_; }

 private:
  Result<int64_t> run_now(const StatementRef& statement, std::span<const Value> values,
                          RowSink* sink);

  Connection& connection_;
  const bool leave_scans_;
  bool moved_ = false;
  TxCounts counts_;
};

class UnitTx final : public WriteTx {
 public:
  explicit UnitTx(Connection& connection) : connection_(connection) {}
  Task<Result<int64_t>> run(const StatementRef& statement, std::span<const Value> values,
                            RowSink* sink) override;
  Task<Result<>> savepoint() override;
  Task<Result<>> rollback_to() override;
  Task<Result<>> release() override;

  // The error that took the whole transaction with it, if one did.
  const std::optional<Error>& lost() const { return lost_; }
  const TxCounts& counts() const { return counts_; }

 private:
  Result<int64_t> run_now(const StatementRef& statement, std::span<const Value> values,
                          RowSink* sink);
  Result<> part(Control control, int depth_change);

  Connection& connection_;
  std::optional<Error> lost_;
  int depth_ = 0;  // open savepoints
  TxCounts counts_;
};

}  // namespace mettle::db

// A transaction on a connection: the tx that units are given. BEGIN goes with the first statement.
//
// On PostgreSQL a statement that fails takes its transaction with it; db.h promises that a unit may
// go on. So each change is a savepoint of its own, sent in the same message. One coroutine.
#pragma once

#include "db/postgres/errors.h"

namespace mettle::db::postgres {

class PostgresTx final : public WriteTx {
 public:
  // `begin`: the statement that begins it.
  PostgresTx(Context& ctx, Connection& connection, const char* begin,
             const Constraints& constraints);

  Task<Result<int64_t>> run(const StatementRef& statement, std::span<const Value> values,
                            RowSink* sink = nullptr) override;
  Task<Result<>> savepoint() override;
  Task<Result<>> rollback_to() override;
  Task<Result<>> release() override;

  // Nothing is sent where nothing was begun. Waits by a context of its own, for what became of a
  // commit must be known even to a request that has ended.
  Task<Result<>> commit(Context& ctx);
  Task<Result<>> roll_back();
  // Others' transactions were in its way: run again from the start, it may succeed.
  bool clashed() const { return clashed_; }

 private:
  Task<Result<>> plain(Context& ctx, std::string text);
  Result<> feed(const Reply& reply, const Statement& statement, RowSink* sink);

  Context& ctx_;
  Connection& connection_;
  const char* const begin_;
  const Constraints& constraints_;
  bool begun_ = false;
  bool clashed_ = false;
  int savepoints_ = 0;
};

}  // namespace mettle::db::postgres

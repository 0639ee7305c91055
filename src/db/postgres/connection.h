// One connection to the server: libpq without blocking, in pipeline mode. Used by one coroutine at
// a time, on whatever core that runs; the socket is watched by the core's loop only while somebody
// waits for it.
//
// Several statements go in one message and come back in one; the first that fails takes those
// behind it with it. An exchange that its context gave up leaves the connection unusable: it is
// closed, and the server told to stop.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "async/blocking.h"
#include "async/context.h"
#include "async/task.h"
#include "db/db.h"
#include "db/postgres/options.h"
#include "db/postgres/result.h"

namespace mettle::db::postgres {

// One statement of an exchange: a prepared shape with its values, or plain text without.
struct Step {
  StatementRef statement;
  std::span<const Value> values;
  const char* text = nullptr;
};

// What the server said of one step.
struct Reply {
  ResultRef result;  // nullptr: a step before it failed
  bool failed() const;
  std::string_view state() const;          // SQLSTATE of a failure; ""
  std::string_view field(int code) const;  // PG_DIAG_*
  // What was prepared no longer fits the tables (0A000), or is gone (26000): the connection forgets
  // it, and the transaction may be run again.
  bool is_outdated() const;
};

class Connection {
 public:
  // Blocks until it is there: for who opens the store. kUnavailable with what libpq says, without
  // the password.
  static Result<std::unique_ptr<Connection>> open(const PostgresOptions& options);
  // The same on a core.
  static Task<Result<std::unique_ptr<Connection>>> open(Context& ctx,
                                                        const PostgresOptions& options);
  ~Connection();
  Connection(const Connection&) = delete;

  // A reply a step, in their order. An error: the connection is lost, or the context ended.
  Task<Result<std::vector<Reply>>> exchange(Context& ctx, std::span<const Step> steps);

  bool usable() const { return usable_; }
  int server_version() const;  // 150004
  // What asks the server to stop what this connection runs; blocks for a round trip.
  void cancel_on(BlockingPool& pool);

 private:
  struct PgFree {
    void operator()(PGconn* pg) const { PQfinish(pg); }
  };
  using PgRef = std::unique_ptr<PGconn, PgFree>;
  explicit Connection(PgRef pg) : pg_(std::move(pg)) {}
  Result<> begin_pipelines();
  Result<> send(const Step& step, std::vector<std::string>& results);
  Result<bool> flush();
  Task<Result<>> wait(Context& ctx, bool to_write);
  Task<Result<ResultRef>> next_result(Context& ctx);
  Task<Result<std::vector<Reply>>> replies(Context& ctx, const std::vector<std::string>& results);
  std::unexpected<Error> lost(std::string_view what);

  PgRef pg_;
  bool usable_ = true;
  std::unordered_map<std::string, std::string> prepared_;  // shape and types → name
  uint64_t names_ = 0;
  bool outdated_ = false;
};

}  // namespace mettle::db::postgres

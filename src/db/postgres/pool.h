// Pool: the connections of a process, bounded, shared by its cores. Who wants one waits in order of
// arrival, no longer than his request may take; one that broke is made anew by the next who asks.
// Any core.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <utility>

#include "async/completion.h"
#include "db/postgres/connection.h"

namespace mettle::db::postgres {

class Pool;

// A place among the connections, with the connection in it. What is usable goes back when this is
// gone, the place in any case: also where it was given to somebody who had stopped waiting.
class Lease {
 public:
  Lease(Pool& pool, std::unique_ptr<Connection> connection)
      : pool_(&pool), connection_(std::move(connection)) {}
  Lease(Lease&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), connection_(std::move(other.connection_)) {}
  Lease& operator=(Lease&&) = delete;
  ~Lease();

  Connection& operator*() const { return *connection_; }
  Connection* operator->() const { return connection_.get(); }

 private:
  friend class Pool;
  Pool* pool_;
  std::unique_ptr<Connection> connection_;  // nullptr: to be made
};

class Pool {
 public:
  explicit Pool(const PostgresOptions& options);
  ~Pool();

  // kOverloaded: too many wait; kUnavailable: the database cannot be reached; kShuttingDown;
  // kCancelled and kDeadlineExceeded.
  Task<Result<Lease>> take(Context& ctx);
  // One that is there already: the store's first.
  void give(std::unique_ptr<Connection> connection);
  // Whoever waits or comes from now on is told that the server stops.
  void close();

 private:
  friend class Lease;
  void back(std::unique_ptr<Connection> connection);
  Task<Result<Lease>> place(Context& ctx);

  const PostgresOptions options_;
  BlockingPool cancels_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
  std::deque<Completer<Lease>> waiting_;
  size_t places_ = 0;  // taken: connections in use, idle, or being made
  bool closed_ = false;
};

}  // namespace mettle::db::postgres

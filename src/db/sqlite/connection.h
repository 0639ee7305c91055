// One SQLite connection with its settings, functions, budget and statement cache. Used by one
// thread at a time (opening may happen on another). What it prepares may not touch transactions or
// attach files: those belong to whoever owns the connection, through control().
#pragma once

#include <list>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "db/db.h"
#include "db/sqlite/budget.h"
#include "db/sqlite/errors.h"
#include "db/sqlite/options.h"
#include "db/sqlite/stats.h"

struct sqlite3;
struct sqlite3_stmt;

namespace mettle::db {

enum class Role : uint8_t {
  kCore,    // reads only; never waits for a lock
  kReader,  // reads only
  kWriter,
};

// The statements that only the owner of a connection may run.
enum class Control : uint8_t {
  kBegin,
  kBeginImmediate,
  kCommit,
  kRollback,
  kSavepointUnit,
  kRollbackToUnit,
  kReleaseUnit,
  kSavepointPart,
  kRollbackToPart,
  kReleasePart,
  kCount,
};

struct CachedStatement {
  static constexpr int kPoolRunsAfterSpent = 100;
  StatementRef statement;  // keeps its attachments
  sqlite3_stmt* stmt = nullptr;
  Verb verb = Verb::kRead;
  bool read_only = true;
  bool scan = false;  // reads a table from end to end by its plan: starts on the scan pool
  // Spent the inline budget lately: starts on the pool this many times more. Other values may be
  // quick, so it is not for ever.
  int pool_runs = 0;

  bool takes_pool() {
    if (pool_runs == 0) return scan;
    --pool_runs;
    return true;
  }
};

class Connection {
 public:
  static Result<std::unique_ptr<Connection>> open(const SqliteOptions& options, Role role,
                                                  SqliteStats& stats);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Valid until the next prepare(). With the cache hit 50 ns, else 15 µs.
  Result<CachedStatement*> prepare(const StatementRef& statement);
  // To its end; rows to the sink (nullptr: dropped). Gives the rows changed.
  Result<int64_t> run(CachedStatement& cached, std::span<const Value> values, RowSink* sink,
                      uint32_t* rows = nullptr);
  Result<> control(Control control);
  // Our own SQL without parameters: settings, maintenance.
  Result<> exec(const char* sql);

  Budget& budget() { return budget_; }
  bool in_transaction() const;
  sqlite3* handle() { return db_; }
  // The last error that take_error() gave was another's lock.
  bool was_locked() const { return was_locked_; }
  // A sync failed on this connection, ever; and what SQLite said.
  bool sync_failed() const { return !sync_failure_.empty(); }
  const std::string& sync_failure() const { return sync_failure_; }
  // The error of the call that just failed.
  Error take_error(Verb verb, std::string_view sql);

 private:
  using Cache = std::list<CachedStatement>;  // most recently used first

  Connection(Clock& clock, Role role, SqliteStats& stats, size_t statements_max);
  Result<> configure(const SqliteOptions& options);
  Result<> prepare_controls();
  Result<CachedStatement> compile(const StatementRef& statement);
  Result<> step_all(CachedStatement& cached, RowSink* sink, uint32_t* rows);
  static int authorize(void* self, int action, const char* a, const char* b, const char* database,
                       const char* trigger);

  sqlite3* db_ = nullptr;
  const Role role_;
  SqliteStats& stats_;
  const size_t statements_max_;
  Budget budget_;
  Cache cache_;
  std::unordered_map<uint64_t, Cache::iterator> by_id_;
  std::array<sqlite3_stmt*, static_cast<size_t>(Control::kCount)> controls_{};
  // While compile() runs: what the authorizer saw of the statement.
  bool compiling_ = false;
  std::string sync_failure_;
  bool was_locked_ = false;
  Verb seen_verb_ = Verb::kRead;
};

}  // namespace mettle::db

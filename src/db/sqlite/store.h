// The SQLite engine of db::Store: a reader on every core, one writer thread, a small pool for scans
// (DESIGN.md, "SQLite"). Made by one thread before the cores serve; read(), write() and migrate()
// are called on a core and resume there; stop() and the destructor run on a thread that is no core,
// after the last request ended.
//
// A read costs 3-6 µs on an attached core and allocates nothing but its coroutine. Errors are those
// of db.h.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "db/db.h"
#include "db/sqlite/options.h"
#include "db/sqlite/stats.h"

namespace mettle::db {

class DataLock;

class SqliteStore final : public Store {
 public:
  // kUnavailable with what is wrong: another server holds the lock (its pid is named), the file
  // cannot be opened, it is not a database.
  static Result<std::unique_ptr<SqliteStore>> open(SqliteOptions options);
  ~SqliteStore() override;  // stops

  // Gives the core a connection. Reads on a core that has none go to the scan pool. Before the core
  // serves, or on it.
  Result<> attach(Core& core);

  Task<Result<>> read(Context& ctx, const StatementRef& statement, std::span<const Value> values,
                      RowSink& sink, ReadHints hints = {}) override;
  Task<Result<>> read(Context& ctx, ReadUnit& unit, ReadHints hints = {}) override;
  Task<Result<>> write(Context& ctx, std::shared_ptr<WriteUnit> unit) override;
  Task<Result<>> migrate(Context& ctx, std::shared_ptr<WriteUnit> unit) override;
  std::string_view engine() const override { return "sqlite"; }
  std::string version() const override;

  // Finishes what was accepted, copies the WAL into the database, closes. Later calls are
  // kShuttingDown. Idempotent.
  void stop();

  // Where the store was opened without threads: what the writer's thread, or one of the pool's,
  // would do next (a group, the checkpoint after it, a read), on this thread, by a core that nobody
  // runs. False: nothing waits.
  bool step_writer(Core& core);
  bool step_pool(Core& core);

  // The plan of a statement, for the log of slow ones. Opens a connection of its own: milliseconds,
  // not on a core.
  Result<std::string> plan(const Statement& statement) const;
  const SqliteStats& stats() const;
  const SqliteOptions& options() const;

 private:
  struct Parts;
  struct Reader;
  explicit SqliteStore(std::unique_ptr<Parts> parts);
  Reader* reader_of(const Core& core) const;
  // nullopt: to be run on the pool.
  std::optional<Result<>> read_inline(Context& ctx, Reader& reader, const StatementRef& statement,
                                      std::span<const Value> values, RowSink& sink);
  Task<std::optional<Result<>>> unit_inline(Context& ctx, Reader& reader, ReadUnit& unit);
  Task<Result<>> submit(Context& ctx, std::shared_ptr<WriteUnit> unit, bool migrates);

  std::unique_ptr<Parts> parts_;
};

}  // namespace mettle::db

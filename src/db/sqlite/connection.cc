#include "db/sqlite/connection.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <new>

#include "base/check.h"
#include "base/mutant.h"
#include "db/sqlite/binding.h"
#include "db/sqlite/handle.h"
#include "db/sqlite/plan.h"

namespace mettle::db {
namespace {

constexpr const char* kControlSql[] = {
    "BEGIN",        "BEGIN IMMEDIATE", "COMMIT",
    "ROLLBACK",     "SAVEPOINT unit",  "ROLLBACK TO unit",
    "RELEASE unit", "SAVEPOINT part",  "ROLLBACK TO part",
    "RELEASE part",
};
static_assert(std::size(kControlSql) == static_cast<size_t>(Control::kCount));

int on_progress(void* budget) {
  return static_cast<Budget*>(budget)->tick() ? 1 : 0;
}

// 4096 bytes, the page of the operating system and the sector of most disks: a page written is a
// page synced, and our rows (16-byte keys in several indexes, touched at random places) change many
// pages a little, so that twice the page size would nearly double the WAL.
constexpr int kPageBytes = 4096;

int64_t cache_bytes(const SqliteOptions& options, Role role) {
  if (role == Role::kWriter) return options.writer_cache_bytes;
  return role == Role::kCore ? options.core_cache_bytes : options.reader_cache_bytes;
}

}  // namespace

Connection::Connection(Clock& clock, Role role, SqliteStats& stats, size_t statements_max)
    : role_(role),
      stats_(stats),
      statements_max_(std::max<size_t>(statements_max, 1)),
      budget_(clock) {}

Connection::~Connection() {
  for (CachedStatement& cached : cache_) sqlite3_finalize(cached.stmt);
  for (sqlite3_stmt* stmt : controls_) sqlite3_finalize(stmt);
  if (db_ != nullptr) CHECK(sqlite3_close(db_) == SQLITE_OK);
}

Result<std::unique_ptr<Connection>> Connection::open(const SqliteOptions& options, Role role,
                                                     SqliteStats& stats) {
  // Readers open for writing too (then forbid it): only so may they recover the WAL's index.
  int flags = SQLITE_OPEN_READWRITE;
  if (role == Role::kWriter) flags |= SQLITE_OPEN_CREATE;
  if (options.read_only) flags = SQLITE_OPEN_READONLY;
  // A VFS of another kind has its own idea of files.
  if (role == Role::kWriter && options.vfs.empty()) {
    TRY_VOID(create_private(options.file));
  }
  TRY(DatabaseHandle db, open_handle(options.file, flags, options.vfs));
  std::unique_ptr<Connection> connection(
      new Connection(*options.seams->clock, role, stats, options.statements_max));
  connection->db_ = db.release();
  TRY_VOID(connection->configure(options));
  // Now that the WAL exists too, and before anything in it is acknowledged.
  if (role == Role::kWriter && options.vfs.empty()) {
    TRY_VOID(sync_folder_of(options.file));
  }
  TRY_VOID(connection->prepare_controls());
  sqlite3_set_authorizer(connection->db_, authorize, connection.get());
  return connection;
}

Result<> Connection::configure(const SqliteOptions& options) {
  bool writer = role_ == Role::kWriter;
  sqlite3_busy_timeout(db_, options.busy_timeout_ms);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  // A plan depends on the SQL alone: binding another value must not compile the statement again.
  sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_QPSG, 1, nullptr);
  sqlite3_limit(db_, SQLITE_LIMIT_ATTACHED, 0);
  if (writer && !options.read_only) {
    TRY_VOID(exec(fmt::format("PRAGMA page_size={}", kPageBytes).c_str()));
    TRY(std::vector<std::string> mode, text_rows(db_, "PRAGMA journal_mode=WAL"));
    if (mode != std::vector<std::string>{"wal"}) {
      return fail(Code::kUnavailable, fmt::format("{} cannot be in WAL mode", options.file));
    }
  }
  std::string settings = fmt::format(
      "PRAGMA synchronous={}; PRAGMA foreign_keys=ON; PRAGMA cell_size_check=ON;"
      "PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-{};"
      "PRAGMA journal_size_limit={}; PRAGMA wal_autocheckpoint=0; PRAGMA query_only={};",
      options.synchronous == Synchronous::kFull && !planted(Mutant::kAckBeforeSync) ? "FULL"
                                                                                    : "NORMAL",
      cache_bytes(options, role_) / 1024, options.wal_bytes_max,
      writer && !options.read_only ? "OFF" : "ON");
  TRY_VOID(exec(settings.c_str()));
  FunctionRegistry registry(db_);
  TRY_VOID(register_builtin_functions(registry));
  for (RegisterFunctions add : options.functions) {
    TRY_VOID(add(registry));
  }
  sqlite3_progress_handler(db_, Budget::kOpsPerTick, on_progress, &budget_);
  // A core must not sleep: what is locked goes to the pool, which may.
  if (role_ == Role::kCore) sqlite3_busy_timeout(db_, 0);
  return {};
}

Result<> Connection::prepare_controls() {
  for (size_t i = 0; i < controls_.size(); ++i) {
    TRY(StatementHandle stmt, prepare_handle(db_, kControlSql[i]));
    controls_[i] = stmt.release();
  }
  return {};
}

// Called by SQLite for each thing a statement would do, also when a schema change makes it compile
// one again.
int Connection::authorize(void* self, int action, const char* a, const char*, const char*,
                          const char* trigger) {
  auto& connection = *static_cast<Connection*>(self);
  if (!connection.compiling_) return SQLITE_OK;
  Verb verb = Verb::kRead;
  switch (action) {
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
      return SQLITE_DENY;
    case SQLITE_INSERT:
      verb = Verb::kInsert;
      break;
    case SQLITE_UPDATE:
      verb = Verb::kUpdate;
      break;
    case SQLITE_DELETE:
      verb = Verb::kDelete;
      break;
    default:
      return SQLITE_OK;
  }
  // The statement's own change comes first; a schema change shows as one of sqlite_master.
  bool schema = a != nullptr && std::string_view(a).starts_with("sqlite_");
  if (trigger == nullptr && !schema && connection.seen_verb_ == Verb::kRead)
    connection.seen_verb_ = verb;
  return SQLITE_OK;
}

Result<CachedStatement> Connection::compile(const StatementRef& statement) {
  CachedStatement cached;
  cached.statement = statement;
  const std::string& sql = statement->sql;
  const char* rest = nullptr;
  compiling_ = true;
  seen_verb_ = Verb::kRead;
  int rc = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                              SQLITE_PREPARE_PERSISTENT, &cached.stmt, &rest);
  compiling_ = false;
  if (rc != SQLITE_OK) return fail(take_error(Verb::kOther, sql));
  StatementHandle owner(cached.stmt);
  if (cached.stmt == nullptr) return fail(internal_error("empty statement: " + sql));
  std::string_view tail(rest, static_cast<size_t>(sql.data() + sql.size() - rest));
  if (tail.find_first_not_of(" \t\r\n;") != std::string_view::npos)
    return fail(internal_error("more than one statement: " + sql));
  cached.read_only = sqlite3_stmt_readonly(cached.stmt) != 0;
  cached.verb = seen_verb_ != Verb::kRead || cached.read_only ? seen_verb_ : Verb::kOther;
  if (role_ == Role::kCore) cached.scan = plan_scans(db_, sql);
  owner.release();
  return cached;
}

Result<CachedStatement*> Connection::prepare(const StatementRef& statement) {
  if (auto found = by_id_.find(statement->id); found != by_id_.end()) {
    stats_.statement_hits.add();
    if (found->second != cache_.begin()) cache_.splice(cache_.begin(), cache_, found->second);
    return &cache_.front();
  }
  stats_.statement_misses.add();
  TRY(CachedStatement cached, compile(statement));
  if (cache_.size() >= statements_max_) {
    CachedStatement& oldest = cache_.back();
    sqlite3_finalize(oldest.stmt);
    by_id_.erase(oldest.statement->id);
    cache_.pop_back();
  }
  cache_.push_front(std::move(cached));
  by_id_[statement->id] = cache_.begin();
  return &cache_.front();
}

Result<> Connection::step_all(CachedStatement& cached, RowSink* sink, uint32_t* rows) {
  StatementRow row(cached.stmt);
  for (;;) {
    int rc = sqlite3_step(cached.stmt);
    if (rc == SQLITE_DONE) return {};
    if (rc == SQLITE_ROW) {
      if (sink == nullptr) continue;
      if (rows != nullptr) ++*rows;
      row.stepped();
      TRY(bool more, sink->on_row(row));
      // A change has to reach its end: constraints are checked there.
      if (!more && cached.read_only) return {};
      if (!more) sink = nullptr;
      continue;
    }
    if (rc == SQLITE_INTERRUPT && budget_.spent() != Budget::Spent::kNo) {
      if (budget_.spent() == Budget::Spent::kOps)
        cached.pool_runs = CachedStatement::kPoolRunsAfterSpent;
      return fail(budget_.error());
    }
    return fail(take_error(cached.verb, cached.statement->sql));
  }
}

Result<int64_t> Connection::run(CachedStatement& cached, std::span<const Value> values,
                                RowSink* sink, uint32_t* rows) {
  DCHECK(sqlite3_stmt_busy(cached.stmt) == 0);
  if (budget_.spent() != Budget::Spent::kNo) return fail(budget_.error());
  Result<> done;
  // The statement must be reset also where a sink has no memory for a row.
  try {
    done = bind_all(cached.stmt, values, cached.statement->attachments);
    if (done) done = step_all(cached, sink, rows);
  } catch (const std::bad_alloc&) {
    sqlite3_reset(cached.stmt);
    return fail(out_of_memory_error());
  }
  sqlite3_reset(cached.stmt);
  if (!done) return fail(std::move(done).error());
  bool changes =
      cached.verb == Verb::kInsert || cached.verb == Verb::kUpdate || cached.verb == Verb::kDelete;
  return changes ? sqlite3_changes64(db_) : 0;
}

Result<> Connection::control(Control control) {
  size_t index = static_cast<size_t>(control);
  sqlite3_stmt* stmt = controls_[index];
  // What ends a unit must go through when its budget is spent.
  bool counted = budget_.set_active(false);
  int rc = sqlite3_step(stmt);
  Result<> result;
  if (rc != SQLITE_DONE) result = fail(take_error(Verb::kOther, kControlSql[index]));
  sqlite3_reset(stmt);
  budget_.set_active(counted);
  return result;
}

Error Connection::take_error(Verb verb, std::string_view sql) {
  Error error = last_error(db_, verb, sql);
  int code = sqlite3_errcode(db_) & 0xff;
  was_locked_ = code == SQLITE_BUSY || code == SQLITE_LOCKED;
  if (is_sync_failure(sqlite3_extended_errcode(db_))) sync_failure_ = error.inside;
  return error;
}

Result<> Connection::exec(const char* sql) {
  return exec_handle(db_, sql);
}
bool Connection::in_transaction() const {
  return sqlite3_get_autocommit(db_) == 0;
}

}  // namespace mettle::db

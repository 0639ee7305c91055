#include "db/sqlite/store.h"

#include <sqlite3.h>

#include <new>

#include "base/check.h"
#include "db/sqlite/data_lock.h"
#include "db/sqlite/plan.h"
#include "db/sqlite/read_view.h"
#include "db/sqlite/scan_pool.h"
#include "db/sqlite/settle_wal.h"
#include "db/sqlite/writer.h"

namespace mettle::db {

SqliteOptions SqliteOptions::for_data_folder(const std::string& folder, Seams& seams,
                                             Metrics& metrics) {
  SqliteOptions options;
  options.file = folder + "/app.db";
  options.lock_file = folder + "/lock";
  options.seams = &seams;
  options.metrics = &metrics;
  return options;
}

// A core's connection. The list is only added to, so that cores look through it without a lock.
struct SqliteStore::Reader final : Posted, std::enable_shared_from_this<Reader> {
  Reader(Core& c, std::unique_ptr<Connection> made)
      : core(c), connection(std::move(made)), view(*connection) {}

  // The view ends with what the core has ready now: no read transaction is held while it waits.
  Result<> enter() {
    if (!posted) {
      posted = shared_from_this();
      core.post(this);
    }
    return view.enter();
  }
  void run() override {
    const std::shared_ptr<Reader> keep = std::move(posted);
    if (busy) {
      leave_after_unit = true;
    } else {
      view.leave();
    }
  }
  void drop() override { const std::shared_ptr<Reader> keep = std::move(posted); }
  void unit_ended() {
    busy = false;
    if (std::exchange(leave_after_unit, false)) view.leave();
  }

  Core& core;
  std::unique_ptr<Connection> connection;
  ReadView view;
  Reader* next_reader = nullptr;
  bool busy = false;  // a unit is inside
  bool leave_after_unit = false;
  std::shared_ptr<Reader> posted;  // while it waits in the core's queue, whoever ends first
};

struct SqliteStore::Parts {
  explicit Parts(SqliteOptions o) : options(std::move(o)), stats(*options.metrics) {}

  const SqliteOptions options;
  SqliteStats stats;
  std::unique_ptr<DataLock> lock;
  std::mutex attaching;
  std::vector<std::shared_ptr<Reader>> owned_readers;  // under `attaching`
  std::atomic<Reader*> readers{nullptr};
  std::atomic<bool> stopped{false};
  std::unique_ptr<ScanPool> pool;
  std::unique_ptr<Writer> writer;
};

SqliteStore::SqliteStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
SqliteStore::~SqliteStore() {
  stop();
}

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(SqliteOptions options) {
  CHECK(options.seams != nullptr && options.metrics != nullptr);
  auto parts = std::make_unique<Parts>(std::move(options));
  const SqliteOptions& o = parts->options;
  if (!o.lock_file.empty()) {
    TRY(parts->lock, DataLock::acquire(o.lock_file));
  }
  // The writer's connection comes first: it makes the file and its WAL, which readers need.
  std::unique_ptr<Connection> writer;
  if (!o.read_only) {
    TRY(writer, Connection::open(o, Role::kWriter, parts->stats));
    TRY_VOID(settle_wal(*writer));
  }
  std::vector<std::unique_ptr<Connection>> connections;
  for (size_t i = 0; i < std::max<size_t>(o.scan_threads, 1); ++i) {
    TRY(auto connection, Connection::open(o, Role::kReader, parts->stats));
    connections.push_back(std::move(connection));
  }
  parts->pool = std::make_unique<ScanPool>(o, parts->stats, std::move(connections));
  if (writer) parts->writer = std::make_unique<Writer>(o, parts->stats, std::move(writer));
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(parts)));
}

Result<> SqliteStore::attach(Core& core) {
  CHECK(reader_of(core) == nullptr);
  TRY(auto connection, Connection::open(parts_->options, Role::kCore, parts_->stats));
  auto reader = std::make_shared<Reader>(core, std::move(connection));
  std::lock_guard lock(parts_->attaching);
  reader->next_reader = parts_->readers.load(std::memory_order_relaxed);
  parts_->readers.store(reader.get(), std::memory_order_release);
  parts_->owned_readers.push_back(std::move(reader));
  return {};
}

SqliteStore::Reader* SqliteStore::reader_of(const Core& core) const {
  Reader* reader = parts_->readers.load(std::memory_order_acquire);
  while (reader != nullptr && &reader->core != &core) reader = reader->next_reader;
  return reader;
}

namespace {

// The pool may do what a core could not: take its time, and wait for a lock.
bool belongs_on_pool(const Connection& connection, const Error& error, Budget::Spent spent) {
  return spent == Budget::Spent::kOps ||
         (error.code == Code::kUnavailable && connection.was_locked());
}

}  // namespace

std::optional<Result<>> SqliteStore::read_inline(Context& ctx, Reader& reader,
                                                 const StatementRef& statement,
                                                 std::span<const Value> values, RowSink& sink) {
  Connection& connection = *reader.connection;
  if (!reader.enter()) return std::nullopt;
  auto cached = connection.prepare(statement);
  if (!cached) {
    if (belongs_on_pool(connection, cached.error(), Budget::Spent::kNo)) return std::nullopt;
    return Result<>(fail(std::move(cached).error()));
  }
  if ((*cached)->takes_pool()) return std::nullopt;
  Limits limits;
  limits.ops_max = parts_->options.inline_ops_max;
  limits.deadline_us = ctx.deadline_us();
  limits.cancel = ctx.cancel_flag().get();
  connection.budget().start(limits);
  uint32_t rows = 0;
  auto done = connection.run(**cached, values, &sink, &rows);
  connection.budget().stop();
  ++ctx.statements;
  ctx.rows += rows;
  if (done) {
    parts_->stats.inline_reads.add();
    return Result<>();
  }
  if (!belongs_on_pool(connection, done.error(), connection.budget().spent()))
    return Result<>(fail(std::move(done).error()));
  --ctx.statements;
  ctx.rows -= rows;
  parts_->stats.inline_moved.add();
  sink.restart();
  return std::nullopt;
}

Task<Result<>> SqliteStore::read(Context& ctx, const StatementRef& statement,
                                 std::span<const Value> values, RowSink& sink, ReadHints hints) {
  if (parts_->stopped.load(std::memory_order_relaxed))
    co_return fail(Code::kShuttingDown, "the server is stopping");
  CO_TRY_VOID(ctx.alive());
  Reader* reader = hints.scan ? nullptr : reader_of(ctx.core());
  if (reader != nullptr && !reader->busy) {
    if (auto done = read_inline(ctx, *reader, statement, values, sink)) co_return std::move(*done);
  }
  ScanJob job;
  job.statement = &statement;
  job.values = values;
  job.sink = &sink;
  job.limits.time_us = hints.budget_us > 0 ? hints.budget_us : parts_->options.read_budget_us;
  co_return co_await parts_->pool->run(ctx, job);
}

Task<std::optional<Result<>>> SqliteStore::unit_inline(Context& ctx, Reader& reader,
                                                       ReadUnit& unit) {
  Connection& connection = *reader.connection;
  if (!reader.enter()) co_return std::nullopt;
  Limits limits;
  limits.ops_max = parts_->options.inline_ops_max;
  limits.deadline_us = ctx.deadline_us();
  limits.cancel = ctx.cancel_flag().get();
  ReadTx tx(connection, true);
  connection.budget().start(limits);
  reader.busy = true;
  Result<> ran;
  try {
    ran = co_await unit.run(tx);
  } catch (const std::bad_alloc&) {
    ran = fail(out_of_memory_error());
  }
  connection.budget().stop();
  Budget::Spent spent = connection.budget().spent();
  reader.unit_ended();
  if (spent == Budget::Spent::kCancelled || spent == Budget::Spent::kDeadline)
    co_return Result<>(fail(connection.budget().error()));
  bool moves = tx.moved() || spent == Budget::Spent::kOps ||
               (!ran && belongs_on_pool(connection, ran.error(), spent));
  if (!moves) {
    ctx.rows += tx.counts().rows;
    ctx.statements += tx.counts().statements;
    parts_->stats.inline_reads.add();
    co_return std::move(ran);
  }
  parts_->stats.inline_moved.add();
  unit.restart();
  co_return std::nullopt;
}

Task<Result<>> SqliteStore::read(Context& ctx, ReadUnit& unit, ReadHints hints) {
  if (parts_->stopped.load(std::memory_order_relaxed))
    co_return fail(Code::kShuttingDown, "the server is stopping");
  CO_TRY_VOID(ctx.alive());
  Reader* reader = hints.scan ? nullptr : reader_of(ctx.core());
  if (reader != nullptr && !reader->busy) {
    std::optional<Result<>> done = co_await unit_inline(ctx, *reader, unit);
    if (done) co_return std::move(*done);
  }
  ScanJob job;
  job.unit = &unit;
  job.limits.time_us = hints.budget_us > 0 ? hints.budget_us : parts_->options.read_budget_us;
  co_return co_await parts_->pool->run(ctx, job);
}

Task<Result<>> SqliteStore::submit(Context& ctx, std::shared_ptr<WriteUnit> unit, bool migrates) {
  if (parts_->options.read_only) co_return fail(Code::kUnavailable, "the database is read-only");
  if (parts_->stopped.load(std::memory_order_relaxed))
    co_return fail(Code::kShuttingDown, "the server is stopping");
  CO_TRY_VOID(ctx.alive());
  Completion<TxCounts> done(ctx.core());
  WriteItem item;
  item.unit = unit;
  item.migrates = migrates;
  item.deadline_us = ctx.deadline_us();
  item.cancel = ctx.cancel_flag();
  item.done = done.completer();
  Result<> taken = parts_->writer->submit(std::move(item));
  if (!taken) item.done.complete(fail(taken.error()));
  // To the end: only the writer knows whether it is in the commit.
  Result<TxCounts> counts = co_await done.wait_to_end();
  if (!counts) co_return fail(std::move(counts).error());
  ctx.rows += counts->rows;
  ctx.statements += counts->statements;
  co_return Result<>();
}

Task<Result<>> SqliteStore::write(Context& ctx, std::shared_ptr<WriteUnit> unit) {
  return submit(ctx, std::move(unit), false);
}

Task<Result<>> SqliteStore::migrate(Context& ctx, std::shared_ptr<WriteUnit> unit) {
  return submit(ctx, std::move(unit), true);
}

std::string SqliteStore::version() const {
  return sqlite3_libversion();
}

void SqliteStore::stop() {
  parts_->stopped.store(true, std::memory_order_relaxed);
  if (parts_->pool) parts_->pool->stop();
  if (parts_->writer) parts_->writer->stop();
}

bool SqliteStore::step_writer(Core& core) {
  return parts_->writer != nullptr && parts_->writer->step(core);
}

bool SqliteStore::step_pool(Core& core) {
  return parts_->pool->step(core);
}

Result<std::string> SqliteStore::plan(const Statement& statement) const {
  TRY(auto connection, Connection::open(parts_->options, Role::kReader, parts_->stats));
  return query_plan(connection->handle(), statement.sql);
}

const SqliteStats& SqliteStore::stats() const {
  return parts_->stats;
}
const SqliteOptions& SqliteStore::options() const {
  return parts_->options;
}

}  // namespace mettle::db

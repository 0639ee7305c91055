#include "db/sqlite/scan_pool.h"

#include <new>

#include "async/scope.h"
#include "base/check.h"

namespace mettle::db {

ScanPool::ScanPool(const SqliteOptions& options, SqliteStats& stats,
                   std::vector<std::unique_ptr<Connection>> connections)
    : stats_(stats),
      seams_(*options.seams),
      queue_max_(options.scan_queue_max),
      own_threads_(options.own_threads),
      connections_(std::move(connections)) {
  if (!own_threads_) return;
  for (const auto& connection : connections_)
    threads_.emplace_back([this, c = connection.get()] { thread_main(*c); });
}

ScanPool::~ScanPool() {
  stop();
}

void ScanPool::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  if (own_threads_ || queue_.empty()) return;
  Core core(seams_);
  while (step(core)) {
  }
}

bool ScanPool::step(Core& core) {
  {
    std::lock_guard lock(mutex_);
    if (queue_.empty()) return false;
  }
  run_until_done(core, run_job(*connections_.front(), *take()));
  return true;
}

Result<> ScanPool::submit(ScanJob& job) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return fail(Code::kShuttingDown, "the server is stopping");
    if (queue_.size() >= queue_max_) {
      stats_.pool_refused.add();
      return fail(Code::kOverloaded, "too many long reads are waiting");
    }
    queue_.push_back(&job);
    stats_.scan_queue.set(static_cast<double>(queue_.size()));
  }
  changed_.notify_one();
  return {};
}

Task<Result<>> ScanPool::run(Context& ctx, ScanJob& job) {
  job.limits.deadline_us = ctx.deadline_us();
  job.limits.cancel = ctx.cancel_flag().get();
  Completion<TxCounts> done(ctx.core());
  job.done = done.completer();
  Result<> taken = submit(job);
  if (!taken) job.done.complete(fail(taken.error()));
  // To the end: the job, its values and its sink are this request's.
  Result<TxCounts> counts = co_await done.wait_to_end();
  if (!counts) {
    if (counts.error().code == Code::kStatementTimeout) stats_.read_timeouts.add();
    co_return fail(std::move(counts).error());
  }
  ctx.rows += counts->rows;
  ctx.statements += counts->statements;
  stats_.pool_reads.add();
  co_return Result<>();
}

void ScanPool::thread_main(Connection& connection) {
  Core core(seams_);
  // Not serve()'s own: the loop looks at it after the coroutine's frame is gone.
  bool serving = true;
  run_until_done(core, serve(connection, serving));
}

ScanJob* ScanPool::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
  if (queue_.empty()) return nullptr;
  ScanJob* job = queue_.front();
  queue_.pop_front();
  stats_.scan_queue.set(static_cast<double>(queue_.size()));
  return job;
}

Task<> ScanPool::serve(Connection& connection, bool& serving) {
  // As in the writer: the loop gets control only when a unit awaits something foreign.
  Core::current()->post([&serving] { CHECK(!serving); });
  while (ScanJob* job = take()) co_await run_job(connection, *job);
  serving = false;
}

Task<> ScanPool::run_job(Connection& connection, ScanJob& job) {
  connection.budget().start(job.limits);
  Result<TxCounts> counts = fail(out_of_memory_error());
  try {
    counts =
        job.unit == nullptr ? run_statement(connection, job) : co_await run_unit(connection, job);
  } catch (const std::bad_alloc&) {
    if (connection.in_transaction()) (void)connection.control(Control::kRollback);
  }
  connection.budget().stop();
  job.done.complete(std::move(counts));  // the job is gone from here on
}

Result<TxCounts> ScanPool::run_statement(Connection& connection, ScanJob& job) {
  TxCounts counts;
  counts.statements = 1;
  TRY(CachedStatement * cached, connection.prepare(*job.statement));
  TRY_VOID(connection.run(*cached, job.values, job.sink, &counts.rows));
  return counts;
}

Task<Result<TxCounts>> ScanPool::run_unit(Connection& connection, ScanJob& job) {
  CO_TRY_VOID(connection.control(Control::kBegin));
  ReadTx tx(connection, false);
  Result<> ran = co_await job.unit->run(tx);
  bool spent = connection.budget().spent() != Budget::Spent::kNo;
  if (connection.in_transaction()) (void)connection.control(Control::kRollback);
  if (spent) co_return fail(connection.budget().error());
  CO_TRY_VOID(std::move(ran));
  co_return tx.counts();
}

}  // namespace mettle::db

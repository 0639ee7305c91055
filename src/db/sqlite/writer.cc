#include "db/sqlite/writer.h"

#include <fmt/format.h>

#include <new>

#include "async/scope.h"
#include "base/check.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mutant.h"
#include "db/sqlite/violations.h"

namespace mettle::db {
namespace {

constexpr int kExitStorageFailed = 1;
// Of one group as a whole; then its units run one by one, where a lost transaction costs nobody
// else.
constexpr int kGroupTriesMax = 3;

bool dead(const WriteItem& item, Clock& clock) {
  return item.cancel->cancelled.load(std::memory_order_relaxed) ||
         (item.deadline_us != INT64_MAX && clock.monotonic_us() >= item.deadline_us);
}

}  // namespace

Writer::Writer(const SqliteOptions& options, SqliteStats& stats,
               std::unique_ptr<Connection> connection)
    : options_(options),
      stats_(stats),
      connection_(std::move(connection)),
      checkpointer_(*connection_, options, stats),
      thread_(options.own_threads ? std::thread([this] { thread_main(); }) : std::thread()) {}

Writer::~Writer() {
  stop();
}

Result<> Writer::submit(WriteItem&& item) {
  item.queued_us = options_.seams->clock->monotonic_us();
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return fail(Code::kShuttingDown, "the server is stopping");
    if (queue_.size() >= options_.write_queue_max) {
      stats_.write_refused.add();
      return fail(Code::kOverloaded, "too many writes are waiting");
    }
    queue_.push_back(std::move(item));
    stats_.write_queue.set(static_cast<double>(queue_.size()));
    wake = waiting_;
  }
  if (wake) changed_.notify_one();
  return {};
}

void Writer::stop() {
  bool first = false;
  {
    std::lock_guard lock(mutex_);
    first = !std::exchange(stopping_, true);
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
  if (first && !options_.own_threads) thread_main();
}

bool Writer::step(Core& core) {
  if (std::exchange(checkpoint_next_, false)) {
    checkpoint();
    return true;
  }
  {
    std::lock_guard lock(mutex_);
    if (queue_.empty()) return false;
  }
  std::vector<WriteItem> group;
  take(group);
  run_until_done(core, work(group));
  checkpoint_next_ = true;
  return true;
}

void Writer::thread_main() {
  Core core(*options_.seams);
  run_until_done(core, serve());
}

bool Writer::take(std::vector<WriteItem>& group) {
  group.clear();
  std::unique_lock lock(mutex_);
  waiting_ = true;
  changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
  waiting_ = false;
  while (!queue_.empty() && group.size() < options_.group_max) {
    if (queue_.front().migrates && !group.empty()) break;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
    if (group.back().migrates) break;
  }
  stats_.write_queue.set(static_cast<double>(queue_.size()));
  return !group.empty();
}

Task<> Writer::serve() {
  // The loop gets control only when this coroutine suspends: a unit awaited something else than its
  // transaction, and everybody who waits for the writer would wait for that.
  Core::current()->post([this] { CHECK(!in_unit_); });
  std::vector<WriteItem> group;
  while (take(group)) {
    co_await work(group);
    checkpoint();
  }
  if (!checkpointer_.finish()) check_sync();
}

Task<> Writer::work(std::vector<WriteItem>& group) {
  int64_t now = options_.seams->clock->monotonic_us();
  for (const WriteItem& item : group)
    stats_.write_wait_seconds.observe(static_cast<double>(now - item.queued_us) / 1e6);
  if (group.front().migrates) {
    Result<> done = co_await migrate(group.front());
    if (!done) group.front().error = std::move(done).error();
  } else {
    co_await run_group(group);
  }
  answer(group);
}

void Writer::checkpoint() {
  bool idle;
  {
    std::lock_guard lock(mutex_);
    idle = queue_.empty();
  }
  if (!checkpointer_.after_group(idle)) check_sync();
}

void Writer::settle_dead(std::span<WriteItem> group) {
  for (WriteItem& item : group) {
    if (item.settled || !dead(item, *options_.seams->clock)) continue;
    item.settled = true;
    item.error = item.cancel->cancelled.load(std::memory_order_relaxed)
                     ? make_error(Code::kCancelled, "the request was given up")
                     : make_error(Code::kDeadlineExceeded, "the request's time is over");
  }
}

Task<> Writer::run_group(std::span<WriteItem> group) {
  settle_dead(group);
  for (int tries = 0; tries < kGroupTriesMax; ++tries) {
    bool done = co_await run_once(group);
    if (done) co_return;
    stats_.groups_replayed.add();
  }
  for (WriteItem& item : group) {
    if (item.settled) continue;
    bool done = co_await run_once(std::span(&item, 1));
    CHECK(done || item.settled);
  }
}

Task<bool> Writer::run_once(std::span<WriteItem> group) {
  size_t units = 0;
  for (const WriteItem& item : group) units += item.settled ? 0 : 1;
  if (units == 0) co_return true;
  const bool alone = units == 1;
  Result<> result = connection_->control(Control::kBeginImmediate);
  if (result) {
    for (WriteItem& item : group) {
      if (item.settled) continue;
      Result<> ran = co_await run_unit(item, alone);
      check_sync();
      item.error.reset();
      if (!ran) item.error = std::move(ran).error();
      if (!connection_->in_transaction()) {
        // Its error took the others' work too; without it they can have theirs.
        item.settled = true;
        co_return planted(Mutant::kRollbackForgetsNeighbours);
      }
      if (alone && item.error && !planted(Mutant::kFailedUnitStays)) {
        (void)connection_->control(Control::kRollback);
        CHECK(!connection_->in_transaction());
        item.settled = true;
        co_return true;
      }
      FAIL_POINT_VOID("group.after_unit");
    }
    stats_.group_size.observe(static_cast<double>(units));
    if (planted(Mutant::kAckBeforeCommit)) answer(group);
    result = commit();
  }
  for (WriteItem& item : group) {
    if (item.settled) continue;
    item.settled = true;
    if (!result) item.error = result.error();
  }
  co_return true;
}

// A savepoint costs a copy of each page that the unit changes. Who is alone in the transaction
// has none: run_once() takes back the whole.
Task<Result<>> Writer::run_unit(WriteItem& item, bool alone) {
  if (!alone) {
    CO_TRY_VOID(connection_->control(Control::kSavepointUnit));
  }
  Limits limits;
  limits.time_us = options_.write_budget_us;
  limits.deadline_us = item.deadline_us;
  limits.cancel = item.cancel.get();
  connection_->budget().start(limits);
  UnitTx tx(*connection_);
  in_unit_ = true;
  Result<> ran;
  try {
    ran = co_await item.unit->run(tx);
  } catch (const std::bad_alloc&) {
    ran = fail(out_of_memory_error());  // of this unit: the others have their savepoints
  }
  in_unit_ = false;
  connection_->budget().stop();
  item.counts = tx.counts();
  if (!connection_->in_transaction()) {
    CHECK(tx.lost().has_value());
    co_return fail(*tx.lost());
  }
  if (alone) co_return ran;
  if (!ran && !planted(Mutant::kFailedUnitStays)) {
    CO_TRY_VOID(connection_->control(Control::kRollbackToUnit));
  }
  CO_TRY_VOID(connection_->control(Control::kReleaseUnit));
  co_return ran;
}

Result<> Writer::commit() {
  FAIL_POINT_VOID("commit.before");
  Clock& clock = *options_.seams->clock;
  int64_t began = clock.monotonic_us();
  Result<> done = connection_->control(Control::kCommit);
  if (!done) {
    check_sync();
    if (connection_->in_transaction()) (void)connection_->control(Control::kRollback);
    LOG_ERROR("a commit failed", {{"reason", done.error().inside}});
    Error error = done.error();
    error.code = Code::kUnavailable;
    return fail(std::move(error));
  }
  stats_.commit_seconds.observe(static_cast<double>(clock.monotonic_us() - began) / 1e6);
  FAIL_POINT_VOID("commit.after_sync_before_ack");
  return {};
}

void Writer::answer(std::span<WriteItem> group) {
  for (WriteItem& item : group) {
    if (planted(Mutant::kAckBeforeCommit) && !item.done) continue;
    (item.error ? stats_.units_failed : stats_.units_committed).add();
    // The unit may belong to the waiter's core from here on.
    item.unit.reset();
    if (item.error) {
      item.done.complete(fail(std::move(*item.error)));
    } else {
      item.done.complete(item.counts);
    }
  }
}

void Writer::check_sync() {
  if (!connection_->sync_failed() || planted(Mutant::kSyncFailureIgnored)) return;
  LOG_ERROR(
      "the disk did not take a sync: stopping, so that nothing is acknowledged that may be lost",
      {{"file", options_.file}, {"reason", connection_->sync_failure()}});
  options_.seams->process->exit_now(kExitStorageFailed);
}

// Foreign keys are a setting of the connection that SQLite ignores inside a transaction: switched
// there, the DROP TABLE of a rebuild would fire the cascades of its children and empty them.
Task<Result<>> Writer::migrate(WriteItem& item) {
  settle_dead(std::span(&item, 1));
  if (item.settled) co_return fail(std::move(*item.error));
  CO_TRY_VOID(connection_->exec("PRAGMA foreign_keys=OFF"));
  Result<> done = co_await migrate_in_transaction(item);
  check_sync();
  if (connection_->in_transaction()) (void)connection_->control(Control::kRollback);
  CHECK(connection_->exec("PRAGMA foreign_keys=ON").has_value());
  co_return done;
}

Task<Result<>> Writer::migrate_in_transaction(WriteItem& item) {
  CO_TRY_VOID(connection_->control(Control::kBeginImmediate));
  Limits limits;  // a rebuild takes as long as the table is large
  limits.deadline_us = item.deadline_us;
  limits.cancel = item.cancel.get();
  connection_->budget().start(limits);
  UnitTx tx(*connection_);
  in_unit_ = true;
  Result<> ran = co_await item.unit->run(tx);
  in_unit_ = false;
  connection_->budget().stop();
  item.counts = tx.counts();
  if (tx.lost()) co_return fail(*tx.lost());
  CO_TRY_VOID(std::move(ran));
  CO_FAIL_POINT("migrate.before_check");
  CO_TRY_VOID(check_all_references(*connection_));
  co_return commit();
}

}  // namespace mettle::db

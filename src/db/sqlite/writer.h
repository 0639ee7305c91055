// The one thread that writes. It takes what waits (at most a group's worth, never lingering), runs
// each unit in a savepoint of one transaction (a single one without), commits once, and then
// answers everybody. For db/sqlite alone; submit() from any thread.
//
// How it fails: a unit's own error takes back that unit alone. An error that took the whole
// transaction with it (SQLite does that when a change is interrupted, or the disk or memory fails)
// costs its unit; the others are run again from the start. A failed commit answers everybody with
// kUnavailable. After a failed sync the page cache may no longer tell the truth, so the process
// ends at once and nobody is answered.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "async/completion.h"
#include "db/sqlite/checkpointer.h"
#include "db/sqlite/tx.h"

namespace mettle::db {

struct WriteItem {
  std::shared_ptr<WriteUnit> unit;
  bool migrates = false;
  int64_t deadline_us = INT64_MAX;
  std::shared_ptr<CancelFlag> cancel;
  Completer<TxCounts> done;
  int64_t queued_us = 0;

  // The writer's: what the last run gave.
  std::optional<Error> error;
  bool settled = false;  // not run again, whatever happens to the group
  TxCounts counts;
};

class Writer {
 public:
  Writer(const SqliteOptions& options, SqliteStats& stats, std::unique_ptr<Connection> connection);
  ~Writer();  // finishes what is queued, checkpoints, joins

  // kOverloaded, kShuttingDown; the item is untouched then.
  Result<> submit(WriteItem&& item);
  void stop();
  // Without a thread of its own (SqliteOptions::own_threads): what the thread would do next, a
  // group or the checkpoint after one, on the calling thread, by a core that nobody runs. False:
  // nothing waits. stop() then does the rest on its caller's thread.
  bool step(Core& core);

 private:
  void thread_main();
  Task<> serve();
  // Runs the group, commits it, answers it.
  Task<> work(std::vector<WriteItem>& group);
  void checkpoint();
  bool take(std::vector<WriteItem>& group);
  Task<> run_group(std::span<WriteItem> group);
  // One transaction over what is not settled; false when it was lost and has to be run again.
  Task<bool> run_once(std::span<WriteItem> group);
  Task<Result<>> run_unit(WriteItem& item, bool alone);
  Result<> commit();
  Task<Result<>> migrate(WriteItem& item);
  Task<Result<>> migrate_in_transaction(WriteItem& item);
  void settle_dead(std::span<WriteItem> group);
  void answer(std::span<WriteItem> group);
  // Ends the process when a sync failed: what was "written" may be gone, and a second sync that
  // succeeds would prove nothing.
  void check_sync();

  const SqliteOptions options_;
  SqliteStats& stats_;
  std::unique_ptr<Connection> connection_;
  Checkpointer checkpointer_;
  bool in_unit_ = false;
  bool checkpoint_next_ = false;  // step()'s

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<WriteItem> queue_;
  bool waiting_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace mettle::db

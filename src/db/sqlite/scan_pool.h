// A few threads with read connections of their own, for what is too long for a core: scans, what
// spent the inline budget, what found the database locked. For db/sqlite alone; run() on a core.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "async/completion.h"
#include "db/sqlite/tx.h"

namespace mettle::db {

// Either a statement with its sink, or a unit. Lives in the frame of the coroutine that waits for
// it to the end.
struct ScanJob {
  const StatementRef* statement = nullptr;
  std::span<const Value> values;
  RowSink* sink = nullptr;
  ReadUnit* unit = nullptr;

  Limits limits;
  Completer<TxCounts> done;
};

class ScanPool {
 public:
  ScanPool(const SqliteOptions& options, SqliteStats& stats,
           std::vector<std::unique_ptr<Connection>> connections);
  ~ScanPool();  // finishes what is queued, joins

  // Resumes on the caller's core when the job has run; kOverloaded when the queue is full.
  Task<Result<>> run(Context& ctx, ScanJob& job);
  void stop();
  // As Writer::step: one job.
  bool step(Core& core);

 private:
  void thread_main(Connection& connection);
  Task<> serve(Connection& connection, bool& serving);
  static Task<> run_job(Connection& connection, ScanJob& job);
  ScanJob* take();
  static Result<TxCounts> run_statement(Connection& connection, ScanJob& job);
  static Task<Result<TxCounts>> run_unit(Connection& connection, ScanJob& job);
  Result<> submit(ScanJob& job);

  SqliteStats& stats_;
  Seams& seams_;
  const size_t queue_max_;
  const bool own_threads_;
  const std::vector<std::unique_ptr<Connection>> connections_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<ScanJob*> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace mettle::db

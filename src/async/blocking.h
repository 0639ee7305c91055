// Work that blocks (a file, a name lookup, a hash of a password) runs on a small pool of threads;
// the coroutine resumes on its own core. A hop there and back costs about 10 µs.
//
//   CO_TRY(std::string text, co_await blocking(ctx, pool, read_file_call));
//
// The function returns a Result and must not throw. It may refer to the caller's frame: the caller
// never resumes before the function has run or was dropped from the queue. A context that ended
// before the function began drops it (kCancelled, kDeadlineExceeded); one that ends later does not
// interrupt it. A full queue answers kOverloaded.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "async/completion.h"

namespace mettle {

class BlockingPool {  // submit: any thread; made and destroyed by one that is no core
 public:
  BlockingPool(unsigned threads, size_t queue_max);
  ~BlockingPool();             // runs what is queued, then joins
  bool submit(Callback work);  // false: the queue is full

 private:
  void work();

  const size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Callback> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

// Fn: Result<T>().
template <class Fn, class R = std::invoke_result_t<Fn&>>
Task<R> blocking(Context& ctx, BlockingPool& pool, Fn fn) {
  Completion<typename R::value_type> done(ctx.core());
  const bool taken = pool.submit([&ctx, &fn, completer = done.completer()]() mutable {
    if (auto alive = ctx.alive(); !alive) return completer.complete(fail(std::move(alive).error()));
    completer.complete(fn());
  });
  R result = co_await done.wait_to_end();
  if (!taken) co_return fail(Code::kOverloaded, "too much work is waiting for a thread");
  co_return result;
}

}  // namespace mettle

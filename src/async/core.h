// Core: one event loop that one thread runs; the unit of "nothing shared". A request lives and dies
// on the core that accepted its connection; other threads reach it only by posting.
//
// Any thread may call post, stop, wake_timers and the counters; everything else is the core's own
// thread. A core outlives whoever may still post to it. post costs one allocation and wakes the
// loop once for all that was posted since it last looked.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "async/callback.h"
#include "base/seams.h"

namespace boost::asio {
class io_context;
}

namespace mettle {

class Gathering;
class Timers;

// What a core is asked to do, linked without an allocation of its own. The core calls exactly one
// of the two, once.
class Posted {
 public:
  virtual ~Posted() = default;
  virtual void run() = 0;   // on the core's thread, between other turns of the loop
  virtual void drop() = 0;  // the core ended first
  Posted* next = nullptr;   // the core's
};

struct CoreOptions {
  unsigned index = 0;
  // A turn of the loop longer than this is a stall: every connection of the core waited for it.
  int64_t stall_limit_us = 10'000;
  std::function<void(unsigned index, int64_t us)> on_stall;  // called on the core's thread
};

class Core {
 public:
  explicit Core(Seams& seams, CoreOptions options = {});
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // Runs the loop on the calling thread until stop(); may be called again afterwards.
  void run();
  void stop();
  // Runs what is ready on the calling thread and returns: for who decides himself what happens
  // when.
  void run_ready();

  void post(Posted* node);  // the node must live until it is run or dropped
  void post(Callback callback);
  // Runs the timers that are due by the seams' clock, now: what a test calls after it moved time.
  void wake_timers();

  static Core* current();  // of the calling thread, or nullptr
  bool is_current() const { return current() == this; }
  unsigned index() const { return options_.index; }
  Seams& seams() const { return seams_; }
  Timers& timers() { return *timers_; }
  Gathering& gathering() { return *gathering_; }
  boost::asio::io_context& io() { return *io_; }

  // Brackets the work between two waits of the loop, for the stall counters; about 25 ns each.
  // turn_begins returns the monotonic clock.
  int64_t turn_begins();
  void turn_ends();
  uint64_t stalls() const { return stalls_.load(std::memory_order_relaxed); }
  int64_t longest_turn_us() const { return longest_us_.load(std::memory_order_relaxed); }

 private:
  class LogFlush;
  void drain();

  Seams& seams_;
  const CoreOptions options_;
  std::unique_ptr<boost::asio::io_context> io_;
  std::unique_ptr<Timers> timers_;
  std::unique_ptr<Gathering> gathering_;
  std::unique_ptr<LogFlush> log_flush_;
  std::atomic<Posted*> posted_{nullptr};  // newest first
  int64_t turn_began_us_ = 0;             // 0: no turn is measured
  std::atomic<uint64_t> stalls_{0};
  std::atomic<int64_t> longest_us_{0};
};

// The cores of a process, each with its thread. Made, started and stopped by one thread.
class Cores {
 public:
  Cores(Seams& seams, unsigned count,
        const std::function<void(unsigned index, int64_t us)>& on_stall = {});
  ~Cores();  // stops

  void start();
  void stop();  // stops the loops and joins the threads; idempotent
  size_t size() const { return cores_.size(); }
  Core& at(size_t index) { return *cores_[index]; }

 private:
  std::vector<std::unique_ptr<Core>> cores_;
  std::vector<std::thread> threads_;
};

}  // namespace mettle

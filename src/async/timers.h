// Timers of one core. Deadlines use the coarse wheel: arming and disarming link and unlink a node
// (about 10 ns) and the system's timer is touched once a tick for all of them; it fires at most one
// tick late and never early. sleep_for is precise and costs a system timer.
//
// Time is the seams' monotonic clock, so a test that holds the clock holds the timers
// (Core::wake_timers after it moved time). The core's thread only.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <utility>

#include "async/context.h"
#include "async/task.h"

namespace mettle {

class Timers;

inline constexpr int64_t kTimerTickUs = 50'000;

// A deadline to be told about. Derive, arm, and be called once; disarms itself when destroyed.

class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer();
  virtual void on_time() = 0;  // already disarmed; may arm again, may destroy this
  bool armed() const { return owner_ != nullptr; }
  int64_t due_us() const { return due_us_; }

 private:
  friend class Timers;
  Timers* owner_ = nullptr;
  Timer* prev_ = nullptr;  // nullptr while armed: in the precise set
  Timer* next_ = nullptr;
  int64_t due_us_ = 0;
};

class Timers {
 public:
  explicit Timers(Core& core);
  ~Timers();

  // Both move a timer that is armed already.
  void arm(Timer& timer, int64_t due_us);
  void arm_precise(Timer& timer, int64_t due_us);
  void disarm(Timer& timer);
  void run_due();

 private:
  // The heads of circular lists; a slot holds the deadlines of one tick of each turn of the wheel.
  struct Slot final : Timer {
    void on_time() override {}
  };
  struct Driver;
  static constexpr size_t kSlots = 512;

  void link(Slot& slot, Timer& timer);
  void unlink(Timer& timer);
  void run_slot(Slot& slot, int64_t now_us);
  void drive(int64_t due_us, int64_t now_us);
  void drive_next(int64_t now_us);

  Core& core_;
  std::array<Slot, kSlots> slots_;
  size_t coarse_ = 0;      // timers in the wheel
  int64_t last_tick_ = 0;  // the last tick whose slot was visited
  std::set<std::pair<int64_t, Timer*>> precise_;
  std::unique_ptr<Driver> driver_;
};

// Suspends for `duration`; kCancelled or kDeadlineExceeded when the context ends first.
Task<Result<>> sleep_for(Context& ctx, std::chrono::microseconds duration);

}  // namespace mettle

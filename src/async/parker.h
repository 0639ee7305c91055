// Parker: the place where one coroutine waits for one event; what Completion, sleep_for and Scope
// are made of. One allocation-free node for the event, the deadline and the cancellation.
//
// The core's thread only; another thread posts first. A Parker is used for one event and must not
// be destroyed while a coroutine is parked in it.
#pragma once

#include <cstddef>

#include "async/context.h"
#include "async/core.h"
#include "async/task.h"
#include "async/timers.h"

namespace mettle {

enum class Woken : uint8_t { kSignal, kCancelled, kDeadline };

class Parker final : private Posted, private Timer, private CancelHook {
 public:
  explicit Parker(Core& core) : core_(core) {}
  ~Parker() override;

  // Until wake(), or until the context is cancelled or out of time. An event that came before
  // wins.
  Task<Woken> park(Context& ctx);
  // As park, and kSignal when the clock reaches `until_us`.
  Task<Woken> park_until(Context& ctx, int64_t until_us);
  // Until wake() and nothing else: for a wait that lends something of its own to the waker.
  Task<> park_to_end();

  // The event. The coroutine resumes in a turn of its own.
  void wake();
  // The same, resuming at once. REQUIRES: called by the loop itself (Posted::run, Timer::on_time),
  // or from inside a coroutine that has said turn_ends(). The parker may be gone when it returns.
  void wake_now();

 private:
  enum class State : uint8_t { kEmpty, kParked, kQueued, kDone };

  void run() override;
  void drop() override;
  void on_time() override;
  void on_cancel() override;
  Task<> suspend();
  void store(void* handler);
  void settle(Woken woken);
  void resume();

  Core& core_;
  State state_ = State::kEmpty;
  bool signalled_ = false;
  bool timed_ = false;  // the timer is the event itself, not the deadline
  Woken woken_ = Woken::kSignal;
  alignas(void*) std::byte handler_[sizeof(void*)];  // Asio's handler that resumes the coroutine
};

// Lets everything else of the core that is ready have its turn first.
Task<> next_turn(Core& core);

}  // namespace mettle

#include "async/timers.h"

#include <boost/asio/steady_timer.hpp>

#include "async/core.h"
#include "async/parker.h"
#include "base/check.h"

namespace mettle {

// The one system timer of a core, set to the earliest moment at which something may be due.
struct Timers::Driver {
  explicit Driver(Core& core) : timer(core.io()) {}
  boost::asio::steady_timer timer;
  int64_t due_us = INT64_MAX;  // by the seams' clock; INT64_MAX: not set
};

Timer::~Timer() {
  if (owner_ != nullptr) owner_->disarm(*this);
}

Timers::Timers(Core& core) : core_(core), driver_(std::make_unique<Driver>(core)) {
  for (Slot& slot : slots_) slot.prev_ = slot.next_ = &slot;
}

Timers::~Timers() {
  for (Slot& slot : slots_) {
    while (slot.next_ != &slot) unlink(*slot.next_);
  }
  while (!precise_.empty()) disarm(*precise_.begin()->second);
}

void Timers::link(Slot& slot, Timer& timer) {
  timer.owner_ = this;
  timer.next_ = &slot;
  timer.prev_ = slot.prev_;
  slot.prev_->next_ = &timer;
  slot.prev_ = &timer;
}

void Timers::unlink(Timer& timer) {
  timer.prev_->next_ = timer.next_;
  timer.next_->prev_ = timer.prev_;
  timer.prev_ = timer.next_ = nullptr;
  timer.owner_ = nullptr;
  --coarse_;
}

void Timers::arm(Timer& timer, int64_t due_us) {
  disarm(timer);
  const bool first = coarse_++ == 0;
  int64_t now_us = 0;
  if (first) {
    now_us = core_.seams().clock->monotonic_us();
    last_tick_ = now_us / kTimerTickUs;
  }
  timer.due_us_ = due_us;
  // Rounded up: a slot is visited once its tick has begun, so nothing in it fires early.
  int64_t tick = due_us / kTimerTickUs + (due_us % kTimerTickUs != 0 ? 1 : 0);
  if (tick <= last_tick_) tick = last_tick_ + 1;
  link(slots_[static_cast<size_t>(tick) % kSlots], timer);
  if (first) drive((last_tick_ + 1) * kTimerTickUs, now_us);
}

void Timers::arm_precise(Timer& timer, int64_t due_us) {
  disarm(timer);
  timer.owner_ = this;
  timer.due_us_ = due_us;
  precise_.emplace(due_us, &timer);
  drive(due_us, core_.seams().clock->monotonic_us());
}

void Timers::disarm(Timer& timer) {
  if (timer.owner_ == nullptr) return;
  CHECK(timer.owner_ == this);
  if (timer.prev_ != nullptr) return unlink(timer);
  precise_.erase({timer.due_us_, &timer});
  timer.owner_ = nullptr;
}

// The slot is emptied into a list of its own first: a timer that fires may arm others into the same
// slot, or disarm some that wait behind it.
void Timers::run_slot(Slot& slot, int64_t now_us) {
  if (slot.next_ == &slot) return;
  Slot batch;
  batch.next_ = slot.next_;
  batch.prev_ = slot.prev_;
  batch.next_->prev_ = batch.prev_->next_ = &batch;
  slot.prev_ = slot.next_ = &slot;
  while (batch.next_ != &batch) {
    Timer& timer = *batch.next_;
    unlink(timer);
    if (timer.due_us_ > now_us) {  // of a later turn of the wheel
      ++coarse_;
      link(slot, timer);
    } else {
      timer.on_time();
    }
  }
  batch.prev_ = batch.next_ = nullptr;
}

void Timers::run_due() {
  const int64_t now_us = core_.seams().clock->monotonic_us();
  const int64_t now_tick = now_us / kTimerTickUs;
  // After a long pause one turn of the wheel visits every slot.
  if (now_tick - last_tick_ > static_cast<int64_t>(kSlots)) {
    last_tick_ = now_tick - static_cast<int64_t>(kSlots);
  }
  while (coarse_ > 0 && last_tick_ < now_tick) {
    ++last_tick_;
    run_slot(slots_[static_cast<size_t>(last_tick_) % kSlots], now_us);
  }
  while (!precise_.empty() && precise_.begin()->first <= now_us) {
    Timer& timer = *precise_.begin()->second;
    disarm(timer);
    timer.on_time();
  }
  drive_next(now_us);
}

void Timers::drive_next(int64_t now_us) {
  driver_->due_us = INT64_MAX;
  int64_t due_us = coarse_ > 0 ? (last_tick_ + 1) * kTimerTickUs : INT64_MAX;
  if (!precise_.empty()) due_us = std::min(due_us, precise_.begin()->first);
  if (due_us != INT64_MAX) drive(due_us, now_us);
}

void Timers::drive(int64_t due_us, int64_t now_us) {
  if (driver_->due_us <= due_us) return;
  driver_->due_us = due_us;
  // A held clock may say that less is left than the system's timer takes to come round; a floor
  // keeps the loop from spinning on it.
  const int64_t wait_us = std::max<int64_t>(due_us - now_us, 100);
  driver_->timer.expires_after(std::chrono::microseconds(wait_us));
  driver_->timer.async_wait([this](const boost::system::error_code& error) {
    if (error) return;  // set to another moment
    core_.turn_begins();
    run_due();
    core_.turn_ends();
  });
}

Task<Result<>> sleep_for(Context& ctx, std::chrono::microseconds duration) {
  Parker parker(ctx.core());
  const int64_t until_us = ctx.seams().clock->monotonic_us() + duration.count();
  switch (co_await parker.park_until(ctx, until_us)) {
    case Woken::kCancelled:
      co_return fail(Code::kCancelled, "the request was given up");
    case Woken::kDeadline:
      co_return fail(Code::kDeadlineExceeded, "the time allowed for the request is over");
    default:
      co_return Result<>{};
  }
}

}  // namespace mettle

#include "async/parker.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <new>

#include "base/check.h"

namespace mettle {
namespace {

using UseAwaitable = boost::asio::use_awaitable_t<>;
using Handler = boost::asio::async_result<UseAwaitable, void()>::handler_type;

}  // namespace

Parker::~Parker() {
  CHECK(state_ != State::kParked && state_ != State::kQueued);
}

void Parker::store(void* handler) {
  static_assert(sizeof(Handler) <= sizeof(handler_) && alignof(Handler) <= alignof(void*));
  ::new (static_cast<void*>(handler_)) Handler(std::move(*static_cast<Handler*>(handler)));
  state_ = State::kParked;
}

Task<> Parker::suspend() {
  core_.turn_ends();
  return boost::asio::async_initiate<const UseAwaitable&, void()>(
      [](auto handler, Parker* self) { self->store(&handler); }, boost::asio::use_awaitable, this);
}

Task<Woken> Parker::park(Context& ctx) {
  return park_until(ctx, INT64_MAX);
}

Task<Woken> Parker::park_until(Context& ctx, int64_t until_us) {
  CHECK(state_ == State::kEmpty && core_.is_current());
  if (signalled_) co_return Woken::kSignal;
  CancelFlag& flag = *ctx.cancel_flag();
  if (flag.cancelled.load(std::memory_order_relaxed)) co_return Woken::kCancelled;
  timed_ = until_us <= ctx.deadline_us() && until_us != INT64_MAX;
  if (timed_) {
    core_.timers().arm_precise(*this, until_us);
  } else if (ctx.deadline_us() != INT64_MAX) {
    core_.timers().arm(*this, ctx.deadline_us());
  }
  hook(flag);
  co_await suspend();
  co_return woken_;
}

Task<> Parker::park_to_end() {
  CHECK(state_ == State::kEmpty && core_.is_current());
  if (!signalled_) co_await suspend();
}

void Parker::wake() {
  signalled_ = true;
  if (state_ != State::kParked) return;
  settle(Woken::kSignal);
  state_ = State::kQueued;
  core_.post(this);
}

void Parker::wake_now() {
  signalled_ = true;
  if (state_ != State::kParked) return;
  settle(Woken::kSignal);
  resume();
}

void Parker::settle(Woken woken) {
  woken_ = woken;
  if (Timer::armed()) core_.timers().disarm(*this);
  unhook();
}

void Parker::resume() {
  Handler* const stored = std::launder(reinterpret_cast<Handler*>(handler_));
  Handler handler(std::move(*stored));
  stored->~Handler();
  state_ = State::kDone;
  std::move(handler)();
}

void Parker::run() {
  resume();
}

void Parker::drop() {
  std::launder(reinterpret_cast<Handler*>(handler_))->~Handler();
  state_ = State::kDone;
}

void Parker::on_time() {
  settle(timed_ ? Woken::kSignal : Woken::kDeadline);
  resume();
}

void Parker::on_cancel() {
  settle(Woken::kCancelled);
  state_ = State::kQueued;
  core_.post(this);
}

Task<> next_turn(Core& core) {
  Parker parker(core);
  core.post([&parker] { parker.wake_now(); });
  co_await parker.park_to_end();
}

}  // namespace mettle

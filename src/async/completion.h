// Completion: a coroutine awaits what another thread will deliver (the SQLite writer answering a
// request). The two ends share one allocation; delivering costs one post to the waiter's core, and
// many deliveries share one wake-up of it.
//
//   Completion<int> done(ctx.core());
//   writer.submit(unit, done.completer());
//   CO_TRY(int rows, co_await done.wait(ctx));
//
// The Completion belongs to the waiter's core; the Completer may go to any thread and must not
// outlive the core. A waiter that gave up (cancelled, deadline) just leaves: what is delivered
// later is destroyed on the core. A Completer destroyed undelivered delivers kUnavailable.
#pragma once

#include <atomic>
#include <optional>
#include <utility>

#include "async/parker.h"

namespace mettle {

namespace completion_detail {

// Referred to by the Completion and by the Completer (or, after it, by the core's queue).
class StateBase : public Posted {
 public:
  explicit StateBase(Core& core) : core_(core), parker_(core) {}
  void deliver() { core_.post(this); }
  void release() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
  Parker& parker() { return parker_; }

 private:
  void run() override {
    parker_.wake_now();
    release();
  }
  void drop() override { release(); }

  Core& core_;
  Parker parker_;
  std::atomic<int> references_{2};
};

template <class T>
struct State final : StateBase {
  using StateBase::StateBase;
  std::optional<Result<T>> value;  // written before deliver(), read after it
};

Error wait_error(Woken woken);
Error abandoned_error();

}  // namespace completion_detail

template <class T = void>
class Completer {
 public:
  Completer() = default;
  Completer(Completer&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  Completer& operator=(Completer&& other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~Completer() {
    if (state_ != nullptr) complete(fail(completion_detail::abandoned_error()));
  }

  explicit operator bool() const { return state_ != nullptr; }
  // REQUIRES: not completed before.
  void complete(Result<T> result) {
    auto* const state = std::exchange(state_, nullptr);
    state->value.emplace(std::move(result));
    state->deliver();
  }

 private:
  template <class>
  friend class Completion;
  explicit Completer(completion_detail::State<T>* state) : state_(state) {}
  completion_detail::State<T>* state_ = nullptr;
};

template <class T = void>
class Completion {
 public:
  explicit Completion(Core& core) : state_(new completion_detail::State<T>(core)) {}
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;
  ~Completion() {
    if (!handed_out_) state_->release();
    state_->release();
  }

  // The other end. REQUIRES: asked for once.
  Completer<T> completer() {
    handed_out_ = true;
    return Completer<T>(state_);
  }

  // Until delivered; kCancelled or kDeadlineExceeded when the context ends first. Once.
  Task<Result<T>> wait(Context& ctx) {
    const Woken woken = co_await state_->parker().park(ctx);
    if (woken != Woken::kSignal) co_return fail(completion_detail::wait_error(woken));
    co_return std::move(*state_->value);
  }
  // Until delivered, whatever happens to the request: for who lends its own frame to the other
  // thread. Once.
  Task<Result<T>> wait_to_end() {
    co_await state_->parker().park_to_end();
    co_return std::move(*state_->value);
  }

 private:
  completion_detail::State<T>* const state_;
  bool handed_out_ = false;
};

}  // namespace mettle

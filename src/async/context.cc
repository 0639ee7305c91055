#include "async/context.h"

#include "async/core.h"
#include "base/check.h"

namespace mettle {

void CancelHook::hook(CancelFlag& flag) {
  CHECK(slot_ == nullptr);
  next_ = flag.hooks;
  if (next_ != nullptr) next_->slot_ = &next_;
  flag.hooks = this;
  slot_ = &flag.hooks;
}

void CancelHook::unhook() {
  if (slot_ == nullptr) return;
  *slot_ = next_;
  if (next_ != nullptr) next_->slot_ = slot_;
  slot_ = nullptr;
  next_ = nullptr;
}

Context::Context(Core& core, Seams& seams, int64_t deadline_us)
    : Context(core, seams, deadline_us, std::make_shared<CancelFlag>()) {}

Context::Context(Core& core, Seams& seams, int64_t deadline_us, std::shared_ptr<CancelFlag> cancel)
    : core_(&core), seams_(&seams), deadline_us_(deadline_us), cancel_(std::move(cancel)) {
  CHECK(cancel_ != nullptr);
}

int64_t Context::remaining_us() const {
  if (deadline_us_ == INT64_MAX) return INT64_MAX;
  return std::max<int64_t>(deadline_us_ - seams_->clock->monotonic_us(), 0);
}

Result<> Context::alive() const {
  if (cancel_->cancelled.load(std::memory_order_relaxed)) {
    return fail(Code::kCancelled, "the request was given up");
  }
  if (deadline_us_ != INT64_MAX && seams_->clock->monotonic_us() >= deadline_us_) {
    return fail(Code::kDeadlineExceeded, "the time allowed for the request is over");
  }
  return {};
}

void Context::cancel() {
  cancel_->cancelled.store(true, std::memory_order_relaxed);
  if (!core_->is_current()) {
    // The hooks belong to the core. The copy of the context keeps the flag alive until then.
    core_->post([copy = *this]() mutable { copy.cancel(); });
    return;
  }
  while (CancelHook* const hook = cancel_->hooks) {
    hook->unhook();
    hook->on_cancel();
  }
}

Context Context::child(int64_t timeout_us) const {
  Context child = *this;
  const int64_t now_us = seams_->clock->monotonic_us();
  if (timeout_us < deadline_us_ - now_us) child.deadline_us_ = now_us + timeout_us;
  child.rows = 0;
  child.statements = 0;
  return child;
}

Context Context::detached() const {
  Context detached(*core_, *seams_, INT64_MAX);
  detached.request_id = request_id;
  detached.trace = trace;
  return detached;
}

}  // namespace mettle

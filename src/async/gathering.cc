#include "async/gathering.h"

#include <utility>

#include "async/parker.h"

namespace mettle {

Task<> Gathering::wait() {
  const int64_t now_us = core_.seams().clock->monotonic_us();
  if (count_ == 0) began_us_ = now_us;
  if (count_ + 1 == kTogether || now_us - began_us_ >= kPatienceUs) {
    // Each of them runs here until it waits again; the turn of this one is measured without them.
    core_.turn_ends();
    release();
    core_.turn_begins();
    co_return;
  }
  Parker parker(core_);
  waiting_[count_++] = &parker;
  if (!std::exchange(posted_, true)) core_.post(this);
  co_await parker.park_to_end();
  core_.turn_begins();
}

void Gathering::run() {
  posted_ = false;
  release();
}

void Gathering::drop() {
  posted_ = false;
  const size_t count = std::exchange(count_, 0);
  for (size_t i = 0; i < count; ++i) waiting_[i]->wake();
}

void Gathering::release() {
  // Whoever goes on may come back here at once, with its next answer.
  const std::array<Parker*, kTogether> released = waiting_;
  const size_t count = std::exchange(count_, 0);
  for (size_t i = 0; i < count; ++i) released[i]->wake_now();
}

}  // namespace mettle

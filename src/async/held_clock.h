// HeldClock: time that stands still until a test moves it. Any thread.
//
//   HeldClock clock;
//   Seams seams = clock.seams();
//   clock.advance(std::chrono::seconds(30));
//   core.wake_timers();
#pragma once

#include <atomic>
#include <chrono>

#include "base/seams.h"

namespace mettle {

class HeldClock final : public Clock {
 public:
  Timestamp now() override { return Timestamp{kStartUs + now_us_.load()}; }
  int64_t monotonic_us() override { return now_us_.load(); }
  void advance(std::chrono::microseconds by) { now_us_ += by.count(); }
  // The system's seams with this clock in place of its own.
  Seams seams() { return Seams{this, system_seams().random, system_seams().process}; }

 private:
  static constexpr int64_t kStartUs = 1'767'225'600'000'000;  // 2026-01-01T00:00:00Z
  std::atomic<int64_t> now_us_{1'000'000};
};

}  // namespace mettle

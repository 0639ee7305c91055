// What a statement may spend before SQLite is told to stop: VM operations (on a core), time (on the
// pool and the writer), the request's deadline and its cancel flag. One per connection; used by the
// thread that steps it.
#pragma once

#include <cstdint>
#include <utility>

#include "async/context.h"
#include "base/result.h"
#include "base/seams.h"

namespace mettle::db {

struct Limits {
  int64_t ops_max = INT64_MAX;
  int64_t time_us = INT64_MAX;      // from start()
  int64_t deadline_us = INT64_MAX;  // monotonic, the request's
  const CancelFlag* cancel = nullptr;
};

class Budget {
 public:
  static constexpr int kOpsPerTick = 1000;  // 10-20 µs of cheap operations

  enum class Spent : uint8_t { kNo, kOps, kTime, kDeadline, kCancelled };

  explicit Budget(Clock& clock) : clock_(clock) {}

  void start(const Limits& limits);
  // Between start() and stop() only are operations counted; spent() stays.
  void stop() { active_ = false; }
  bool set_active(bool active) { return std::exchange(active_, active); }  // the former
  // After kOpsPerTick operations; true stops the statement. Stays true until the next start().
  bool tick();
  Spent spent() const { return spent_; }
  // The error for what is spent. REQUIRES: spent() is not kNo.
  Error error() const;

 private:
  Clock& clock_;
  Limits limits_;
  int64_t ops_ = 0;
  int64_t until_us_ = INT64_MAX;
  bool active_ = false;
  Spent spent_ = Spent::kNo;
};

}  // namespace mettle::db

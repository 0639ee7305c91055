#include "db/sqlite/budget.h"

#include "base/check.h"

namespace mettle::db {

void Budget::start(const Limits& limits) {
  limits_ = limits;
  ops_ = 0;
  spent_ = Spent::kNo;
  active_ = true;
  // The clock is read only where a limit is in time: a point read pays nothing for it.
  until_us_ = limits.time_us == INT64_MAX ? INT64_MAX : clock_.monotonic_us() + limits.time_us;
}

bool Budget::tick() {
  if (!active_) return false;
  if (spent_ != Spent::kNo) return true;
  ops_ += kOpsPerTick;
  if (limits_.cancel != nullptr && limits_.cancel->cancelled.load(std::memory_order_relaxed)) {
    spent_ = Spent::kCancelled;
  } else if (ops_ > limits_.ops_max) {
    spent_ = Spent::kOps;
  } else if (until_us_ != INT64_MAX || limits_.deadline_us != INT64_MAX) {
    int64_t now = clock_.monotonic_us();
    if (now >= limits_.deadline_us) {
      spent_ = Spent::kDeadline;
    } else if (now >= until_us_) {
      spent_ = Spent::kTime;
    }
  }
  return spent_ != Spent::kNo;
}

Error Budget::error() const {
  switch (spent_) {
    case Spent::kCancelled:
      return make_error(Code::kCancelled, "the request was given up");
    case Spent::kDeadline:
      return make_error(Code::kDeadlineExceeded, "the request's time is over");
    case Spent::kTime:
      return make_error(Code::kStatementTimeout,
                        fmt::format("a statement may take {} ms: narrow the filter or page through",
                                    limits_.time_us / 1000));
    case Spent::kOps:
      return make_error(Code::kStatementTimeout,
                        fmt::format("a statement may take {} operations", limits_.ops_max));
    case Spent::kNo:
      break;
  }
  CHECK(spent_ != Spent::kNo);
  return {};
}

}  // namespace mettle::db

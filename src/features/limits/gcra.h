// The arithmetic of a limit: the generic cell rate algorithm (ITU-T I.371). Each thing counted owes
// one interval of time; the debt shrinks as time passes, and none may be larger than the burst. So
// all that is kept of a key is one time: when it owes nothing any more. A key that owes nothing is
// as one that never came.
//
// That is the same as: in no stretch of time do more pass than the burst and what the rate gives in
// that time (gcra_test.cc holds it against just that). Pure functions, nanoseconds, any thread.
#pragma once

#include <algorithm>
#include <cstdint>

namespace mettle::limits {

struct Gcra {
  int64_t interval_ns = 1;  // what one owes
  int64_t burst_ns = 1;     // the largest debt

  bool allows(int64_t debt_ns, int64_t count) const {
    return debt_ns + count * interval_ns <= burst_ns;
  }
  // Until `count` more are allowed; 0: now. Never, where they are more than the burst.
  int64_t wait_ns(int64_t debt_ns, int64_t count) const {
    return std::max<int64_t>(debt_ns + count * interval_ns - burst_ns, 0);
  }
  int64_t left(int64_t debt_ns) const {
    return std::max<int64_t>(burst_ns - debt_ns, 0) / interval_ns;
  }
};

inline int64_t debt_at(int64_t free_at_ns, int64_t now_ns) {
  return std::max<int64_t>(free_at_ns - now_ns, 0);
}

}  // namespace mettle::limits

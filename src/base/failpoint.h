// Fail points: named places in the code where a test may make the program die, fail or wait, so
// that recovery is tested at each step of a commit and not only where a kill happens to land.
//
//   FAIL_POINT("commit.before_sync");      in a function that returns a Result
//   CO_FAIL_POINT("commit.before_sync");   in a coroutine that returns one
//   FAIL_POINT_VOID("commit.after_sync");  elsewhere: cannot give an error, only die or wait
//
// The environment arms them: METTLE_FAIL=name:action[:nth][,…]. Actions: crash (SIGKILL to
// oneself), error (kUnavailable), delay (100 ms) or delay=DURATION. With nth only the nth time the
// point is passed, else every time.
//
// Compiled in where METTLE_FAIL_POINTS is defined (Debug builds; -DMETTLE_FAIL_POINTS=ON): one
// relaxed load while unarmed. Elsewhere nothing at all. Any thread; arm before threads start.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mettle {

enum class FailAction : uint8_t { kNone, kCrash, kError, kDelay };

// One place; lives in a section of its own, so that all are known without having been passed.
struct FailPoint {
  const char* name;
  std::atomic<FailAction> action{FailAction::kNone};
  std::atomic<uint32_t> nth{0};  // 0: every time
  std::atomic<uint32_t> passed{0};
  std::atomic<int64_t> delay_us{0};
};

// What an armed point does; the error if that is its action.
std::optional<Error> pass_fail_point(FailPoint& point);

// The names of all in this program, sorted; empty where they are not compiled in.
std::vector<std::string> all_fail_points();
// Arms as METTLE_FAIL would say; kUsage for a wrong form, an unknown name, or where they are not
// compiled in. An empty text arms nothing.
Result<> arm_fail_points(std::string_view text);
// Reads METTLE_FAIL. The program calls it once, first thing.
Result<> arm_fail_points_from_environment();
void disarm_fail_points();

}  // namespace mettle

#ifdef METTLE_FAIL_POINTS
// Entries must lie side by side: no sanitizer may put red zones between them.
#define METTLE_FAIL_POINT_(id, name)                                                \
  __attribute__((section("mettle_fail_points"), used,                               \
                 no_sanitize("address"))) static constinit ::mettle::FailPoint id { \
    name                                                                            \
  }
#define METTLE_FAIL_POINT_PASS_(ret, id, error, name)                                          \
  METTLE_FAIL_POINT_(id, name);                                                                \
  if (id.action.load(std::memory_order_relaxed) != ::mettle::FailAction::kNone) [[unlikely]] { \
    if (auto error = ::mettle::pass_fail_point(id)) ret ::mettle::fail(std::move(*error));     \
  }                                                                                            \
  static_assert(true)
#define FAIL_POINT(name)                                                \
  METTLE_FAIL_POINT_PASS_(return, METTLE_CONCAT(fail_point_, __LINE__), \
                                METTLE_CONCAT(fail_error_, __LINE__), name)
#define CO_FAIL_POINT(name)                                                \
  METTLE_FAIL_POINT_PASS_(co_return, METTLE_CONCAT(fail_point_, __LINE__), \
                          METTLE_CONCAT(fail_error_, __LINE__), name)
#define METTLE_FAIL_POINT_VOID_(id, name)                                                    \
  METTLE_FAIL_POINT_(id, name);                                                              \
  if (id.action.load(std::memory_order_relaxed) != ::mettle::FailAction::kNone) [[unlikely]] \
  static_cast<void>(::mettle::pass_fail_point(id))
#define FAIL_POINT_VOID(name) METTLE_FAIL_POINT_VOID_(METTLE_CONCAT(fail_point_, __LINE__), name)
#else
#define FAIL_POINT(name) static_assert(true)
#define CO_FAIL_POINT(name) static_assert(true)
#define FAIL_POINT_VOID(name) static_assert(true)
#endif

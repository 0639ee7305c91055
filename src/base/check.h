// CHECK states an invariant of our own code and stays on in release: a broken one prints where and
// aborts, and recovery starts from what is on disk. Input from outside never reaches a CHECK; it
// gets an Error.
#pragma once

namespace mettle {
[[noreturn]] void check_failed(const char* expression, const char* file, int line);
}  // namespace mettle

#define CHECK(condition) \
  (static_cast<bool>(condition) ? void(0) : ::mettle::check_failed(#condition, __FILE__, __LINE__))
#ifdef NDEBUG
#define DCHECK(condition) void(0)
#else
#define DCHECK(condition) CHECK(condition)
#endif

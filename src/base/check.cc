#include "base/check.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace mettle {

// Writes with one system call and no allocation: the heap may be what is broken.
void check_failed(const char* expression, const char* file, int line) {
  char text[512];
  const int length =
      std::snprintf(text, sizeof(text), "CHECK failed: %s at %s:%d\n", expression, file, line);
  const size_t size = length < 0 ? 0 : std::min(static_cast<size_t>(length), sizeof(text) - 1);
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, size);
  std::abort();
}

}  // namespace mettle

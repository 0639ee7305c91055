// The seams through which time, randomness and the end of the process enter, so that a test or the
// simulator holds them. Production code takes a Seams&; nothing else may call the operating
// system's clock or generator (tools/lint.py).
#pragma once

#include <cstdint>
#include <span>

#include "base/value.h"

namespace mettle {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() = 0;         // wall clock, UTC; may jump
  virtual int64_t monotonic_us() = 0;  // never goes back; only differences mean something
};

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(
      std::span<uint8_t> out) = 0;  // cryptographically secure in production; thread-safe
  uint64_t next();                  // 64 uniform bits
};

class Process {
 public:
  virtual ~Process() = default;
  [[noreturn]] virtual void exit_now(int code) = 0;  // no destructors, no flush: as a crash
};

struct Seams {
  Clock* clock;
  Random* random;
  Process* process;
};

// The operating system's own. Any thread.
Seams& system_seams();

}  // namespace mettle

// Seams for tests and the simulator: time stands still until it is told to move, randomness follows
// from a seed, and the end of the process is a recorded call. One thread.
#pragma once

#include <cstdint>
#include <span>

#include "base/check.h"
#include "base/seams.h"

namespace mettle {

class FakeClock final : public Clock {
 public:
  explicit FakeClock(Timestamp now = {1'767'225'600'000'000}) : now_(now) {}  // 2026-01-01
  Timestamp now() override { return now_; }
  int64_t monotonic_us() override { return monotonic_us_; }

  void advance_us(int64_t us) {
    now_.us += us;
    monotonic_us_ += us;
  }
  void set_wall(Timestamp now) { now_ = now; }  // as when an operator sets the clock

 private:
  Timestamp now_;
  int64_t monotonic_us_ = 1'000'000;
};

class FakeRandom final : public Random {  // splitmix64
 public:
  explicit FakeRandom(uint64_t seed = 1) : state_(seed) {}
  void fill(std::span<uint8_t> out) override {
    for (uint8_t& byte : out) {
      if (left_ == 0) {
        state_ += 0x9e3779b97f4a7c15;
        bits_ = (state_ ^ (state_ >> 30)) * 0xbf58476d1ce4e5b9;
        bits_ = (bits_ ^ (bits_ >> 27)) * 0x94d049bb133111eb;
        bits_ ^= bits_ >> 31;
        left_ = 8;
      }
      byte = static_cast<uint8_t>(bits_ >> (8 * --left_));
    }
  }

 private:
  uint64_t state_;
  uint64_t bits_ = 0;
  int left_ = 0;
};

// Throws instead of ending the process: an int, the code, for the test to catch.
class FakeProcess final : public Process {
 public:
  // lint: allow throw because a test must see the end of the process without ending
  [[noreturn]] void exit_now(int code) override { throw code; }
};

struct FakeSeams {
  FakeClock clock;
  FakeRandom random;
  FakeProcess process;
  Seams seams{&clock, &random, &process};
};

}  // namespace mettle

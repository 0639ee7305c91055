// The dice of a simulated run: every choice of the world and of the disk comes from one of these,
// made from the seed, so that the same seed makes the same choices. One thread; nanoseconds a
// throw; cannot fail.
#pragma once

#include <cstdint>

namespace mettle::sim {

class Choice {  // xorshift64*, seeded by splitmix64
 public:
  explicit Choice(uint64_t seed) {
    seed += 0x9e3779b97f4a7c15;
    seed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
    seed = (seed ^ (seed >> 27)) * 0x94d049bb133111eb;
    state_ = (seed ^ (seed >> 31)) | 1;
  }
  uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1d;
  }
  // 0 … below-1.
  int64_t below(int64_t below) {
    return static_cast<int64_t>((next() >> 33) % static_cast<uint64_t>(below));
  }
  // from … to, both included.
  int64_t between(int64_t from, int64_t to) { return from + below(to - from + 1); }
  bool percent(int64_t chance) { return below(100) < chance; }

 private:
  uint64_t state_;
};

}  // namespace mettle::sim

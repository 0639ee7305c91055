// Dice: the one source of chance of the twin worlds; everything follows from its seed. One thread;
// does not fail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace mettle::twins {

class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}

  uint64_t next() {  // splitmix64
    state_ += 0x9e3779b97f4a7c15;
    uint64_t bits = (state_ ^ (state_ >> 30)) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
    return bits ^ (bits >> 31);
  }
  int64_t from(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(next() % static_cast<uint64_t>(most - least + 1));
  }
  bool percent(int64_t chance) { return from(1, 100) <= chance; }
  size_t index(size_t size) { return static_cast<size_t>(next() % size); }
  template <class T>
  const T& one_of(const std::vector<T>& from) {
    return from[index(from.size())];
  }
  template <class T>
  void shuffle(std::vector<T>& list) {
    for (size_t i = list.size(); i > 1; --i) std::swap(list[i - 1], list[index(i)]);
  }

 private:
  uint64_t state_;
};

// A seed of its own for each part of a run, so that a part can be repeated alone.
inline uint64_t seed_of(uint64_t seed, std::string_view what, uint64_t number) {
  uint64_t made = seed * 0x9e3779b97f4a7c15 + number;
  for (const char c : what) made = (made ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return made;
}

}  // namespace mettle::twins

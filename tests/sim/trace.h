// The trace of a simulated run: every decision, every operation of the disk and every outcome, as a
// running hash, so that two runs of one seed can be compared; printed, too, where asked for. One
// thread; about 100 ns an event.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace mettle::sim {

uint64_t hash_bytes(std::string_view bytes, uint64_t from = 0x9ae16a3b2f90404f);

class Trace {
 public:
  explicit Trace(bool prints) : prints_(prints) {}
  // `text` is hashed whole and printed in part.
  void event(std::string_view what, std::initializer_list<int64_t> numbers = {},
             std::string_view text = {});
  uint64_t hash() const { return hash_; }
  int64_t events() const { return events_; }

 private:
  const bool prints_;
  uint64_t hash_ = 1;
  int64_t events_ = 0;
};

}  // namespace mettle::sim

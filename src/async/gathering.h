// Gathering: where coroutines of one core wait until all that is ready has run, to go on together.
// Connections send their answers so: to wake a client on the same machine costs the sender about
// as much as a small answer does, and one that is awake already takes the others' for nothing.
//
// The core's thread only. A wait lasts as long as the turn of the loop, but no longer than the
// first of kTogether, or than kPatienceUs as far as another comes by to see it; where nothing else
// is ready, that is at once. Costs a node in the core's queue a turn and no allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "async/core.h"
#include "async/task.h"

namespace mettle {

class Parker;

class Gathering final : private Posted {
 public:
  static constexpr size_t kTogether = 16;
  static constexpr int64_t kPatienceUs = 500;

  explicit Gathering(Core& core) : core_(core) {}

  Task<> wait();
  // Those who wait go on now, one after the other. REQUIRES: as Parker::wake_now.
  void release();

 private:
  void run() override;
  void drop() override;

  Core& core_;
  bool posted_ = false;
  std::array<Parker*, kTogether> waiting_{};
  size_t count_ = 0;      // in waiting_
  int64_t began_us_ = 0;  // when the first of them came
};

}  // namespace mettle

// The bound on work in flight of one core, which follows what the core and the store can take:
// better to answer 503 at once than everybody late.
//
// Two signals. How late the loop runs its timers is how long ready work stands in its queue: when
// even the least delay of a window is over the target, the core has more than it can do. Then the
// bounds shrink, and a growing share of what arrives is shed, since work that never waits (reads
// answered inline) is in no bound. And a store that refuses writes shrinks the bound of writes
// alone. Windows without either let all grow back (additive increase, multiplicative decrease).
//
// The core's own thread; the counters may be read by any.
#pragma once

#include <atomic>
#include <cstdint>

namespace mettle::engine {

inline constexpr int64_t kOverloadWindowUs = 100'000;
inline constexpr int64_t kOverloadSampleUs = 10'000;

class Overload {
 public:
  struct Options {
    int64_t in_flight_max = 1024;
    int64_t delay_target_us = 50'000;
  };
  enum class Work : uint8_t { kRead, kWrite };

  explicit Overload(Options options);

  // Whether a request may begin; if so, done() must follow.
  bool admit(Work work);
  // `refused`: the store said that it is overloaded.
  void done(Work work, bool refused);
  // One measurement of the loop's delay.
  void sample(int64_t now_us, int64_t delay_us);

  int64_t in_flight() const;
  int64_t bound(Work work) const { return lane(work).bound.load(std::memory_order_relaxed); }
  uint64_t shed() const { return shed_.load(std::memory_order_relaxed); }
  int64_t delay_us() const { return last_delay_us_.load(std::memory_order_relaxed); }

 private:
  struct Lane {
    std::atomic<int64_t> in_flight{0};
    std::atomic<int64_t> bound{0};
    bool refused = false;
  };
  const Lane& lane(Work work) const { return lanes_[static_cast<int>(work)]; }
  Lane& lane(Work work) { return lanes_[static_cast<int>(work)]; }
  void close_window();
  bool shed_by_share();

  const Options options_;
  Lane lanes_[2];
  std::atomic<uint64_t> shed_{0};
  std::atomic<int64_t> last_delay_us_{0};
  int64_t window_began_us_ = 0;
  int64_t least_delay_us_ = INT64_MAX;
  int share_ = 0;       // of 16 requests, shed while the loop is late
  int share_debt_ = 0;  // spreads them evenly
};

}  // namespace mettle::engine

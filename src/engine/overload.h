// The bound on work in flight of one core, which follows what the core and the store can take:
// better to refuse some than to answer everybody late.
//
// Two signals. How late the loop runs its timers is how long ready work stands in its queue: when
// even the least delay of a window is over the target, the core has more than it can do, and of
// what arrives while it is late a growing share is shed, since work that never waits (reads
// answered inline) is in no bound. When it is over twice the target, the bounds shrink, too. And a
// store that refuses writes shrinks the bound of writes alone. Windows without either let all grow
// back (additive increase, multiplicative decrease).
//
// What is refused, anonymous requests are before those that bear credentials: they pay the share
// as long as there are enough of them, and an eighth of each bound is not theirs. (Whether the
// credentials hold is not known yet: that costs more than to refuse.) Probes are not asked here.
//
// To refuse costs nearly half of what it costs to answer: receiving and sending are most of both.
// A client that asks again at once would have the core do nothing else. So refusals leave at a
// pace: some thousand a second at once, the others' answers are held until it is their turn,
// while nothing is read from their connections. What the core cannot take then waits with those who
// send it, and the core's time goes into answers.
//
// The core's own thread; the counters may be read by any.
#pragma once

#include <atomic>
#include <cstdint>

namespace mettle::engine {

inline constexpr int64_t kOverloadWindowUs = 100'000;
inline constexpr int64_t kOverloadSampleUs = 10'000;
inline constexpr int64_t kRefusalPaceUs = 400;   // 2,500 a second: about a twentieth of a core
inline constexpr int64_t kRefusalsAtOnce = 250;  // ahead of the pace, before any is held
inline constexpr int64_t kHoldMaxUs = 800'000;   // who waits a second for an answer gets it

class Overload {
 public:
  struct Options {
    int64_t in_flight_max = 1024;
    int64_t delay_target_us = 50'000;
  };
  enum class Work : uint8_t { kRead, kWrite };
  enum class Rank : uint8_t { kAnonymous, kCredentials };

  explicit Overload(Options options);

  // Whether a request may begin; if so, done() must follow.
  bool admit(Work work, Rank rank = Rank::kAnonymous);
  // `refused`: the store said that it is overloaded.
  void done(Work work, bool refused);
  // For how long the answer to a request that was shed just now is to be held; takes its turn.
  int64_t take_hold_us(int64_t now_us);
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
  bool shed_by_share(Rank rank);

  const Options options_;
  Lane lanes_[2];
  std::atomic<uint64_t> shed_{0};
  std::atomic<int64_t> last_delay_us_{0};
  int64_t window_began_us_ = 0;
  int64_t least_delay_us_ = INT64_MAX;
  int share_ = 0;                // of 64 requests, shed while the loop is late
  int share_debt_ = 0;           // spreads them evenly
  int64_t refusals_due_us_ = 0;  // when those so far have left at their pace
};

}  // namespace mettle::engine

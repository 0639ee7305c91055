#include "engine/overload.h"

#include <algorithm>

namespace mettle::engine {
namespace {

constexpr int64_t kBoundMin = 8;
constexpr int kShareWhole = 16;
constexpr int kShareMax = 15;  // something always gets through, or nothing would show the end

void count(std::atomic<int64_t>& value, int64_t by) {
  // One thread writes: no locked instruction is needed.
  value.store(value.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

}  // namespace

Overload::Overload(Options options) : options_(options) {
  for (Lane& each : lanes_) each.bound = options.in_flight_max;
}

bool Overload::shed_by_share() {
  share_debt_ += share_;
  if (share_debt_ < kShareWhole) return false;
  share_debt_ -= kShareWhole;
  return true;
}

bool Overload::admit(Work work) {
  Lane& of = lane(work);
  if (of.in_flight.load(std::memory_order_relaxed) >= of.bound.load(std::memory_order_relaxed) ||
      shed_by_share()) {
    shed_.store(shed() + 1, std::memory_order_relaxed);
    return false;
  }
  count(of.in_flight, 1);
  return true;
}

void Overload::done(Work work, bool refused) {
  Lane& of = lane(work);
  count(of.in_flight, -1);
  of.refused = of.refused || refused;
}

int64_t Overload::in_flight() const {
  return lanes_[0].in_flight.load(std::memory_order_relaxed) +
         lanes_[1].in_flight.load(std::memory_order_relaxed);
}

void Overload::sample(int64_t now_us, int64_t delay_us) {
  last_delay_us_.store(delay_us, std::memory_order_relaxed);
  // After a pause the old window says nothing any more.
  if (now_us - window_began_us_ > 4 * kOverloadWindowUs + delay_us) {
    window_began_us_ = now_us - delay_us;
    least_delay_us_ = INT64_MAX;
  }
  least_delay_us_ = std::min(least_delay_us_, delay_us);
  if (now_us - window_began_us_ < kOverloadWindowUs) return;
  close_window();
  window_began_us_ = now_us;
  least_delay_us_ = INT64_MAX;
}

void Overload::close_window() {
  const bool late = least_delay_us_ > options_.delay_target_us;
  share_ = std::clamp(share_ + (late ? 1 : -2), 0, kShareMax);
  const int64_t least = std::min(kBoundMin, options_.in_flight_max);
  for (Lane& each : lanes_) {
    const int64_t bound = each.bound.load(std::memory_order_relaxed);
    const int64_t next =
        late || each.refused ? bound - std::max<int64_t>(bound / 8, 1) : bound + bound / 16 + 1;
    each.bound.store(std::clamp(next, least, options_.in_flight_max), std::memory_order_relaxed);
    each.refused = false;
  }
}

}  // namespace mettle::engine

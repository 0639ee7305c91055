#include "engine/overload.h"

#include <algorithm>

namespace mettle::engine {
namespace {

constexpr int64_t kBoundMin = 8;
constexpr int kShareWhole = 64;
constexpr int kShareStepMax = 8;
constexpr int kShareMax = 60;  // something always gets through, or nothing would show the end
// How many refusals anonymous requests may owe before others pay for them.
constexpr int kOwedByAnonymous = 8;
constexpr int64_t kReservedPart = 8;  // of a bound: not for anonymous ones

void count(std::atomic<int64_t>& value, int64_t by) {
  // One thread writes: no locked instruction is needed.
  value.store(value.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

}  // namespace

Overload::Overload(Options options) : options_(options) {
  for (Lane& each : lanes_) each.bound = options.in_flight_max;
}

bool Overload::shed_by_share(Rank rank) {
  // The share lags behind by some windows; a core that has caught up must not stand idle for it.
  if (delay_us() <= options_.delay_target_us) return false;
  if (share_ == 0) {
    share_debt_ = 0;
    return false;
  }
  constexpr int kOwedMax = kShareWhole * (kOwedByAnonymous + 1);
  share_debt_ = std::min(share_debt_ + share_, kOwedMax);
  const int pays_from =
      rank == Rank::kAnonymous ? kShareWhole : kShareWhole * (1 + kOwedByAnonymous) - kShareMax;
  if (share_debt_ < pays_from) return false;
  share_debt_ -= kShareWhole;
  return true;
}

bool Overload::admit(Work work, Rank rank) {
  Lane& of = lane(work);
  const int64_t running = of.in_flight.load(std::memory_order_relaxed);
  const int64_t bound = of.bound.load(std::memory_order_relaxed);
  const int64_t reserved = rank == Rank::kAnonymous ? bound / kReservedPart : 0;
  if (running >= bound - reserved || shed_by_share(rank)) {
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

int64_t Overload::take_hold_us(int64_t now_us) {
  refusals_due_us_ = std::max(refusals_due_us_, now_us) + kRefusalPaceUs;
  refusals_due_us_ = std::min(refusals_due_us_, now_us + kHoldMaxUs);
  const int64_t ahead_us = refusals_due_us_ - now_us;
  return ahead_us > kRefusalsAtOnce * kRefusalPaceUs ? ahead_us : 0;
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
    share_ = 0;
  }
  least_delay_us_ = std::min(least_delay_us_, delay_us);
  if (now_us - window_began_us_ < kOverloadWindowUs) return;
  close_window();
  window_began_us_ = now_us;
  least_delay_us_ = INT64_MAX;
}

void Overload::close_window() {
  const int64_t target_us = options_.delay_target_us;
  const bool late = least_delay_us_ > target_us;
  const bool far_too_late = least_delay_us_ > 2 * target_us;
  // The further from the target, the longer the step: a quarter of the target is one.
  const auto quarters = static_cast<int>(std::clamp<int64_t>(
      (least_delay_us_ - target_us) * 4 / target_us, -kShareStepMax, kShareStepMax));
  share_ =
      std::clamp(share_ + (late ? std::max(quarters, 1) : std::min(quarters, -1)), 0, kShareMax);
  const int64_t least = std::min(kBoundMin, options_.in_flight_max);
  for (Lane& each : lanes_) {
    const int64_t bound = each.bound.load(std::memory_order_relaxed);
    int64_t next = bound;
    if (far_too_late || each.refused) {
      next -= std::max<int64_t>(bound / 8, 1);
    } else if (!late) {
      next += bound / 16 + 1;
    }
    each.bound.store(std::clamp(next, least, options_.in_flight_max), std::memory_order_relaxed);
    each.refused = false;
  }
}

}  // namespace mettle::engine

#include "engine/core_state.h"

#include <algorithm>

namespace mettle::engine {

void LoopProbe::request_came() {
  busy_ = true;
  if (!armed()) {
    core_.timers().arm_precise(*this, core_.seams().clock->monotonic_us() + kOverloadSampleUs);
  }
}

void LoopProbe::on_time() {
  const int64_t now_us = core_.seams().clock->monotonic_us();
  overload_.sample(now_us, std::max<int64_t>(now_us - due_us(), 0));
  if (!busy_ && overload_.in_flight() == 0) return;
  busy_ = false;
  core_.timers().arm_precise(*this, now_us + kOverloadSampleUs);
}

CoreState::CoreState(Core& core_in, Shared& shared_in)
    : core(core_in),
      shared(shared_in),
      addresses(
          ClientAddresses::of(shared_in.config.trusted_proxies, shared_in.config.forwarded_header)),
      overload({shared_in.config.in_flight_max, shared_in.config.overload_delay_us}),
      probe(core_in, overload),
      ids(shared_in.seams) {}

}  // namespace mettle::engine

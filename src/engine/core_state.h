// What the engine keeps of each core: the snapshot that its next request gets, its bound on work,
// its ids. Belongs to the core; only `draining` and the counters of `overload` are read by others.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "async/blocking.h"
#include "async/core.h"
#include "async/scope.h"
#include "async/timers.h"
#include "base/id.h"
#include "engine/authenticator.h"
#include "engine/client_address.h"
#include "engine/config.h"
#include "engine/observer.h"
#include "engine/overload.h"
#include "engine/snapshot.h"

namespace mettle::engine {

// Set before the cores run, the same for all.
struct Shared {
  Seams& seams;
  Config config;
  Authenticator* authenticator = nullptr;
  std::vector<RequestObserver*> observers;
  BlockingPool* pool = nullptr;  // for what would hold up a core; nullptr: done on it
  std::atomic<bool> draining{false};
};

// Measures how late the loop runs its timers, as long as there are requests: an idle server sleeps.
class LoopProbe final : public Timer {
 public:
  LoopProbe(Core& core, Overload& overload) : core_(core), overload_(overload) {}
  void request_came();
  void on_time() override;

 private:
  Core& core_;
  Overload& overload_;
  bool busy_ = false;  // a request came since the last sample
};

struct CoreState {
  CoreState(Core& core_in, Shared& shared_in);

  Core& core;
  Shared& shared;
  const ClientAddresses addresses;
  std::shared_ptr<const Snapshot> snapshot;
  Overload overload;
  LoopProbe probe;
  IdGenerator ids;
};

}  // namespace mettle::engine

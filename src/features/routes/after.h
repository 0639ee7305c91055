// Steps that run after the answer (`after:`): gathered on each core and written in groups, so that
// a click waits for no disk and costs a share of a commit. They are kept in memory until then: an
// orderly stop writes them, a crash loses what came in the last tenth of a second. Each entry is a
// part of the group's transaction that can fail by itself; its failure is logged.
//
// put() is called on a core; attach() before the cores run, finish() on a thread that is no core.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/scope.h"
#include "async/timers.h"
#include "base/id.h"
#include "features/routes/route_code.h"
#include "records/change.h"

namespace mettle::routes {

inline constexpr size_t kGroup = 256;           // entries written at once
inline constexpr int64_t kLingerUs = 100'000;   // an entry waits no longer for others
inline constexpr int64_t kRetryUs = 1'000'000;  // when the store refused a group
inline constexpr size_t kWaitingMax = 100'000;  // of one core; what comes above is dropped, logged

struct AfterEntry {
  RouteRef code;
  records::Principal who;
  rules::Bindings names;  // what the route's steps left behind
  Timestamp at;           // of the request
  std::string request_id;
};

class AfterQueue {
 public:
  AfterQueue(Core& core, db::Store& store, const records::QueryLimits& limits);
  void put(AfterEntry entry);
  // Takes nothing more, writes what waits, then calls back, on the core.
  void finish(Callback done);
  Core& core() const { return core_; }

 private:
  class Linger final : public Timer {
   public:
    explicit Linger(AfterQueue& queue) : queue_(queue) {}
    void on_time() override { queue_.flush(); }

   private:
    AfterQueue& queue_;
  };
  void linger(int64_t us);
  void flush();
  Task<> write();
  // False: nothing more can be written now.
  Task<bool> write_group();

  Core& core_;
  db::Store& store_;
  const records::QueryLimits limits_;
  records::SharedIds ids_;
  Scope scope_;
  Linger linger_{*this};
  std::vector<AfterEntry> waiting_;
  bool writing_ = false;
  bool finishing_ = false;
};

// The queues of all cores.
class AfterWork {
 public:
  void attach(Core& core, db::Store& store, const records::QueryLimits& limits);
  // Of a core that was attached.
  AfterQueue& of(const Core& core) const;
  // Writes everything and waits for it. REQUIRES: the cores run, no request does.
  void finish();

 private:
  std::vector<std::unique_ptr<AfterQueue>> queues_;
};

}  // namespace mettle::routes

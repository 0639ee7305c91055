// Context: what everything that waits gets as its first parameter: how long it may take, whether it
// was given up, and whom to name in the log. Made once a request by the connection (or by a Scope
// for work in the background); lives on one core; children only shrink the deadline.
//
// Waiting on this core ends by itself when a context is cancelled or out of time (sleep_for,
// Completion::wait, blocking); work on another thread asks the shared CancelFlag.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/seams.h"

namespace mettle {

class Core;  // async/core.h: the event loop this runs on

// W3C trace context (Level 1): the ids that this request carries to its log lines and outgoing
// calls.
struct Trace {
  std::array<uint8_t, 16> trace_id{};
  std::array<uint8_t, 8> span_id{};
  bool sampled = false;
  std::string state;  // tracestate, passed on as it came
};

// Told when a context is cancelled, on the core's thread. Must not resume a coroutine from within;
// unhooks itself when destroyed.
class CancelHook {
 public:
  CancelHook() = default;
  CancelHook(const CancelHook&) = delete;
  CancelHook& operator=(const CancelHook&) = delete;
  virtual ~CancelHook() { unhook(); }
  virtual void on_cancel() = 0;  // already unhooked; may destroy this, hook or unhook others
  void hook(struct CancelFlag& flag);
  void unhook();

 private:
  friend class Context;
  CancelHook* next_ = nullptr;
  CancelHook** slot_ = nullptr;  // what points at this; nullptr when not hooked
};

// Shared with whoever works for the request on another thread (writer, scan pool): such a thread
// reads `cancelled` and nothing else.
struct CancelFlag {
  std::atomic<bool> cancelled{false};
  CancelHook* hooks = nullptr;  // the core's own
};

class Context {
 public:
  Context(Core& core, Seams& seams, int64_t deadline_us);
  // With a flag that outlives this one context (a scope's, a connection's).
  Context(Core& core, Seams& seams, int64_t deadline_us, std::shared_ptr<CancelFlag> cancel);

  Core& core() const { return *core_; }
  Seams& seams() const { return *seams_; }

  // Monotonic microseconds; INT64_MAX for none.
  int64_t deadline_us() const { return deadline_us_; }
  int64_t remaining_us() const;
  // The error to stop with (kCancelled, kDeadlineExceeded), or success.
  Result<> alive() const;

  // Gives up; whoever waits with this context on the core wakes with kCancelled. Any thread;
  // idempotent.
  void cancel();
  const std::shared_ptr<CancelFlag>& cancel_flag() const { return cancel_; }

  // The same request with at most `timeout_us` left; shares the cancel flag.
  Context child(int64_t timeout_us) const;
  // For work that outlives the request: no deadline, own cancel flag, same trace.
  Context detached() const;

  std::string request_id;  // as sent in X-Request-Id
  Trace trace;

  // Counted on the way, written to the request's log line.
  uint32_t rows = 0;
  uint32_t statements = 0;

 private:
  Core* core_;
  Seams* seams_;
  int64_t deadline_us_;
  std::shared_ptr<CancelFlag> cancel_;
};

}  // namespace mettle

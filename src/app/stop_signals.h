// SIGTERM and SIGINT (and SIGHUP, if asked for) as something to wait for. Made on the main thread
// before there is another, so that every thread leaves these signals to it.
#pragma once

#include <atomic>
#include <thread>

#include "base/seams.h"

namespace mettle::app {

class StopSignals {
 public:
  enum class Came : uint8_t { kNone, kStop, kReload };

  // `reload`: SIGHUP asks to read files again, instead of ending the process.
  explicit StopSignals(bool reload = false);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // What came within `timeout_ms` (-1: waits for it).
  Came wait(int timeout_ms);
  // From now on the next one ends the process at once: who asks twice does not want to wait.
  void exit_on_next(Process& process);

 private:
  int signals_ = -1;  // signalfd
  int ended_ = -1;    // eventfd
  std::thread impatient_;
};

}  // namespace mettle::app

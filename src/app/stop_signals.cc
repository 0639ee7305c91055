#include "app/stop_signals.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <system_error>

#include "base/check.h"

namespace mettle::app {
namespace {

constexpr int kExitImpatient = 130;  // as a shell reports SIGINT

bool readable(int fd, int timeout_ms) {
  pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&entry, 1, timeout_ms) == 1;
}

}  // namespace

StopSignals::StopSignals(bool reload) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  if (reload) sigaddset(&set, SIGHUP);
  CHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC);
  ended_ = eventfd(0, EFD_CLOEXEC);
  CHECK(signals_ >= 0 && ended_ >= 0);
  // A client that hangs up is an error of its connection, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
}

StopSignals::~StopSignals() {
  if (impatient_.joinable()) {
    CHECK(eventfd_write(ended_, 1) == 0);
    impatient_.join();
  }
  close(signals_);
  close(ended_);
}

StopSignals::Came StopSignals::wait(int timeout_ms) {
  if (!readable(signals_, timeout_ms)) return Came::kNone;
  signalfd_siginfo info{};
  if (read(signals_, &info, sizeof info) != sizeof info) return Came::kNone;
  return info.ssi_signo == SIGHUP ? Came::kReload : Came::kStop;
}

void StopSignals::exit_on_next(Process& process) {
  const auto watch = [this, &process] {
    pollfd entries[] = {{.fd = signals_, .events = POLLIN, .revents = 0},
                        {.fd = ended_, .events = POLLIN, .revents = 0}};
    for (;;) {
      while (poll(entries, 2, -1) < 0) {
      }
      if (entries[1].revents != 0) return;
      if (wait(0) == Came::kStop) process.exit_now(kExitImpatient);
    }
  };
  try {
    impatient_ = std::thread(watch);
  } catch (const std::system_error&) {
    // There is no memory for a thread. Then the kernel does it, on this thread.
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    CHECK(pthread_sigmask(SIG_UNBLOCK, &set, nullptr) == 0);
  }
}

}  // namespace mettle::app

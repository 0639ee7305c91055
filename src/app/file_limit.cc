#include "app/file_limit.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>

#include "base/log.h"

namespace mettle::app {
namespace {

// Standard streams, lock, signals, the store's own connections, files that are served.
constexpr rlim_t kFixed = 40;
constexpr rlim_t kOfCore = 10;  // loop, timers, sockets, the core's connection to the store

}  // namespace

Result<> provide_files(int64_t connections_max, unsigned cores) {
  const rlim_t least = kFixed + kOfCore * cores;
  const rlim_t wanted = least + static_cast<rlim_t>(connections_max);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
  if (limit.rlim_cur < wanted && limit.rlim_cur < limit.rlim_max) {
    rlimit raised = limit;
    raised.rlim_cur = std::min(wanted, limit.rlim_max);
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  if (limit.rlim_cur < least) {
    return fail(Code::kUnavailable,
                fmt::format("at most {} files may be open, at least {} are needed; raise the limit "
                            "(ulimit -n)",
                            limit.rlim_cur, least));
  }
  if (limit.rlim_cur < wanted) {
    LOG_WARN("fewer files may be open than connections_max needs; connections above will wait",
             {{"limit", static_cast<int64_t>(limit.rlim_cur)},
              {"needed", static_cast<int64_t>(wanted)}});
  }
  return {};
}

}  // namespace mettle::app

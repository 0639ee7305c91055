// How many processors this process may use: those of its affinity mask (taskset, cpuset), and no
// more than a container's quota pays for (cgroup v2 cpu.max, rounded up): a thread a processor of
// the machine would only take turns. At start-up; reads one file.
#pragma once

#include <string>

namespace mettle::engine {

// At least 1. `quota_file`: "MICROSECONDS PERIOD" or "max PERIOD"; one that is not there sets no
// quota.
unsigned usable_cpus(const std::string& quota_file = "/sys/fs/cgroup/cpu.max");

}  // namespace mettle::engine

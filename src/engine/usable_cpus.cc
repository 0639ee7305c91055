#include "engine/usable_cpus.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <thread>

namespace mettle::engine {

unsigned usable_cpus(const std::string& quota_file) {
  unsigned cpus = std::max(1U, std::thread::hardware_concurrency());
  cpu_set_t mask;
  if (::sched_getaffinity(0, sizeof(mask), &mask) == 0) {
    cpus = static_cast<unsigned>(std::max(1, CPU_COUNT(&mask)));
  }
  std::ifstream file(quota_file);
  double quota_us = 0;
  double period_us = 0;
  if (file >> quota_us >> period_us && quota_us > 0 && period_us > 0) {
    const double paid = (quota_us + period_us - 1) / period_us;
    if (paid < cpus) cpus = std::max(1U, static_cast<unsigned>(paid));
  }
  return cpus;
}

}  // namespace mettle::engine

#include "features/observe/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "engine/engine.h"

namespace mettle::observe {
namespace {

double resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  long total = 0, resident = 0;
  const int read = std::fscanf(file, "%ld %ld", &total, &resident);
  std::fclose(file);
  return read == 2 ? static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) : 0;
}

double max_fds() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<double>(limit.rlim_cur) : 0;
}

double open_fds() {
  DIR* folder = opendir("/proc/self/fd");
  // None is left to count them with: then all are open.
  if (folder == nullptr) return errno == EMFILE ? max_fds() : 0;
  int count = 0;
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count - 3;  // ".", ".." and this folder's own
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

void register_process_metrics(Metrics& registry, Seams& seams) {
  registry.callback_gauge("mettle_process_resident_memory_bytes", "Memory in use", {},
                          resident_bytes);
  registry.callback_gauge("mettle_process_open_fds", "Open file descriptors", {}, open_fds);
  registry.callback_gauge("mettle_process_max_fds", "File descriptors that may be open", {},
                          max_fds);
  registry.callback_counter("mettle_process_cpu_seconds", "Processor time used", {}, cpu_seconds);
  registry.gauge("mettle_process_start_time_seconds", "When the process started, since 1970 in UTC")
      .set(static_cast<double>(seams.clock->now().us) / 1e6);
}

void register_engine_metrics(Metrics& registry, const engine::Engine& engine) {
  registry
      .gauge("mettle_build_info", "Version of Mettle and of its store",
             {{"version", METTLE_VERSION},
              {"store", std::string(engine.store().engine())},
              {"store_version", engine.store().version()}})
      .set(1);
  registry.callback_gauge("mettle_http_connections", "Open connections", {},
                          [&engine] { return static_cast<double>(engine.connections()); });
  for (const auto& state : engine.core_states()) {
    const MetricLabels core = {{"core", std::to_string(state->core.index())}};
    const engine::Overload* overload = &state->overload;
    registry.callback_gauge("mettle_http_in_flight", "Requests worked on", core,
                            [overload] { return static_cast<double>(overload->in_flight()); });
    for (const auto work : {engine::Overload::Work::kRead, engine::Overload::Work::kWrite}) {
      MetricLabels labels = core;
      labels.emplace_back("work", work == engine::Overload::Work::kRead ? "read" : "write");
      registry.callback_gauge(
          "mettle_http_in_flight_bound", "Requests that may be worked on now, as the load allows",
          labels, [overload, work] { return static_cast<double>(overload->bound(work)); });
    }
    registry.callback_counter("mettle_http_shed", "Requests refused under overload", core,
                              [overload] { return static_cast<double>(overload->shed()); });
    registry.callback_gauge("mettle_loop_delay_seconds",
                            "How long ready work last stood in the queue of the event loop", core,
                            [overload] { return static_cast<double>(overload->delay_us()) / 1e6; });
    const Core* loop = &state->core;
    registry.callback_counter("mettle_loop_stalls", "Turns of the event loop that took too long",
                              core, [loop] { return static_cast<double>(loop->stalls()); });
  }
}

}  // namespace mettle::observe

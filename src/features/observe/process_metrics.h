// Figures of the process and of the engine, read when /metrics is asked for.
#pragma once

#include "base/metrics.h"
#include "base/seams.h"

namespace mettle::engine {
class Engine;
}

namespace mettle::observe {

// Memory, file descriptors, CPU, start time, version.
void register_process_metrics(Metrics& registry, Seams& seams);
// Connections, work in flight and its bound, shed requests, delay of each core. `engine` must live
// as long as the registry is asked.
void register_engine_metrics(Metrics& registry, const engine::Engine& engine);

}  // namespace mettle::observe

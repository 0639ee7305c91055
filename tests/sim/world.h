// One simulated run: a machine, its clients, and a scheduler that from a seed decides what happens
// next: who asks for what, when the writer takes a group, when a fault is armed, when the power
// goes. After each crash, and at the end, everything is held against the model. Milliseconds a run;
// one thread.
#pragma once

#include <optional>
#include <string>

#include "sim/clients.h"
#include "sim/machine.h"
#include "sim/model.h"

namespace mettle::sim {

struct RunOptions {
  uint64_t seed = 1;
  db::Synchronous synchronous = db::Synchronous::kFull;
  bool prints = false;  // the trace
  // No faults, crashes or jumps but these: for a sweep over every place of one kind.
  bool calm = false;
  std::optional<Plan> plan;
};

struct Outcome {
  uint64_t hash = 0;
  int64_t events = 0;
  int64_t steps = 0;
  std::array<int64_t, static_cast<size_t>(Op::kCount)> operations{};
  std::optional<std::string> violation;
};

// What every run begins with: the disk of a server that was opened once and stopped.
Disk::Image make_image(const App& app);

Outcome run(const App& app, const Disk::Image& image, const RunOptions& options, Counts& counts);

}  // namespace mettle::sim

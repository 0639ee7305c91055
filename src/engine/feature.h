// A feature: a vertical slice under src/features that the engine knows only through this interface.
// app/feature_list.cc names them all, in the order they start; they stop in reverse.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/route.h"
#include "engine/snapshot.h"

namespace mettle::engine {

class Engine;

class Feature {
 public:
  virtual ~Feature() = default;
  virtual std::string_view name() const = 0;

  // Mettle's own tables of this feature: statements that make them if they are not there, run in
  // order inside the start-up migration. Names begin with mettle_.
  virtual std::vector<std::string> own_tables() const { return {}; }

  // Called for each app snapshot (at start, and on every accepted change of the file): compiles
  // this feature's part of the app, reports faults, adds routes. Must not touch running state.
  virtual void build(SnapshotBuilder& builder) = 0;

  // The engine serves from now on / is about to stop. start() runs on the main thread before
  // listening.
  virtual Result<> start(Engine&) { return {}; }
  virtual void stop(Engine&) {}
};

}  // namespace mettle::engine

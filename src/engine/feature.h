// A feature: a vertical slice under src/features that the engine knows only through this interface.
// app/feature_list.cc names them all, in the order they start; they stop in reverse.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/authenticator.h"
#include "engine/observer.h"
#include "engine/route.h"
#include "engine/schema_keeper.h"
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

  // Statements that delete what these tables keep of a person, ?1 being the id in auth.table: run
  // when a row is made with an id that was chosen, which may have been somebody's who is gone.
  virtual std::vector<std::string> leavings() const { return {}; }

  // Called for each app snapshot (at start, and on every accepted change of the file): compiles
  // this feature's part of the app, reports faults, adds routes. Must not touch running state.
  virtual void build(SnapshotBuilder& builder) = 0;

  // The engine serves from now on / is about to stop. start() runs on the main thread before
  // listening, with the database already fit; no core runs yet. stop() runs there when the last
  // request is done and the cores still run.
  virtual Result<> start(Engine&) { return {}; }
  virtual void stop(Engine&) {}

  // The parts of the engine that a feature plays; at most one feature is the keeper of the schema
  // and one the authenticator. Asked for once, before start(); they live as long as the feature.
  virtual SchemaKeeper* schema_keeper() { return nullptr; }
  virtual Authenticator* authenticator() { return nullptr; }
  virtual RequestObserver* observer() { return nullptr; }
};

using Features = std::vector<std::unique_ptr<Feature>>;

}  // namespace mettle::engine

// From the app file to a snapshot that can be served: rules, plans, each feature's part, routes.
// Everything wrong is in `faults` at once. Touches nothing that runs; any thread, tens of
// milliseconds.
#pragma once

#include <memory>
#include <string>

#include "db/db.h"
#include "db/dialect.h"
#include "engine/config.h"
#include "engine/feature.h"
#include "engine/snapshot.h"

namespace mettle::engine {

struct CompileOptions {
  const Config& config;
  Seams& seams;
  db::Store& store;
  const db::Dialect& dialect;
  const Features& features;
  std::string cursor_key;  // node_secret("cursor"); may be empty where nothing is served
};

// nullptr where there are errors among the faults.
std::shared_ptr<const Snapshot> compile_app(std::shared_ptr<const model::AppModel> app,
                                            const CompileOptions& options, model::Faults& faults);

}  // namespace mettle::engine

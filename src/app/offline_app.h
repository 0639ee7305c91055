// An app file compiled as `mettle serve` compiles it, rules, steps, SQL and routes too, but over no
// database: for the commands that look at an app without running it. Main thread; tens of
// milliseconds.
#pragma once

#include <memory>
#include <string>

#include "app/command.h"
#include "db/db.h"
#include "engine/feature.h"
#include "engine/snapshot.h"
#include "model/app_model.h"
#include "model/source.h"

namespace mettle::app {

struct OfflineApp {
  std::string path;
  std::string text;  // of the file, to show faults with their lines
  model::Faults faults;
  std::shared_ptr<const model::AppModel> model;  // nullptr where the file itself has errors
  // What the snapshot refers to, before it so that it goes last.
  engine::Features features;
  std::unique_ptr<db::Store> store;
  std::shared_ptr<const engine::Snapshot> snapshot;  // nullptr where anything has errors
};

// Everything found is among the faults. A variable of the environment that is not set is only a
// warning here: what serves the app has it, not who looks at it.
OfflineApp compile_offline(const std::string& path);

// For commands that need the app whole: prints the errors to io.err, and false.
bool usable(const OfflineApp& app, Io& io);

// The operand FILE.
Option file_operand();

}  // namespace mettle::app

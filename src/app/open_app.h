// What commands that work on an app's data beside its server begin with: the app file, read and
// checked, and a session on the database. Main thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/command.h"
#include "app/open_store.h"
#include "async/core.h"
#include "async/scope.h"
#include "engine/config.h"
#include "model/app_model.h"
#include "model/source.h"

namespace mettle::app {

// The app of that file; its faults go to io.err, nullptr where there are errors.
std::shared_ptr<const model::AppModel> load_app(const std::string& path, Io& io);

// A store opened beside whoever serves it, and the core on which the command's tasks run.
class Session {
 public:
  // kUnavailable where the folder holds no database.
  static Result<std::unique_ptr<Session>> open(const engine::Config& config);
  ~Session();

  db::Store& store() { return *open_.store; }
  const db::Dialect& dialect() const { return *open_.dialect; }
  Core& core() { return core_; }
  Context context() { return Context(core_, system_seams(), INT64_MAX); }
  template <class T>
  T run(Task<T> task) {
    return run_task(core_, std::move(task));
  }

 private:
  Session();
  Core core_;
  OpenStore open_;
};

enum class FitTo : uint8_t {
  kFile,     // what the file asks for, as `mettle serve` would; not beneath a server that runs
  kMissing,  // the file only where no app was recorded yet; else Mettle's own tables alone
};
// Makes the data folder and the database where they are missing and fits the schema. Faults go to
// io.err; kInvalidApp then.
Result<> fit_database(const engine::Config& config, const std::string& path,
                      const model::AppModel& app, FitTo to, Io& io);

}  // namespace mettle::app

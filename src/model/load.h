// The way from the app file to the AppModel. Everything wrong with the file is reported at once
// into Faults; a model comes only from a file without errors (warnings may stand). Rules and SQL
// inside are text still: rules/ and the engine compile them and report into the same Faults.
//
// Reads one file and the environment through `env`, nothing else. Any thread; milliseconds.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "model/app_model.h"
#include "model/source.h"

namespace mettle::model {

struct LoadOptions {
  // The value of an environment variable, for `${NAME}` in handlers' URLs. None: nothing is set.
  std::function<std::optional<std::string>(std::string_view name)> env;
  // What relative paths (`static`) start from; load_file takes the file's own folder if empty.
  std::string base_folder;
};

struct Loaded {
  std::shared_ptr<const AppModel> app;  // nullptr if there are errors
  // Where there are: the file without what is at fault, and without the rules, commands, queries
  // and routes that speak of a table at fault. Not to be served; for a checker that goes on to
  // rules and SQL. nullptr where a fault is not in a section of its own.
  std::shared_ptr<const AppModel> sound;
  std::string text;  // the file, to show faults with their lines
};

Loaded load_file(const std::string& path, const LoadOptions& options, Faults& faults);
// `file` is the name that faults and AppModel::file carry.
std::shared_ptr<const AppModel> load_text(std::string text, const std::string& file,
                                          const LoadOptions& options, Faults& faults);

}  // namespace mettle::model

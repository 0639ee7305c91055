// The apps that twin worlds are made of: an app file each, what its rules say said again in C++,
// who looks, and requests of its own that no general generator could make.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "world.h"

namespace mettle::twins {

// A request to an address of the app's own. `{table}` in it becomes an id of that table, `{n}` a
// small number, `{table.column}` a value of the column.
struct OwnRequest {
  std::string method, target, body, what;
};

struct AppCase {
  std::string name;
  std::shared_ptr<const model::AppModel> app;
  WorldPlan plan;
  std::vector<Viewer> viewers;
  std::vector<OwnRequest> own;
};

// Reads the app files beside this source; a fault in one is a CHECK.
std::vector<AppCase> load_apps();

}  // namespace mettle::twins

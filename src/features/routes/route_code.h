// One route of the app file, compiled. Immutable; kept by its endpoint and by the steps that wait
// to be run after its answer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "features/commands/commands.h"

namespace mettle::routes {

struct RouteCode {
  const model::Route* route = nullptr;
  std::shared_ptr<const model::AppModel> app;  // keeps `route`
  records::InputInfo input;
  bool input_in_query = false;  // GET and DELETE
  commands::Access access;
  commands::Program program;
  std::vector<std::pair<std::string, commands::ValueCode>> headers;  // names in canonical case
  std::optional<commands::ValueCode> body;
  bool body_is_text = false;
  commands::Program after;
};
using RouteRef = std::shared_ptr<const RouteCode>;

RouteRef compile_route(const model::Route& route, const std::shared_ptr<const model::AppModel>& app,
                       const commands::Compiling& compiling,
                       const std::shared_ptr<const records::Catalog>& catalog);

// "cache-control" → "Cache-Control".
std::string canonical_header(std::string_view name);

}  // namespace mettle::routes

// Which routes a limit covers: a method and a path with {names} and /** at the end, or a group.
// Pure functions, when an app is compiled.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "engine/route.h"
#include "model/app_model.h"

namespace mettle::limits {

// What a name of the pattern stands for on a route: the n-th value of the route's own names, or a
// part of its path that is fixed.
struct PathName {
  int value = -1;
  std::string text;  // where `value` is -1
};
using PathNames = std::map<std::string, PathName, std::less<>>;

// nullopt: not covered. Groups cover no probe and nothing that is the operator's.
std::optional<PathNames> covers(const model::LimitRoutes& routes, const engine::Route& route,
                                std::string_view api_prefix);
// Whether any limit may cover it.
bool can_be_limited(const engine::Route& route);
// The {names} of the pattern.
std::vector<std::string> names_of(const model::LimitRoutes& routes);

}  // namespace mettle::limits

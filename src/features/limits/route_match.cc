#include "features/limits/route_match.h"

#include <algorithm>

#include "base/text.h"

namespace mettle::limits {
namespace {

constexpr std::string_view kAllBelow = "**";

bool is_below(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) && path.substr(prefix.size()).starts_with('/');
}

bool is_name(std::string_view part) {
  return part.starts_with('{') && part.ends_with('}');
}

bool in_group(std::string_view group, const engine::Route& route, std::string_view api) {
  const std::string prefix(api);
  const bool reads = route.method == net::Method::kGet || route.method == net::Method::kHead;
  const bool of_app = is_below(route.path, api) || route.policy == engine::Policy::kRules;
  if (group == "api") return is_below(route.path, api);
  if (group == "reads") return of_app && reads;
  if (group == "writes") return of_app && !reads;
  if (group == "batch") return route.path == prefix + "/batch";
  if (group == "auth") return is_below(route.path, "/auth") || is_below(route.path, "/oauth");
  return is_below(route.path, prefix + "/" + std::string(group));  // commands, queries
}

}  // namespace

bool can_be_limited(const engine::Route& route) {
  return !route.before_admission && route.policy != engine::Policy::kOperator;
}

std::optional<PathNames> covers(const model::LimitRoutes& routes, const engine::Route& route,
                                std::string_view api_prefix) {
  if (!can_be_limited(route)) return std::nullopt;
  if (!routes.group.empty()) {
    if (!in_group(routes.group, route, api_prefix)) return std::nullopt;
    return PathNames();
  }
  if (!routes.method.empty() && routes.method != net::method_name(route.method)) {
    return std::nullopt;
  }
  PathNames names;
  const auto wanted = split(routes.path, '/');
  const auto parts = split(route.path, '/');
  int value = -1;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == kAllBelow) return names;
    if (i == parts.size()) return std::nullopt;
    const bool variable = is_name(parts[i]);
    if (variable) ++value;
    if (is_name(wanted[i])) {
      if (parts[i].empty()) return std::nullopt;
      names[std::string(wanted[i].substr(1, wanted[i].size() - 2))] =
          variable ? PathName{value, ""} : PathName{-1, std::string(parts[i])};
    } else if (wanted[i] != parts[i]) {
      return std::nullopt;
    }
  }
  if (wanted.size() != parts.size()) return std::nullopt;
  return names;
}

std::vector<std::string> names_of(const model::LimitRoutes& routes) {
  std::vector<std::string> out;
  for (const std::string_view part : split(routes.path, '/')) {
    if (is_name(part)) out.emplace_back(part.substr(1, part.size() - 2));
  }
  return out;
}

}  // namespace mettle::limits

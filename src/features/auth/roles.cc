#include "features/auth/roles.h"

#include <fmt/format.h>

#include <algorithm>

namespace mettle::auth {

Result<> check_roles(const model::AppModel& app, const std::vector<std::string>& roles) {
  for (const std::string& role : roles) {
    if (app.auth.has_role(role)) continue;
    const std::string all = fmt::format("{}", fmt::join(app.auth.roles, ", "));
    return fail(Code::kInvalid, fmt::format("the app has no role {}; auth.roles has {}", role,
                                            all.empty() ? "none" : all));
  }
  return {};
}

Result<> check_change(const model::AppModel& app, const RolesChange& change) {
  if (change.set) {
    TRY_VOID(check_roles(app, *change.set));
  }
  return check_roles(app, change.grant);
}

Result<std::vector<std::string>> changed_roles(std::vector<std::string> roles,
                                               const RolesChange& change) {
  if (change.set) roles = *change.set;
  for (const std::string& role : change.grant) {
    if (std::ranges::find(roles, role) == roles.end()) roles.push_back(role);
  }
  for (const std::string& role : change.revoke) {
    if (std::erase(roles, role) > 0) continue;
    const std::string all = fmt::format("{}", fmt::join(roles, ", "));
    return fail(Code::kConflict,
                fmt::format("{} was not given; given: {}", role, all.empty() ? "none" : all));
  }
  return roles;
}

}  // namespace mettle::auth

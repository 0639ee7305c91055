// Roles as they are given to people, service accounts and invitations. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/app_model.h"

namespace mettle::auth {

// kInvalid naming a role that the app does not declare, and those that it does.
Result<> check_roles(const model::AppModel& app, const std::vector<std::string>& roles);

struct RolesChange {
  std::optional<std::vector<std::string>> set;  // these and no others
  std::vector<std::string> grant, revoke;
  bool any() const { return set || !grant.empty() || !revoke.empty(); }
};
// Whether what it gives is declared; what it takes away need not be (any more).
Result<> check_change(const model::AppModel& app, const RolesChange& change);
// kConflict where a role to be taken away is not there.
Result<std::vector<std::string>> changed_roles(std::vector<std::string> roles,
                                               const RolesChange& change);

}  // namespace mettle::auth

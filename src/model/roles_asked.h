// Which roles the rules of an app ask for, and where: `'clerk' in auth.roles`. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "model/app_model.h"

namespace mettle::model {

struct RoleAsked {
  std::string role;
  Pos pos;           // of the role in the rule
  std::string path;  // of the rule: "tables.orders.access.read"
};
// In the order of the file's sections.
std::vector<RoleAsked> roles_asked(const AppModel& app);

}  // namespace mettle::model

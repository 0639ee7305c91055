// Service accounts: programs with a name, roles and an end of their own, for which keys stand. They
// have no password and no row of auth.table; rules see `auth.kind == 'service'`, and an unknown
// `auth.id`.
//
//   mettle_services(name, roles, created_at, disabled_at)
//
// Each look-up is one statement by primary key. On a core.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/context.h"
#include "async/task.h"
#include "db/db.h"
#include "features/auth/roles.h"

namespace mettle::auth {

std::vector<std::string> service_tables();

// How a service account is named where people may be meant, too, and as a principal.
inline constexpr std::string_view kServicePrefix = "service:";

struct Service {
  std::string name;                // ^[a-z][a-z0-9_]{0,47}$
  std::vector<std::string> roles;  // as given, without what they inherit
  Timestamp created_at;
  std::optional<Timestamp> disabled_at;
};

// What the commands do; each is in the audit log. kInvalid for a name that is none or a role that
// the app does not declare; kConflict where the name is taken.
Task<Result<Service>> create_service(Context& ctx, db::Store& store, const model::AppModel& app,
                                     std::string name, std::vector<std::string> roles);
struct ServiceChange {
  RolesChange roles;
  std::optional<bool> disabled;
};
// As it is afterwards; kNotFound where there is none of that name.
Task<Result<Service>> change_service(Context& ctx, db::Store& store, const model::AppModel& app,
                                     std::string name, ServiceChange change);
Task<Result<std::vector<Service>>> list_services(Context& ctx, db::Store& store);

Task<Result<std::optional<Service>>> find_service(Context& ctx, db::Store& store, std::string name);
Task<Result<std::optional<Service>>> find_service(db::Tx& tx, std::string name);

}  // namespace mettle::auth

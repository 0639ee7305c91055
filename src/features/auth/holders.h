// Who has which role, for the commands `mettle role`: people, service accounts, and keys that work.
// Roles that the app file does not declare (any more) are among them. On a core; reads every
// account.
#pragma once

#include <string>
#include <vector>

#include "features/auth/people.h"

namespace mettle::auth {

struct Holder {
  enum class Kind : uint8_t { kPerson, kService, kKey };
  Kind kind = Kind::kPerson;
  std::string name;                // an address, "service:NAME", "key:ID"
  std::vector<std::string> roles;  // as given
};
// `people`: nullptr where the app has none.
Task<Result<std::vector<Holder>>> list_holders(Context& ctx, db::Store& store,
                                               const People* people);

}  // namespace mettle::auth

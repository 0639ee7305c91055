// Identities: who an identity provider says that a person is. One belongs to one account; an
// account may have several.
//
//   mettle_identities(id, user_id, provider, issuer, subject, email, created_at, last_used_at)
//
// Issuer and subject together say who it is, as OpenID Connect has it; the address never does, for
// it may be somebody else's tomorrow. On a core; what takes a transaction runs inside it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "features/auth/people.h"

namespace mettle::auth {

std::vector<std::string> identity_tables();

// What a provider has said, and proven, of who has signed in there.
struct Identity {
  std::string provider;  // as the app file names it
  std::string issuer, subject;
  std::string email;  // in its normal form; empty: none was told
  bool email_verified = false;
  std::string claims = "{}";  // JSON object: what else it says of the person
};

struct StoredIdentity {
  std::string id, provider, email;
  Timestamp created_at, last_used_at;
};

// Whose it is; nullopt where nobody's, or somebody's whose row is gone.
Task<Result<std::optional<Person>>> find_by_identity(db::Tx& tx, const People& people,
                                                     const Identity& identity);
// REQUIRES: find_by_identity() found nobody, in this transaction.
Task<Result<>> add_identity(db::WriteTx& tx, Random& random, Value user, const Identity& identity,
                            Timestamp now);
Task<Result<>> touch_identity(db::WriteTx& tx, const Identity& identity, Timestamp now);
// Those of a person, the oldest first.
Task<Result<std::vector<StoredIdentity>>> list_identities(Context& ctx, db::Store& store,
                                                          Value user);
// The same in a transaction.
Task<Result<std::vector<StoredIdentity>>> list_identities(db::Tx& tx, Value user);
Task<Result<>> remove_identity(db::WriteTx& tx, Value user, std::string id);
Task<Result<>> forget_identities(db::WriteTx& tx, Value user);

}  // namespace mettle::auth

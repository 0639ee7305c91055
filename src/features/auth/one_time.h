// What a mail carries to prove that its reader has the mailbox: a token that works once, for a
// while, for one purpose; the latest of a person and purpose is the only one that works.
//
//   mettle_one_time(id, purpose, user_id, email, secret, expires_at)
//
// Inside a transaction: of fifty that come at once, one succeeds.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "features/auth/people.h"

namespace mettle::auth {

std::vector<std::string> one_time_tables();

enum class Purpose : uint8_t { kVerify, kReset, kMagicLink, kEmailChange };
// How long a token of that purpose works.
Duration life_of(Purpose purpose);

// The token's text. `email`: the address that it proves.
Task<Result<std::string>> issue_one_time(db::WriteTx& tx, Random& random, Purpose purpose,
                                         Value user, std::string email, Timestamp now);

struct Proven {
  Person person;  // not disabled
  std::string email;
};
// Takes the token back. kInvalidCredentials where it does not work, the same whatever the reason.
// But for a change of the address, it works only while the address it went to is the account's.
Task<Result<Proven>> use_one_time(db::WriteTx& tx, const People& people, Purpose purpose,
                                  std::string token, Timestamp now);

// None that the user was sent works any longer: who asked for them may be who is being shut out.
Task<Result<>> forget_one_time(db::WriteTx& tx, Value user);

}  // namespace mettle::auth

// Whether somebody may make an account, and what it begins with: the one place that says so, for
// whoever makes one on a person's behalf: POST /auth/register, and a provider's sign-in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "features/auth/people.h"

namespace mettle::auth {

struct Applicant {
  std::string email;    // in its normal form
  bool proven = false;  // the mailbox is known to be the applicant's: a trusted provider said so
  std::string invitation{};  // the token of one, if not empty
};

struct Admission {
  std::vector<std::string> roles;  // to be given
  bool verified = false;           // the address is proven
  Value tenant = Unknown{};        // the inviter's, if any
  std::string invitation;          // the one that was used up; empty for none
};

// Inside the transaction that makes the account; uses an invitation up. The invitation is the one
// whose token was brought, or, where the address is proven, the latest one to it that is good.
//   kInvalidCredentials  the token opens nothing (any more), or was sent to another address
//   kForbidden           registration is closed, or by invitation and there is none
Task<Result<Admission>> admit(db::WriteTx& tx, const People& people, Applicant applicant,
                              Timestamp now);

// The same without a database, before costly work is done for an applicant.
Result<> may_apply(const model::Auth& auth, bool invited);

// The first of the roles wanted that who has these may not give on: he gives what he has himself,
// and what everybody gets who registers.
std::optional<std::string> role_beyond(const model::Auth& auth, const std::vector<std::string>& has,
                                       const std::vector<std::string>& wanted);

// The answer to an invitation that does not work, whatever the reason.
Error invitation_refused();

}  // namespace mettle::auth

// Taking an account over: whoever made it before its owner proved to have the mailbox may be
// somebody else, who waits for the owner to come. Inside the transaction of the owner's first
// verified sign-in.
#pragma once

#include "features/auth/people.h"

namespace mettle::auth {

// Whatever opens the account is over (password, sessions, links of mails, the authenticator app,
// keys, identities of providers), and its address is verified. Nothing where it was before.
Task<Result<>> take_over(db::WriteTx& tx, const People& people, Person person, Timestamp now);

}  // namespace mettle::auth

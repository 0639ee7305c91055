// What sign-in does by mail: the letters it writes, each enqueued in the transaction of its cause.
// Inside a transaction.
#pragma once

#include <string>
#include <string_view>

#include "features/auth/invitations.h"
#include "features/auth/one_time.h"
#include "features/mail/mail.h"

namespace mettle::auth {

// Issues a token and writes to `email` with the link that bears it: /auth/ui/PAGE?token=….
Task<Result<>> mail_token(db::WriteTx& tx, Seams& seams, const mail::Mailer& mailer,
                          Purpose purpose, Person person, std::string email, Timestamp now);

// Writes to who is invited: /auth/ui/invitation?token=…. `inviter`: by whom, in words.
Task<Result<>> mail_invitation(db::WriteTx& tx, Seams& seams, const mail::Mailer& mailer,
                               const IssuedInvitation& issued, std::string inviter);
// Its link.
std::string invitation_link(const mail::Mailer& mailer, std::string_view token);

// Tells a person that something about the account has changed, in words: "the password was
// changed".
Task<Result<>> mail_notice(db::WriteTx& tx, Seams& seams, const mail::Mailer& mailer,
                           std::string email, std::string event, std::string where, Timestamp now);

// Tells the address that was the person's until now.
Task<Result<>> mail_email_changed(db::WriteTx& tx, Seams& seams, const mail::Mailer& mailer,
                                  std::string old_email, std::string new_email, Timestamp now);

}  // namespace mettle::auth

#include "features/auth/mailbox.h"

#include <fmt/format.h>

#include "base/datetime.h"

namespace mettle::auth {
namespace {

// "2026-01-31 14:30 UTC".
std::string minute_text(Timestamp time) {
  std::string text = format_timestamp(time).substr(0, 16);
  text[10] = ' ';
  return text + " UTC";
}

struct Page {
  mail::About about;
  std::string_view path;
};
Page page_of(Purpose purpose) {
  switch (purpose) {
    case Purpose::kVerify:
      return {mail::About::kVerify, "/auth/ui/verify"};
    case Purpose::kReset:
      return {mail::About::kReset, "/auth/ui/reset"};
    case Purpose::kMagicLink:
      return {mail::About::kMagicLink, "/auth/ui/magic"};
    case Purpose::kEmailChange:
      break;
  }
  return {mail::About::kEmailChange, "/auth/ui/email"};
}

// An address that no mail can go to (a row made before it was checked) loses the mail, not the act.
Task<Result<>> send(db::WriteTx& tx, Seams& seams, const mail::Mailer& mailer, mail::Mail mail) {
  auto letter = mailer.compose(seams, std::move(mail));
  if (!letter) {
    if (letter.error().code == Code::kInvalid) co_return Result<>();
    co_return fail(std::move(letter.error()));
  }
  co_return co_await mailer.enqueue(tx, *letter);
}

}  // namespace

Task<Result<>> mail_token(db::WriteTx& tx, Seams& seams, const mail::Mailer& mailer,
                          Purpose purpose, Person person, std::string email, Timestamp now) {
  CO_TRY(const std::string token,
         co_await issue_one_time(tx, *seams.random, purpose, person.id, email, now));
  const Page page = page_of(purpose);
  const Timestamp until{now.us + life_of(purpose).us};
  mail::Mail mail{.about = page.about, .to = std::move(email), .values = {}, .good_until = until};
  mail.values.emplace_back("url", mailer.link(fmt::format("{}?token={}", page.path, token)));
  mail.values.emplace_back("expires", minute_text(until));
  if (purpose == Purpose::kEmailChange) mail.values.emplace_back("old_email", person.email);
  co_return co_await send(tx, seams, mailer, std::move(mail));
}

std::string invitation_link(const mail::Mailer& mailer, std::string_view token) {
  return mailer.link(fmt::format("/auth/ui/invitation?token={}", token));
}

Task<Result<>> mail_invitation(db::WriteTx& tx, Seams& seams, const mail::Mailer& mailer,
                               const IssuedInvitation& issued, std::string inviter) {
  const Invitation& invitation = issued.invitation;
  mail::Mail mail{.about = mail::About::kInvitation,
                  .to = invitation.email,
                  .values = {},
                  .good_until = invitation.expires_at};
  mail.values.emplace_back("url", invitation_link(mailer, issued.token));
  mail.values.emplace_back("expires", minute_text(invitation.expires_at));
  mail.values.emplace_back("inviter", std::move(inviter));
  co_return co_await send(tx, seams, mailer, std::move(mail));
}

Task<Result<>> mail_notice(db::WriteTx& tx, Seams& seams, const mail::Mailer& mailer,
                           std::string email, std::string event, std::string where, Timestamp now) {
  mail::Mail mail{.about = mail::About::kSecurityNotice, .to = std::move(email), .values = {}};
  mail.values.emplace_back("event", std::move(event));
  mail.values.emplace_back("when", minute_text(now));
  mail.values.emplace_back("where", std::move(where));
  co_return co_await send(tx, seams, mailer, std::move(mail));
}

Task<Result<>> mail_email_changed(db::WriteTx& tx, Seams& seams, const mail::Mailer& mailer,
                                  std::string old_email, std::string new_email, Timestamp now) {
  mail::Mail mail{.about = mail::About::kEmailChanged, .to = std::move(old_email), .values = {}};
  mail.values.emplace_back("new_email", std::move(new_email));
  mail.values.emplace_back("when", minute_text(now));
  co_return co_await send(tx, seams, mailer, std::move(mail));
}

}  // namespace mettle::auth

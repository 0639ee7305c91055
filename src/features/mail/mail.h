// Mail of the server to people: verification of an address, reset of a password and the like.
//
//   const mail::Mailer& mailer = mail::mailer_of(call.app);
//   mail::Mail about_reset{.about = mail::About::kReset, .to = email, .values = {…}};
//   about_reset.values.emplace_back("url", mailer.link("/auth/ui/reset?token=" + token));
//   CO_TRY(const mail::Letter letter, mailer.compose(call.ctx.seams(), std::move(about_reset)));
//   … and in the WriteUnit that stores the token:
//   CO_TRY_VOID(co_await mailer.enqueue(tx, letter));
//
// What is enqueued is in the outbox (table mettle_mail) if and only if the unit commits. From there
// it is sent at least once, by SMTP, or without `smtp_url` written to DATA/mail; tried again with
// growing pauses, across restarts; given up after a bound of tries, with a log line and a metric. A
// mail that comes twice bears the same Message-ID. Its text leaves the database when it was sent.
//
// compose() and link() are for any thread and wait for nothing; enqueue() runs where its unit runs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/task.h"
#include "base/seams.h"
#include "db/db.h"
#include "engine/feature.h"
#include "engine/snapshot.h"

namespace mettle::mail {

// What a mail is about; each has a template with the name in brackets, and needs these values.
// `app`, `to` and `site` (public_url) are there in all.
enum class About : uint8_t {
  kVerify,          // [verify] url, expires
  kReset,           // [reset] url, expires
  kMagicLink,       // [magic_link] url, expires
  kEmailChange,     // [email_change] url, expires, old_email: to the new address, to be confirmed
  kEmailChanged,    // [email_changed] new_email, when: to the old address
  kInvitation,      // [invitation] url, expires, inviter
  kSecurityNotice,  // [security_notice] event, when, where: "the password was changed", …
};

struct Mail {
  About about = About::kVerify;
  std::string to;                                           // an address alone: ann@example.com
  std::vector<std::pair<std::string, std::string>> values;  // raw; escaped where they are put
  // Not sent any more after this time: when its link has expired.
  std::optional<Timestamp> good_until = std::nullopt;
};

// A mail in words, ready for the outbox.
struct Letter {
  std::string id;  // a uuid; of the Message-ID, too
  std::string about;
  std::string to;
  std::string subject;
  std::string text;
  std::string html;
  Timestamp created_at;
  std::optional<Timestamp> good_until;
};

class Templates;
class Post;  // what the mailers of all snapshots share: the settings, the sender's bell

// Part of each snapshot.
class Mailer {
 public:
  Mailer(std::shared_ptr<const Templates> templates, std::string app, std::shared_ptr<Post> post);

  // kInvalid with a fault at /email where `to` is no address that mail can go to. A value that the
  // template needs and `mail` lacks is kInternal.
  Result<Letter> compose(Seams& seams, Mail mail) const;
  // `path` under public_url, and never under what a request says of itself (Host, X-Forwarded-*).
  // REQUIRES: begins with a slash. Once the engine listens.
  std::string link(std::string_view path) const;
  // Adds to the unit's transaction. The sender looks when it has committed.
  Task<Result<>> enqueue(db::WriteTx& tx, const Letter& letter) const;

 private:
  const std::shared_ptr<const Templates> templates_;
  const std::string app_;
  const std::shared_ptr<Post> post_;
};

// REQUIRES: the engine has the feature.
const Mailer& mailer_of(const engine::Snapshot& app);

// An address that mail can go to: local@domain in ASCII or UTF-8 (RFC 5321 and 6531 without quoted
// local parts and literals), without controls, at most 254 bytes.
bool is_address(std::string_view text);

std::unique_ptr<engine::Feature> make_feature();

}  // namespace mettle::mail

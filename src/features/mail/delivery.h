// Where a mail goes from the outbox: to an SMTP server, or in development to a folder. deliver() is
// called on the sender's core and resumes there; kInvalid means that nobody will ever take this
// mail, anything else that it may be tried again.
#pragma once

#include <memory>
#include <string>

#include "async/blocking.h"
#include "async/context.h"
#include "engine/config.h"
#include "features/mail/mail.h"
#include "net/mail_address.h"

namespace mettle::mail {

class Delivery {
 public:
  virtual ~Delivery() = default;
  virtual Task<Result<>> deliver(Context& ctx, const Letter& letter) = 0;
};

// To config.smtp_url. Made and destroyed by a thread that is no core.
std::unique_ptr<Delivery> make_smtp_delivery(const engine::Config& config);
// As FOLDER/ID.eml, there whole or not at all; the newest kMailFiles are kept.
std::unique_ptr<Delivery> make_folder_delivery(std::string folder, net::Mailbox from,
                                               BlockingPool& pool);

// Who mails are from: config.mail_from, or in development something that is nobody.
net::Mailbox sender_of(const engine::Config& config);
// Where mail goes in development.
std::string mail_folder(const engine::Config& config);

}  // namespace mettle::mail

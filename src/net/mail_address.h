// Addresses of mail: who may be written to, and who writes. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace mettle::net {

// local@domain as RFC 5321 and 6531 have it, in ASCII or UTF-8, at most 254 bytes; without quoted
// local parts, address literals, comments, spaces and controls: no provider gives such addresses
// out, and each has been a way around somebody's check.
bool is_mail_address(std::string_view text);

// "Shop <no-reply@shop.example>", or the address alone.
struct Mailbox {
  std::string name;
  std::string address;
};
Result<Mailbox> parse_mailbox(std::string_view text);

}  // namespace mettle::net

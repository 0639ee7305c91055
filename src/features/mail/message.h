// A mail as bytes (RFC 5322, 2045, 2047, 2049, 6532): headers and a multipart/alternative of text
// and HTML, lines ending in CR LF and no longer than 76 characters (a header with an address: 254).
//
// Nothing that came from outside can end a line of a header: addresses are checked, everything else
// is encoded. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "features/mail/mail.h"
#include "net/mail_address.h"

namespace mettle::mail {

// kInvalid where an address is none.
Result<std::string> render_message(const net::Mailbox& from, const Letter& letter);

// What stands behind the '@', or a domain that is nobody's where that is not ASCII.
std::string_view domain_of(std::string_view address);
// The value of a header without structure, folded; `used`: characters before it on its line.
std::string encode_header_text(std::string_view text, size_t used);
// RFC 2045 section 6.7; line ends of any kind become CR LF.
std::string quoted_printable(std::string_view text);

}  // namespace mettle::mail

#include "net/mail_address.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace mettle::net {
namespace {

constexpr size_t kAddressBytes = 254;  // RFC 5321 section 4.5.3.1.3, without < and >
constexpr size_t kLocalBytes = 64;
constexpr size_t kLabelBytes = 63;

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_ascii_digit(c);
}
// UTF-8 was checked; the two bytes of C2 80 to C2 9F are controls.
bool has_c1_control(std::string_view text) {
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    const auto next = static_cast<unsigned char>(text[i + 1]);
    if (text[i] == '\xc2' && next < 0xa0) return true;
  }
  return false;
}
bool is_beyond_ascii(char c) {
  return static_cast<unsigned char>(c) >= 0x80;
}

bool is_atom(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_alnum(c) || is_beyond_ascii(c) ||
           std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
  });
}
bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= kLabelBytes && !text.starts_with('-') &&
         !text.ends_with('-') && std::ranges::all_of(text, [](char c) {
           return is_alnum(c) || is_beyond_ascii(c) || c == '-';
         });
}

}  // namespace

bool is_mail_address(std::string_view text) {
  if (text.size() > kAddressBytes || !is_utf8(text) || has_c1_control(text)) return false;
  const auto [local, domain] = split_once(text, '@');
  if (!domain || local.size() > kLocalBytes) return false;
  return std::ranges::all_of(split(local, '.'), is_atom) &&
         std::ranges::all_of(split(*domain, '.'), is_label);
}

Result<Mailbox> parse_mailbox(std::string_view text) {
  Mailbox out;
  std::string_view address = trim_ascii(text);
  if (address.ends_with('>')) {
    const size_t open = address.rfind('<');
    if (open != std::string_view::npos) {
      out.name = trim_ascii(address.substr(0, open));
      address = address.substr(open + 1, address.size() - open - 2);
    }
  }
  if (out.name.size() >= 2 && out.name.starts_with('"') && out.name.ends_with('"')) {
    out.name = out.name.substr(1, out.name.size() - 2);
  }
  const bool plain = std::ranges::none_of(
      out.name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (!plain || !is_utf8(out.name) || has_c1_control(out.name) || !is_mail_address(address)) {
    return fail(Code::kUsage,
                fmt::format("\"{}\" is no sender, such as Shop <no-reply@shop.example>",
                            to_valid_utf8(text)));
  }
  out.address = address;
  return out;
}

}  // namespace mettle::net

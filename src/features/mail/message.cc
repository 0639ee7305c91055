#include "features/mail/message.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/datetime.h"
#include "base/mutant.h"
#include "base/text.h"

namespace mettle::mail {
namespace {

constexpr size_t kLine = 76;
constexpr size_t kWordBytes = 39;  // in one encoded word: fits a line behind "Subject: "

bool is_plain(std::string_view text) {
  return text.find("=?") == std::string_view::npos && !text.starts_with(' ') &&
         !text.ends_with(' ') &&
         std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

// Words of RFC 2047, each of whole characters. REQUIRES: valid UTF-8.
std::string encoded_words(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t length = 0;
    while (length < text.size()) {
      const size_t next = utf8_length(text.substr(length));
      if (next == 0 || length + next > kWordBytes) break;
      length += next;
    }
    if (!out.empty()) out += "\r\n ";
    out += "=?UTF-8?B?" + encode_base64(text.substr(0, length)) + "?=";
    text.remove_prefix(length);
  }
  return out;
}

// The name before an address.
std::string phrase(std::string_view name) {
  if (!is_plain(name) || name.size() > kLine - 10) return encoded_words(to_valid_utf8(name));
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

// "Mon, 23 Nov 2026 05:09:02 +0000": the date of HTTP with the zone in digits.
std::string date_text(Timestamp time) {
  std::string out = format_http_date(time);
  out.replace(out.size() - 3, 3, "+0000");
  return out;
}

void add_part(std::string& out, std::string_view type, std::string_view body) {
  out += fmt::format("Content-Type: text/{}; charset=utf-8\r\n", type);
  out += "Content-Transfer-Encoding: quoted-printable\r\n\r\n";
  out += quoted_printable(body);
}

}  // namespace

std::string_view domain_of(std::string_view address) {
  const std::string_view domain = address.substr(address.rfind('@') + 1);
  return is_plain(domain) ? domain : std::string_view("mettle.invalid");
}

std::string encode_header_text(std::string_view text, size_t used) {
  if (planted(Mutant::kMailHeaderNotEncoded)) return std::string(text);
  const std::string valid = to_valid_utf8(text);
  if (is_plain(valid) && used + valid.size() <= kLine) return valid;
  return encoded_words(valid);
}

std::string quoted_printable(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  size_t column = 0;
  const auto put = [&](std::string_view piece) {
    if (column + piece.size() > kLine - 1) {
      out += "=\r\n";
      column = 0;
    }
    out += piece;
    column += piece.size();
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool ends_in_two = c == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
    if (c == '\n' || c == '\r') {
      out += "\r\n";
      column = 0;
      i += ends_in_two ? 1 : 0;
      continue;
    }
    const bool at_end = i + 1 == text.size() || text[i + 1] == '\n' || text[i + 1] == '\r';
    const bool blank = (c == ' ' || c == '\t') && !at_end;
    // A dot or "From " that begins a line means something to servers on the way.
    const bool begins = (out.empty() || out.ends_with('\n')) && (c == '.' || c == 'F');
    if (blank || (c > ' ' && c < 0x7f && c != '=' && !begins)) {
      put({&c, 1});
    } else {
      put(fmt::format("={:02X}", static_cast<unsigned char>(c)));
    }
  }
  if (column > 0) out += "\r\n";
  return out;
}

Result<std::string> render_message(const net::Mailbox& from, const Letter& letter) {
  for (const std::string* address : {&from.address, &letter.to}) {
    if (!net::is_mail_address(*address)) {
      return fail(Code::kInvalid, "this is no address that mail can go to");
    }
  }
  std::string out;
  out += "From: ";
  if (!from.name.empty()) out += phrase(from.name) + "\r\n ";
  out += fmt::format("<{}>\r\nTo: {}\r\n", from.address, letter.to);
  out += "Subject: " + encode_header_text(letter.subject, 9) + "\r\n";
  out += "Date: " + date_text(letter.created_at) + "\r\n";
  out += fmt::format("Message-ID: <{}@{}>\r\n", letter.id, domain_of(from.address));
  out += "MIME-Version: 1.0\r\nAuto-Submitted: auto-generated\r\n";
  if (letter.html.empty()) {
    add_part(out, "plain", letter.text);
    return out;
  }
  // No part can hold it: quoted-printable has no '=' but before two digits or a line's end.
  const std::string boundary = "=_" + letter.id;
  out += fmt::format("Content-Type: multipart/alternative;\r\n boundary=\"{}\"\r\n", boundary);
  out += fmt::format("\r\n--{}\r\n", boundary);
  add_part(out, "plain", letter.text);
  out += fmt::format("\r\n--{}\r\n", boundary);
  add_part(out, "html", letter.html);
  out += fmt::format("\r\n--{}--\r\n", boundary);
  return out;
}

}  // namespace mettle::mail

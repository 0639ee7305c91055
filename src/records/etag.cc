#include "records/etag.h"

#include "base/crypto.h"
#include "base/text.h"

namespace mettle::records {

std::string row_etag(int64_t version, int64_t created_at_us) {
  char text[64];
  char* at = text;
  *at++ = '"';
  at = std::to_chars(at, text + sizeof(text), version).ptr;
  *at++ = '-';
  at = std::to_chars(at, text + sizeof(text), created_at_us, 36).ptr;
  *at++ = '"';
  return {text, at};
}

namespace {

std::string quoted(const Sha256& digest) {
  return fmt::format("\"{}\"", encode_base64url(as_text(digest).substr(0, 15)));
}

}  // namespace

std::string body_etag(std::string_view body) {
  return quoted(sha256(body));
}

std::string body_etag(std::string_view body, std::string_view secret) {
  return quoted(keyed_hash(secret, body));
}

bool etag_matches(std::string_view header, std::string_view etag, bool weak) {
  if (trim_ascii(header) == "*") return true;
  for (std::string_view entry : split(header, ',')) {
    entry = trim_ascii(entry);
    if (entry.starts_with("W/")) {
      if (!weak) continue;
      entry.remove_prefix(2);
    }
    if (entry == etag) return true;
  }
  return false;
}

}  // namespace mettle::records

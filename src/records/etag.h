// Entity tags (RFC 9110 section 8.8.3). A row's says its version and when it was made, so that a
// row that was deleted and made again under the same id does not match; anything shaped (select,
// embed, list) has a hash of its body.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mettle::records {

std::string row_etag(int64_t version, int64_t created_at_us);  // "3-kq9z8x1c4v", with its quotes
std::string body_etag(std::string_view body);
// Of a body that may be long; `secret` is the node's, so that nobody can make two bodies alike.
std::string body_etag(std::string_view body, std::string_view secret);

// Whether an If-Match or If-None-Match value names the tag: a list of quoted tags, or *. `weak`
// compares by RFC 9110 section 8.8.3.2 (If-None-Match), else strongly.
bool etag_matches(std::string_view header, std::string_view etag, bool weak);

}  // namespace mettle::records

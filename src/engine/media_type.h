// Content-Type and Accept (RFC 9110 sections 8.3 and 12.5.1). Pure functions, any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mettle::engine {

struct MediaType {
  std::string_view type, subtype;  // as sent; compare without case
  std::string charset;             // lower case; empty if not said
};
// nullopt for what is no media type. Parameters other than charset are let through.
std::optional<MediaType> parse_media_type(std::string_view text);

// Whether a body of `content_type` may go where `consumes` is taken ("application/json",
// "image/*", "*/*"). Text is UTF-8: another charset is refused.
bool is_consumed(std::string_view content_type, const std::vector<std::string>& consumes);

// Whether one of `produces` is acceptable to the values of the Accept headers; true if there is no
// header or nothing is produced. A header that cannot be read accepts everything.
bool is_acceptable(std::span<const std::string_view> accept,
                   const std::vector<std::string>& produces);

}  // namespace mettle::engine

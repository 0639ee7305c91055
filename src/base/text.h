// Text as bytes: UTF-8, the encodings of the wire, ASCII comparison. Pure functions, any thread.
// Decoders are strict: what no encoder of theirs writes is nullopt, never guessed at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mettle {

// The offset of the first byte that is not well-formed UTF-8 (Unicode table 3-7: no overlong forms,
// no surrogates, nothing above U+10FFFF); nullopt if all is. About 0.1 ns a byte of ASCII.
std::optional<size_t> utf8_fault(std::string_view text);
// The length of the well-formed sequence that `text` begins with; 0 if it begins with none.
size_t utf8_length(std::string_view text);
inline bool is_utf8(std::string_view text) {
  return !utf8_fault(text);
}
// REQUIRES: valid UTF-8.
size_t count_code_points(std::string_view text);
void append_code_point(std::string& out, uint32_t code_point);
// The same text with each ill-formed part replaced by U+FFFD.
std::string to_valid_utf8(std::string_view text);

// RFC 4648. base64 is padded, base64url is not; decoding takes exactly what encoding writes (no
// white space, padding as due, unused bits zero).
std::string encode_base64(std::string_view bytes);
std::string encode_base64url(std::string_view bytes);
void append_base64(std::string& out, std::string_view bytes);
std::optional<std::string> decode_base64(std::string_view text);
std::optional<std::string> decode_base64url(std::string_view text);
std::string encode_hex(std::string_view bytes);                // lower case
void write_hex(std::string_view bytes, char* to);              // two characters a byte
std::optional<std::string> decode_hex(std::string_view text);  // either case

// RFC 3986. Encoding leaves the unreserved characters. Decoding refuses a '%' without two digits.
std::string percent_encode(std::string_view text);
std::optional<std::string> percent_decode(std::string_view text);
// application/x-www-form-urlencoded, as in a query: '+' is a space.
std::optional<std::string> form_decode(std::string_view text);

// ASCII only; other bytes stay as they are and compare as they are.
inline char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
std::string to_ascii_lower(std::string_view text);
bool iequals_same_size(std::string_view a, std::string_view b);
inline bool iequals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && iequals_same_size(a, b);
}
bool istarts_with(std::string_view text, std::string_view prefix);
inline bool is_ascii_digit(char c) {
  return c >= '0' && c <= '9';
}
std::string_view trim_ascii(std::string_view text);  // spaces and tabs at both ends

// The parts between separators: n separators give n + 1 parts; views into `text`.
std::vector<std::string_view> split(std::string_view text, char separator);
// The first part and what follows the separator; the whole and nullopt where there is none.
std::pair<std::string_view, std::optional<std::string_view>> split_once(std::string_view text,
                                                                        char separator);

}  // namespace mettle

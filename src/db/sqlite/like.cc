#include "db/sqlite/like.h"

namespace mettle::db {
namespace {

char folded(char c, LikeCase letters) {
  return letters == LikeCase::kFoldAscii && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

// Bytes of the code point at text[at]; malformed UTF-8 counts byte by byte.
size_t code_point_bytes(std::string_view text, size_t at) {
  size_t n = 1;
  auto lead = static_cast<uint8_t>(text[at]);
  size_t want = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  while (n < want && at + n < text.size() && (static_cast<uint8_t>(text[at + n]) & 0xC0) == 0x80)
    ++n;
  return n;
}

// What one element of the pattern takes from the text: bytes of both, or no match.
struct Step {
  size_t text_bytes = 0;  // 0: does not match
  size_t pattern_bytes = 0;
};

Step match_one(std::string_view text, size_t t, std::string_view pattern, size_t p,
               LikeCase letters) {
  if (t >= text.size()) return {};
  if (pattern[p] == '_') return {code_point_bytes(text, t), 1};
  size_t width = 1;
  if (pattern[p] == '\\') {
    if (p + 1 >= pattern.size()) return {};
    ++p;
    width = 2;
  }
  if (folded(text[t], letters) != folded(pattern[p], letters)) return {};
  return {1, width};
}

}  // namespace

// Going back to the last `%` alone is enough: an earlier one that took more could only leave less
// for what follows.
bool matches_like(std::string_view text, std::string_view pattern, LikeCase letters) {
  constexpr size_t kNone = SIZE_MAX;
  size_t t = 0, p = 0, after_percent = kNone, retry_from = 0;
  while (t < text.size() || p < pattern.size()) {
    if (p < pattern.size() && pattern[p] == '%') {
      after_percent = ++p;
      retry_from = t;
      continue;
    }
    if (p < pattern.size()) {
      Step step = match_one(text, t, pattern, p, letters);
      if (step.text_bytes != 0) {
        t += step.text_bytes;
        p += step.pattern_bytes;
        continue;
      }
    }
    if (after_percent == kNone || retry_from >= text.size()) return false;
    retry_from += code_point_bytes(text, retry_from);
    t = retry_from;
    p = after_percent;
  }
  return true;
}

}  // namespace mettle::db

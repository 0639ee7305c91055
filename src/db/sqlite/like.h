// LIKE with the meaning that both engines share: `%` any run, `_` one code point, backslash takes
// the next character as it is, the whole text must match. Any thread; no allocation; time is at
// most text × pattern.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mettle::db {

enum class LikeCase : uint8_t { kExact, kFoldAscii };

constexpr size_t kLikePatternBytesMax = 4096;

// A pattern that ends in a lone backslash matches nothing.
bool matches_like(std::string_view text, std::string_view pattern, LikeCase letters);

}  // namespace mettle::db

// Patterns of RE2's syntax (base/pattern.h) as PostgreSQL's "advanced" regular expressions that
// match the same texts. Pure; any thread. Linear in what it writes.
//
// Translated: literals, \Q…\E, escapes of a character (\n \t \x41 \x{1F600} \.), `.`, classes with
// ranges, \d \s \w \D \S \W and [:alpha:] (ASCII on both), alternatives, groups of every kind, `*`
// `+` `?` {n} {n,} {n,m} up to 255 and their lazy forms, `^` `$` \A \z \b, the flags i (of ASCII
// letters and what folds to them), m, s and U, anywhere.
//
// Not translated: \p{…} \pN \X \C \B, octal escapes, more than 255 repetitions, letters beyond
// ASCII where case does not count, and what is larger than the server's limits (kPatternSizeMax).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace mettle::db::postgres {

// Characters and classes, those that repetitions stand for counted each.
inline constexpr int64_t kPatternSizeMax = 2000;

// kInvalid: what RE2 says of a pattern that is none, or which construct cannot be translated and
// where it stands.
Result<std::string> to_are(std::string_view pattern);

}  // namespace mettle::db::postgres

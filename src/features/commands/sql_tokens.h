// The words of an SQL text, as far as Mettle must understand it: where names, `:path` parameters,
// strings and operators stand. Shared by both engines' dialects. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mettle::commands {

struct SqlToken {
  enum class Kind : uint8_t {
    kName,       // identifier or keyword; text is lower case unless quoted
    kQuoted,     // "name": text without its quotes
    kParameter,  // :path; text without the colon
    kString,
    kNumber,
    kOperator,  // one or more characters: >= <> || :: ->>
    kMark,      // ( ) , ; .
    kForeign,   // ? @x $x: another way to bind a value
  };
  Kind kind = Kind::kMark;
  std::string text;
  size_t begin = 0, end = 0;  // bytes of the source

  bool is_name() const { return kind == Kind::kName || kind == Kind::kQuoted; }
  // A keyword, operator or mark.
  bool is(std::string_view word) const {
    return (kind == Kind::kName || kind == Kind::kOperator || kind == Kind::kMark) && text == word;
  }
};

// Comments and blanks are left out. Fails (kInvalid, with the offset) on a string, name or comment
// that does not end.
Result<std::vector<SqlToken>> sql_tokens(std::string_view sql);

}  // namespace mettle::commands

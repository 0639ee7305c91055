// Tokens of a rule, as the CEL specification writes them (strings with escapes, raw and
// triple-quoted forms, decimal and hexadecimal ints, floats, comments). Pure function of the text;
// any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"

namespace mettle::rules {

struct Token {
  enum class Kind : uint8_t { kName, kInt, kFloat, kText, kSymbol, kEnd };
  Kind kind = Kind::kEnd;
  std::string text;  // name, symbol, digits of an int; the content of a text
  double real = 0;   // kFloat
  uint32_t offset = 0;
  uint32_t end = 0;
};

// What is wrong, and where.
struct SyntaxFault {
  uint32_t offset = 0;
  std::string message;
  std::string fix;
};

// False on a fault. The last token is kEnd.
bool tokenize(std::string_view text, std::vector<Token>& tokens, SyntaxFault& fault);

}  // namespace mettle::rules

// Parts: a condition taken apart, for whoever explains what it came to: each part in the words of
// the language, and the values that its leaves compare.
//
// Pure; any thread; costs as much as a compilation, so only where somebody asks for it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "rules/rules.h"

namespace mettle::rules {

// The expression as one would write it. Conversions that the checker added are left out.
std::string text_of(const Expr& expr);

struct Part {
  std::string text;
  int depth = 0;  // 0: the whole; its operands follow it, one deeper
  ExprRef expr;
  // Of a part that is no logic of others: what it compares, each with its text. Literals are left
  // out, and what a quantifier binds.
  std::vector<std::pair<std::string, ExprRef>> operands;
};
std::vector<Part> parts_of(const Expr& condition);

}  // namespace mettle::rules

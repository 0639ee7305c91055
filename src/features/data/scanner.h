// Scanner: a cursor over one parameter's text, for the grammars of select, order and filters.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace mettle::data {

class Scanner {
 public:
  Scanner(std::string_view text, std::string_view parameter) : text_(text), parameter_(parameter) {}

  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool take(char c);
  bool take(std::string_view word);
  // Letters, digits and underscores.
  std::string_view name();
  // Up to (without) the first of `stops` or the end.
  std::string_view until(std::string_view stops);
  std::string_view rest();
  // A value inside a list: "quoted" with \" and \\, or bare up to one of `stops`.
  Result<std::string> value(std::string_view stops);

  // 400 naming the parameter: what was expected, and where.
  std::unexpected<Error> expected(std::string_view what) const;
  std::unexpected<Error> wrong(std::string detail, Code code = Code::kInvalidParameter) const;
  std::string_view parameter() const { return parameter_; }

 private:
  std::string_view text_;
  std::string_view parameter_;
  size_t at_ = 0;
};

}  // namespace mettle::data

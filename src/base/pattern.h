// Pattern: a regular expression of RE2's syntax (linear time, no back references). Immutable; any
// thread may match.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mettle {

class Pattern {
 public:
  // Fails with what is wrong in the pattern.
  static Result<std::shared_ptr<const Pattern>> compile(std::string_view text);
  ~Pattern();
  Pattern(const Pattern&) = delete;

  // Anywhere in the text, unless the pattern is anchored. `text` is UTF-8.
  bool found_in(std::string_view text) const;

 private:
  struct Impl;
  explicit Pattern(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mettle

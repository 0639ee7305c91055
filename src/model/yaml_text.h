// Text-level knowledge of YAML that yaml_read needs around the parser: what a file may contain at
// all, where the characters of a scalar stand, and how a line looks with its quotes given back.
// Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/source.h"

namespace mettle::model {

// The lines of a text that outlives it, 1-based, without their ends; "" where there is none.
class Lines {
 public:
  explicit Lines(std::string_view text);
  std::string_view line(int n) const;

 private:
  std::string_view text_;
  std::vector<size_t> starts_;
};

// Size, UTF-8, byte order mark, control characters, tabs as indentation. False if the text cannot
// be given to the parser.
bool check_text(std::string& text, Faults& faults);

// The source of a scalar whose node begins at `offset` (at its quote or block sign if it has one):
// where its first character and the first of each further line stand. Best effort for escapes.
Source align(std::string_view text, size_t offset, Pos pos, const std::string& value);

}  // namespace mettle::model

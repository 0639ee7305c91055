// Text-level knowledge of YAML that yaml_read needs around the parser: what a file may contain at
// all, where the characters of a scalar stand, and how a line looks with its quotes given back.
// Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "model/source.h"

namespace mettle::model {

std::string_view line_of(std::string_view text, int n);

// Size, UTF-8, byte order mark, control characters, tabs as indentation. False if the text cannot
// be given to the parser.
bool check_text(std::string& text, Faults& faults);

// The source of a scalar whose node begins at `offset` (at its quote or block sign if it has one):
// where its first character and the first of each further line stand. Best effort for escapes.
Source align(std::string_view text, size_t offset, Pos pos, const std::string& value);

}  // namespace mettle::model

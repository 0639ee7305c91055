// The meaning of an app file as one text: the same for any order of keys, comments and layout.
// Pure, any thread.
#pragma once

#include <string>

#include "model/yaml_read.h"

namespace mettle::model {

// SHA-256, hex. What comes from the environment has no part in it.
std::string meaning_hash(const Node& root);

}  // namespace mettle::model

// What `mettle --version` prints.
#pragma once

#include <string>

namespace mettle::app {

std::string version_text();  // "mettle 0.1.0 (SQLite 3.53.2)"

}  // namespace mettle::app

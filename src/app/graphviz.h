// Graphviz as a program beside us: DOT in, SVG out. Main thread; waits for the program's end.
#pragma once

#include <string>

#include "base/result.h"

namespace mettle::app {

// kUnavailable with the way to install it where there is no `dot`, and with its exit code where it
// failed.
Result<std::string> svg_of_dot(const std::string& dot);

}  // namespace mettle::app

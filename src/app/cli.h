// The command line: picks the command, parses its options, prints help. The one place that knows
// CLI11. Main thread; never throws.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "app/command.h"

namespace mettle::app {

// `words` without the program's name. Gives the exit code. `version` is what --version prints.
int run_cli(std::span<const std::string> words, const std::vector<Command>& table,
            std::string_view version, Io& io);

}  // namespace mettle::app

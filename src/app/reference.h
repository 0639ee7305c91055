// Pages of docs/reference that are made from what the program knows of itself. A test compares them
// with the committed files; METTLE_WRITE_REFERENCE=1 makes it write them instead. Pure.
#pragma once

#include <string>
#include <vector>

#include "app/command.h"

namespace mettle::app {

// docs/reference/cli.md: every command with its options and example.
std::string cli_reference(const std::vector<Command>& commands);
// docs/reference/check.md: the codes of what `mettle check` finds, also those of rules and SQL.
std::string check_reference();
// The codes of that page.
std::vector<std::string> published_fault_codes();

}  // namespace mettle::app

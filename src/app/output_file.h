// Where a command's product goes: stdout, or the file that -o names, which is replaced at once or
// not at all. Main thread.
#pragma once

#include <string>
#include <string_view>

#include "app/command.h"

namespace mettle::app {

// The option -o, and its name for Arguments.
inline constexpr std::string_view kOutput = "-o,--output";
Option output_option();

// The exit code; what went wrong is said on io.err.
int put_output(const Arguments& args, std::string_view text, Io& io);

// kUnavailable with what is wrong.
Result<> write_file(const std::string& path, std::string_view text);

}  // namespace mettle::app

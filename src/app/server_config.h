// The server's settings as options of a command, and the configuration that a command line,
// environment and --config file make together. Main thread.
#pragma once

#include <string_view>
#include <vector>

#include "app/command.h"
#include "engine/config.h"

namespace mettle::app {

// --config and an option for each named setting ("data", "store"); for every one if none is named.
std::vector<Option> setting_options(const std::vector<std::string_view>& names = {});

// From the options that `args` declares, METTLE_* and the --config file.
Result<engine::LoadedConfig> config_of(const Arguments& args);

}  // namespace mettle::app

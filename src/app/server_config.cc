#include "app/server_config.h"

#include <fmt/ranges.h>

#include <cstdlib>

#include "base/check.h"

namespace mettle::app {

std::vector<Option> setting_options(const std::vector<std::string_view>& names) {
  std::vector<Option> out;
  for (const engine::Setting& setting : engine::settings()) {
    if (!names.empty() && std::ranges::find(names, setting.name) == names.end()) continue;
    if (setting.secret) continue;
    std::string help(setting.doc);
    if (const std::string range = setting.range(); !range.empty()) help += "; " + range;
    // The default stays out of the option, so that text() is what the command line itself says.
    if (!setting.default_text.empty()) help += "; default " + std::string(setting.default_text);
    out.push_back({setting.flag(), std::string(setting.placeholder), std::move(help), "", false,
                   setting.kind == engine::SettingKind::kList});
  }
  CHECK(names.empty() || out.size() == names.size());
  out.push_back({"--config", "FILE", "server settings as YAML (METTLE_CONFIG)"});
  return out;
}

Result<engine::LoadedConfig> config_of(const Arguments& args) {
  engine::ConfigSources sources;
  sources.environment = engine::mettle_environment();
  for (const engine::Setting& setting : engine::settings()) {
    const std::string flag = setting.flag();
    if (!args.declares(flag) || !args.has(flag)) continue;
    std::string text = args.text(flag);
    if (setting.kind == engine::SettingKind::kList) {
      text = fmt::format("{}", fmt::join(args.all(flag), ","));
    }
    sources.flags.emplace_back(setting.name, std::move(text));
  }
  if (args.declares("--config") && args.has("--config")) {
    sources.file = args.text("--config");
  } else {
    for (const auto& [name, value] : sources.environment) {
      if (name == "METTLE_CONFIG") sources.file = value;
    }
  }
  return engine::load_config(sources);
}

}  // namespace mettle::app

// `mettle config`: every setting of the server, its value and where that came from.
#include <fmt/format.h>

#include <ostream>

#include "app/commands/commands.h"
#include "app/server_config.h"
#include "base/json_write.h"

namespace mettle::app {
namespace {

void print_json(const engine::LoadedConfig& loaded, std::ostream& out) {
  std::string text;
  JsonWriter json(text);
  json.begin_array();
  const auto table = engine::settings();
  for (size_t i = 0; i < table.size(); ++i) {
    json.begin_object();
    json.key("name");
    json.string(table[i].name);
    json.key("value");
    json.string(engine::shown(table[i], loaded.values[i].text));
    json.key("from");
    json.string(loaded.values[i].origin);
    json.key("default");
    json.string(table[i].default_text);
    json.key("range");
    json.string(table[i].range());
    json.key("flag");
    json.string(table[i].secret ? std::string() : table[i].flag());
    json.key("variable");
    json.string(table[i].variable());
    json.key("doc");
    json.string(table[i].doc);
    json.end_object();
  }
  json.end_array();
  out << text << '\n';
}

void print_table(const engine::LoadedConfig& loaded, std::ostream& out) {
  const auto table = engine::settings();
  for (size_t i = 0; i < table.size(); ++i) {
    out << fmt::format("{:<20} {:<18} {}\n", table[i].name,
                       engine::shown(table[i], loaded.values[i].text), loaded.values[i].origin);
  }
}

int run(const Arguments& args, Io& io) {
  const auto loaded = config_of(args);
  if (!loaded) return report(loaded.error(), io);
  if (args.has("--json")) {
    print_json(*loaded, io.out);
  } else {
    print_table(*loaded, io.out);
  }
  const Result<> mail = engine::check_mail_settings(loaded->config);
  if (!mail) return report(mail.error(), io);
  return kDone;
}

}  // namespace

Command config_command() {
  Command command;
  command.name = "config";
  command.summary = "print the server's settings and where each comes from";
  command.description =
      "Prints every setting with its value and its origin: an option, a METTLE_ variable, the\n"
      "--config file, or the default, in that order of precedence. Passwords are masked.";
  command.example =
      "METTLE_LOG_LEVEL=debug mettle config --config server.yaml\n"
      "mettle config --json | jq '.[] | select(.from != \"default\")'";
  command.options = setting_options();
  command.options.push_back(json_option());
  command.run = &run;
  return command;
}

}  // namespace mettle::app

// `mettle secret show webhook`: what the program behind a handler checks signatures with.
#include <ostream>

#include "app/commands/commands.h"
#include "app/open_app.h"
#include "app/server_config.h"
#include "base/json_write.h"
#include "engine/node_secrets.h"
#include "features/commands/webhook.h"

namespace mettle::app {
namespace {

int run_show(const Arguments& args, Io& io) {
  // The others sign for Mettle itself and are nobody's to know.
  const std::string name = args.text("NAME");
  if (name != commands::kWebhookSecret) {
    return report(make_error(Code::kUsage, "there is no secret \"" + name +
                                               "\" to show; the one of handlers is `webhook`"),
                  io);
  }
  const auto loaded = config_of(args);
  if (!loaded) return report(loaded.error(), io);
  auto session = Session::open(loaded->config);
  if (!session) return report(session.error(), io);
  Context ctx = (*session)->context();
  const auto secret = (*session)->run(engine::node_secret(ctx, (*session)->store(), name));
  if (!secret) return report(secret.error(), io);
  const std::string text = commands::webhook_secret_text(*secret);
  if (!args.has("--json")) {
    io.out << text << '\n';
    return kDone;
  }
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("name");
  json.string(name);
  json.key("secret");
  json.string(text);
  json.end_object();
  io.out << out << '\n';
  return kDone;
}

}  // namespace

Command secret_show_command() {
  Command command;
  command.name = "secret show";
  command.summary = "print the secret that signs what handlers get";
  command.description =
      "Prints the secret with which `mettle serve` signs the requests to handlers (Standard "
      "Webhooks), alone on stdout: whsec_ and base64. It is made once and kept with the data; "
      "every "
      "server on that database has the same one.";
  command.example = "mettle secret show webhook --data ./data";
  command.options = {{"NAME", "NAME", "which: webhook", "", true}};
  for (Option& option : setting_options({"data", "store"})) {
    command.options.push_back(std::move(option));
  }
  command.options.push_back(json_option());
  command.run = &run_show;
  return command;
}

}  // namespace mettle::app

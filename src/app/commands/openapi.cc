// `mettle openapi`: the document that /openapi.json would be.
#include "features/openapi/openapi.h"

#include "app/commands/commands.h"
#include "app/offline_app.h"
#include "app/output_file.h"

namespace mettle::app {
namespace {

int run(const Arguments& args, Io& io) {
  const OfflineApp app = compile_offline(args.text("FILE"));
  if (!usable(app, io)) return kFailed;
  return put_output(args, openapi::document(*app.snapshot) + "\n", io);
}

}  // namespace

Command openapi_command() {
  Command command;
  command.name = "openapi";
  command.summary = "print the OpenAPI document of the app";
  command.description =
      "OpenAPI 3.1, JSON: what `mettle serve` answers at /openapi.json, without serving.";
  command.example =
      "mettle openapi shop.yaml | jq -r '.paths | keys[]'\n"
      "mettle openapi shop.yaml -o openapi.json";
  command.options = {file_operand(), output_option()};
  command.run = &run;
  return command;
}

}  // namespace mettle::app

// `mettle schema`: the keys of the app file for editors.
#include "app/commands/commands.h"
#include "app/output_file.h"
#include "model/keys.h"

namespace mettle::app {
namespace {

int run(const Arguments& args, Io& io) {
  return put_output(args, model::json_schema(), io);
}

}  // namespace

Command schema_command() {
  Command command;
  command.name = "schema";
  command.summary = "print the JSON Schema of the app file, for editors";
  command.description =
      "JSON Schema 2020-12 of mettle.yaml. An editor with a YAML language server completes and\n"
      "explains the keys when the file begins with\n"
      "# yaml-language-server: $schema=mettle.schema.json";
  command.example = "mettle schema -o mettle.schema.json";
  command.options = {output_option()};
  command.run = &run;
  return command;
}

}  // namespace mettle::app

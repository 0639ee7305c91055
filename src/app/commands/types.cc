// `mettle types`: the app's types and a client for TypeScript.
#include "app/commands/commands.h"
#include "app/offline_app.h"
#include "app/output_file.h"
#include "app/typescript.h"

namespace mettle::app {
namespace {

int run(const Arguments& args, Io& io) {
  const OfflineApp app = compile_offline(args.text("FILE"));
  if (!usable(app, io)) return kFailed;
  return put_output(args, typescript(*app.snapshot), io);
}

}  // namespace

Command types_command() {
  Command command;
  command.name = "types";
  command.summary = "print TypeScript types and a client of the app";
  command.description =
      "One TypeScript file without dependencies: the types of tables, commands, queries and "
      "routes,\n"
      "and a client over fetch with typed filters, pages, problems as errors, and retries that\n"
      "have one effect. Runs in browsers, Node 18 and later, Deno and Bun.";
  command.example =
      "mettle types shop.yaml -o client.ts\n"
      "# createClient({url, key}).table(\"products\").list({where: {price: {lt: 100}}})";
  command.options = {file_operand(), output_option()};
  command.run = &run;
  return command;
}

}  // namespace mettle::app

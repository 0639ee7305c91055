// `mettle diagram`: the tables and their references as a picture.
#include <fmt/format.h>

#include <ostream>

#include "app/commands/commands.h"
#include "app/graphviz.h"
#include "app/offline_app.h"
#include "app/output_file.h"
#include "features/openapi/openapi.h"

namespace mettle::app {
namespace {

int run(const Arguments& args, Io& io) {
  const std::string format = args.text("--format");
  if (format != "mermaid" && format != "dot" && format != "svg") {
    io.err << fmt::format("mettle: diagram: --format is mermaid, dot or svg, not \"{}\"\n", format);
    return kWrongUsage;
  }
  const OfflineApp app = compile_offline(args.text("FILE"));
  if (!usable(app, io)) return kFailed;
  if (format == "mermaid") return put_output(args, openapi::mermaid_diagram(*app.model), io);
  const std::string dot = openapi::dot_diagram(*app.model);
  if (format == "dot") return put_output(args, dot, io);
  const auto svg = svg_of_dot(dot);
  return svg ? put_output(args, *svg, io) : report(svg.error(), io);
}

}  // namespace

Command diagram_command() {
  Command command;
  command.name = "diagram";
  command.summary = "draw the tables and their references";
  command.description =
      "An entity-relationship diagram: Mermaid (GitHub and many editors show it), DOT, or SVG,\n"
      "which Graphviz draws.";
  command.example =
      "mettle diagram shop.yaml\n"
      "mettle diagram shop.yaml --format svg -o shop.svg";
  command.options = {
      file_operand(), {"--format", "FORMAT", "mermaid, dot or svg", "mermaid"}, output_option()};
  command.run = &run;
  return command;
}

}  // namespace mettle::app

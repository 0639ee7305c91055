// The tables and their references as Mermaid and DOT.
#include "features/openapi/openapi.h"

namespace mettle::openapi {

namespace {

const std::string& target_name(const model::AppModel& app, const model::Column& column) {
  return app.tables[static_cast<size_t>(column.shape.references)].name;
}

bool is_reference(const model::Column& column) {
  return column.shape.type == model::Type::kReference;
}

bool is_key(const model::Table& table, int column) {
  if (table.key.empty()) return column == 0;
  return std::find(table.key.begin(), table.key.end(), column) != table.key.end();
}

}  // namespace

std::string mermaid_diagram(const model::AppModel& app) {
  std::string out = "erDiagram\n";
  for (const model::Table& table : app.tables) {
    out += fmt::format("  {} {{\n", table.name);
    for (int i = 0; i < static_cast<int>(table.columns.size()); ++i) {
      const model::Column& column = table.columns[static_cast<size_t>(i)];
      if (column.hidden) continue;
      std::string marks = is_key(table, i) ? " PK" : "";
      if (is_reference(column)) marks += marks.empty() ? " FK" : ", FK";
      if (column.unique) marks += marks.empty() ? " UK" : ", UK";
      out += fmt::format("    {} {}{}\n", model::type_name(column.shape.type), column.name, marks);
    }
    out += "  }\n";
  }
  for (const model::Table& table : app.tables) {
    for (const model::Column& column : table.columns) {
      if (!is_reference(column)) continue;
      out += fmt::format("  {} {}--o{{ {} : \"{}\"\n", target_name(app, column),
                         column.shape.optional ? "|o" : "||", table.name, column.name);
    }
  }
  return out;
}

std::string dot_diagram(const model::AppModel& app) {
  std::string out =
      "digraph tables {\n  rankdir=LR;\n  graph [pad=0.3, nodesep=0.4, ranksep=0.9];\n"
      "  node [shape=plaintext, fontname=\"Helvetica\", fontsize=11];\n"
      "  edge [color=\"#64748b\", arrowsize=0.7];\n";
  for (const model::Table& table : app.tables) {
    out += fmt::format(
        "  \"{}\" [label=<<table border=\"0\" cellborder=\"1\" cellspacing=\"0\" cellpadding=\"4\">"
        "<tr><td bgcolor=\"#1e293b\"><font color=\"white\"><b>{}</b></font></td></tr>",
        table.name, table.name);
    for (int i = 0; i < static_cast<int>(table.columns.size()); ++i) {
      const model::Column& column = table.columns[static_cast<size_t>(i)];
      if (column.hidden) continue;
      out += fmt::format(
          "<tr><td align=\"left\" port=\"{}\">{}{}{} <font color=\"#64748b\">{}{}</font></td></tr>",
          column.name, is_key(table, i) ? "<b>" : "", column.name, is_key(table, i) ? "</b>" : "",
          model::type_name(column.shape.type), column.shape.optional ? "?" : "");
    }
    out += "</table>>];\n";
  }
  for (const model::Table& table : app.tables) {
    for (const model::Column& column : table.columns) {
      if (!is_reference(column)) continue;
      out += fmt::format("  \"{}\":\"{}\" -> \"{}\":\"{}\"{};\n", table.name, column.name,
                         target_name(app, column), "id",
                         column.shape.optional ? " [style=dashed]" : "");
    }
  }
  out += "}\n";
  return out;
}

}  // namespace mettle::openapi

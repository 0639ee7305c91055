#include "app/typescript.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/embedded_files.h"
#include "base/check.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/text.h"
#include "engine/shape_schema.h"

namespace mettle::app {
namespace {

using engine::Wire;

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string property_name(std::string_view name) {
  const bool plain =
      !name.empty() && !is_ascii_digit(name[0]) && std::ranges::all_of(name, [](char c) {
        const char low = ascii_lower(c);
        return (low >= 'a' && low <= 'z') || is_ascii_digit(c) || c == '_';
      });
  return plain ? std::string(name) : quoted(name);
}

// JSON Schema, as this program writes it, to a type. `indent` is that of the line it begins on.
class TypeOf {
 public:
  explicit TypeOf(const model::AppModel& app) : app_(app) {}

  std::string text(std::string_view schema, size_t indent) const {
    const auto document = JsonDocument::parse(schema);
    CHECK(document.has_value());  // our own writing
    return type(document->root(), indent);
  }

 private:
  std::string type(const JsonNode& schema, size_t indent) const {
    if (const auto ref = schema.find("$ref")) return reference(ref->text());
    if (const auto values = schema.find("enum")) return literals(*values);
    for (const std::string_view word : {"anyOf", "oneOf"}) {
      if (const auto choices = schema.find(word)) return choice(*choices, indent);
    }
    const auto named = schema.find("type");
    if (!named) return "Json";
    if (!named->is_array()) return one(named->text(), schema, indent);
    std::string out;
    for (const JsonNode name : named->elements()) join(out, one(name.text(), schema, indent));
    return out;
  }

  static void join(std::string& out, const std::string& part) {
    if (!out.empty()) out += " | ";
    out += part;
  }

  std::string reference(const std::string& ref) const {
    const std::string name = ref.substr(ref.rfind('/') + 1);
    if (name == "Problem") return "ProblemDocument";
    const std::pair<std::string_view, std::string_view> kinds[] = {
        {"", "Row"}, {"_create", "Create"}, {"_patch", "Patch"}};
    for (const auto& [ending, kind] : kinds) {
      if (!name.ends_with(ending)) continue;
      const std::string table = name.substr(0, name.size() - ending.size());
      if (app_.find_table(table) >= 0) return fmt::format("{}<\"{}\">", kind, table);
    }
    return "Json";
  }

  static std::string literals(const JsonNode& values) {
    std::string out;
    for (const JsonNode value : values.elements()) join(out, std::string(value.source()));
    return out.empty() ? "never" : out;
  }

  std::string choice(const JsonNode& choices, size_t indent) const {
    std::string out;
    for (const JsonNode each : choices.elements()) join(out, type(each, indent));
    return out;
  }

  std::string one(const std::string& name, const JsonNode& schema, size_t indent) const {
    if (name == "integer" || name == "number") return "number";
    if (name == "boolean" || name == "string" || name == "null") return name;
    if (name == "array") {
      const auto items = schema.find("items");
      return fmt::format("Array<{}>", items ? type(*items, indent) : "Json");
    }
    return object(schema, indent);
  }

  std::string object(const JsonNode& schema, size_t indent) const {
    const auto properties = schema.find("properties");
    const auto rest = schema.find("additionalProperties");
    const bool closed = rest && rest->kind() == JsonKind::kBool && !rest->boolean();
    if (!properties || properties->size() == 0) {
      if (closed) return "Record<string, never>";
      return fmt::format("Record<string, {}>",
                         rest && rest->is_object() ? type(*rest, indent) : "Json");
    }
    std::string out = "{\n";
    const std::string margin(indent + 2, ' ');
    for (const auto& [key, value] : properties->members()) {
      const std::string name = key.text();
      if (const auto doc = value.find("description")) {
        out += fmt::format("{}/** {} */\n", margin, comment(doc->text()));
      }
      out += fmt::format("{}{}{}: {};\n", margin, property_name(name),
                         is_required(schema, name) ? "" : "?", type(value, indent + 2));
    }
    return out + std::string(indent, ' ') + "}";
  }

  static bool is_required(const JsonNode& schema, std::string_view name) {
    const auto required = schema.find("required");
    if (!required) return false;
    for (const JsonNode each : required->elements()) {
      if (each.text_equals(name)) return true;
    }
    return false;
  }

 public:
  // What may stand in a comment of one line.
  static std::string comment(std::string_view text) {
    std::string out;
    for (const char c : text) {
      if (c == '/' && out.ends_with('*')) out += ' ';
      out += c == '\n' || c == '\r' ? ' ' : c;
    }
    return std::string(trim_ascii(out));
  }

 private:
  const model::AppModel& app_;
};

class ClientWriter {
 public:
  explicit ClientWriter(const engine::Snapshot& snapshot)
      : snapshot_(snapshot), app_(snapshot.model()), type_(app_) {}

  std::string write() {
    line("// Made by `mettle types`, for the app \"" + app_.app + "\": do not edit, make it anew.");
    line("");
    line("// ---- What the app has");
    line("");
    line(fmt::format("const apiPrefix = \"/api/v{}\";", app_.api));
    keyed_routes();
    tables();
    commands();
    queries();
    routes();
    out_ += '\n';
    out_ += embedded_file("client.ts");
    return std::move(out_);
  }

 private:
  void line(std::string_view text) {
    out_ += text;
    out_ += '\n';
  }
  void doc(std::string_view text, size_t indent) {
    if (text.empty()) return;
    line(fmt::format("{}/** {} */", std::string(indent, ' '), TypeOf::comment(text)));
  }

  const engine::Route* served(std::string_view method, std::string_view path) const {
    for (const engine::Route& route : snapshot_.routes()) {
      if (route.path == path && net::method_name(route.method) == method) return &route;
    }
    return nullptr;
  }

  // Of the good answer: what call() gives.
  std::string answer(const engine::Route* route, size_t indent) const {
    if (route == nullptr) return "Json";
    for (const engine::Reply& reply : route->operation.replies) {
      if (reply.status >= 400) continue;
      if (reply.status >= 300) return "Response";
      if (reply.content_type.empty()) return "void";
      if (reply.content_type.starts_with("text/")) return "string";
      if (!reply.content_type.starts_with("application/json")) return "Response";
      return reply.schema.empty() ? "Json" : type_.text(reply.schema, indent);
    }
    return "Json";
  }

  std::string input(const std::vector<model::Member>& members, size_t indent) const {
    if (members.empty()) return "Record<string, never>";
    return type_.text(engine::object_schema(app_, members, Wire::kIn), indent);
  }

  void keyed_routes() {
    std::string list;
    for (const model::Route& route : app_.routes) {
      const engine::Route* found = served(route.method, route.path);
      if (found == nullptr || !found->idempotent_key) continue;
      list += (list.empty() ? "" : ", ") + quoted(route.method + " " + route.path);
    }
    line("/** Routes that take an Idempotency-Key, so that they may be tried again. */");
    line(fmt::format("const keyedRoutes: readonly string[] = [{}];", list));
  }

  std::string key_type(const model::Table& table) const {
    std::vector<int> columns = table.key;
    if (columns.empty()) columns.push_back(table.find_column("id"));
    std::string out;
    for (const int index : columns) {
      const model::Shape& shape = table.columns[static_cast<size_t>(index)].shape;
      const std::string type = type_.text(engine::shape_schema(app_, shape, Wire::kOut, false), 4);
      out += (out.empty() ? "" : ", ") + type;
    }
    return columns.size() == 1 ? out : "readonly [" + out + "]";
  }

  void tables() {
    line("");
    line("export interface Tables {");
    for (const model::Table& table : app_.tables) {
      doc(table.doc, 2);
      line(fmt::format("  {}: {{", table.name));
      line("    row: {");
      for (const model::Column& column : table.columns) {
        if (column.hidden) continue;
        doc(column.doc, 6);
        // A column with a rule of its own is left out for whom it refuses.
        line(fmt::format(
            "      {}{}: {};", column.name, column.read ? "?" : "",
            type_.text(engine::shape_schema(app_, column.shape, Wire::kOut, column.shape.optional),
                       6)));
      }
      line("    };");
      for (const std::string_view kind : {"create", "patch"}) {
        const auto schema = snapshot_.schemas().find(fmt::format("{}_{}", table.name, kind));
        line(fmt::format("    {}: {};", kind,
                         schema == snapshot_.schemas().end() ? std::string("never")
                                                             : type_.text(schema->second, 4)));
      }
      line(fmt::format("    key: {};", key_type(table)));
      line("  };");
    }
    line("}");
  }

  void commands() {
    line("");
    line("export interface Commands {");
    for (const model::Command& command : app_.commands) {
      const auto* route =
          served("POST", fmt::format("/api/v{}/commands/{}", app_.api, command.name));
      doc(command.doc, 2);
      line(fmt::format("  {}: {{", command.name));
      line(fmt::format("    input: {};", input(command.input, 4)));
      line(fmt::format("    output: {};", answer(route, 4)));
      line("  };");
    }
    line("}");
  }

  void queries() {
    line("");
    line("export interface Queries {");
    for (const model::Query& query : app_.queries) {
      const auto* route = served("GET", fmt::format("/api/v{}/queries/{}", app_.api, query.name));
      doc(query.doc, 2);
      line(fmt::format("  {}: {{", query.name));
      line(fmt::format("    input: {};", input(query.input, 4)));
      line(fmt::format("    output: {};", answer(route, 4)));
      line("  };");
    }
    line("}");
  }

  void routes() {
    line("");
    line("export interface Routes {");
    for (const model::Route& route : app_.routes) {
      doc(route.doc, 2);
      line(fmt::format("  {}: {{", quoted(route.method + " " + route.path)));
      std::string path;
      for (const std::string& name : route.path_names) {
        path += fmt::format("{}{}: string", path.empty() ? "" : "; ", property_name(name));
      }
      line(path.empty() ? "    path: Record<string, never>;" : "    path: { " + path + " };");
      line(fmt::format("    input: {};", input(route.input, 4)));
      line(fmt::format("    output: {};", answer(served(route.method, route.path), 4)));
      line("  };");
    }
    line("}");
  }

  const engine::Snapshot& snapshot_;
  const model::AppModel& app_;
  const TypeOf type_;
  std::string out_;
};

}  // namespace

std::string typescript(const engine::Snapshot& app) {
  return ClientWriter(app).write();
}

}  // namespace mettle::app

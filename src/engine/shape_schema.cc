#include "engine/shape_schema.h"

#include "base/json_write.h"

namespace mettle::engine {

namespace {

using model::Type;

void keyword(JsonWriter& writer, std::string_view name, std::string_view text) {
  writer.key(name);
  writer.string(text);
}

void keyword(JsonWriter& writer, std::string_view name, const std::optional<int64_t>& number) {
  if (!number) return;
  writer.key(name);
  writer.integer(*number);
}

// Whether ECMAScript, whose patterns JSON Schema has, reads the RE2 pattern and reads it alike.
bool is_ecma(std::string_view pattern) {
  constexpr std::string_view kEscapes = R"(dDwWsStnrf^$\.*+?()[]{}|/)";
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    const std::string_view rest = pattern.substr(i + 1);
    if (c == '\\') {
      if (rest.empty()) return false;
      if (kEscapes.find(rest[0]) == std::string_view::npos && !(in_class && rest[0] == '-')) {
        return false;
      }
      ++i;
    } else if (in_class) {
      if (c == '[' && rest.starts_with(':')) return false;
      in_class = c != ']';
    } else if (c == '[') {
      if (rest.starts_with(']') || rest.starts_with("^]")) return false;
      in_class = true;
    } else if (c == '(') {
      if (rest.starts_with('?') && !rest.starts_with("?:")) return false;
    } else if (c == '{') {
      const size_t end = rest.find('}');
      if (end == std::string_view::npos || end == 0 ||
          rest.substr(0, end).find_first_not_of("0123456789,") != std::string_view::npos) {
        return false;
      }
      i += end + 1;
    } else if (c == ']' || c == '}') {
      return false;
    }
  }
  return true;
}

void text_schema(JsonWriter& writer, const model::Shape& shape, bool nullable) {
  write_type(writer, "string", nullable);
  keyword(writer, "minLength", shape.length_min);
  keyword(writer, "maxLength", shape.length_max);
  if (shape.match.empty()) return;
  if (is_ecma(shape.match)) return keyword(writer, "pattern", shape.match);
  keyword(writer, "description", fmt::format("must match `{}` (RE2)", shape.match));
}

// Digits with exactly the column's scale, as the server writes them.
std::string decimal_pattern(int scale) {
  return scale == 0 ? "^-?[0-9]+$" : fmt::format("^-?[0-9]+\\.[0-9]{{{}}}$", scale);
}

void decimal_schema(JsonWriter& writer, const model::Shape& shape, Wire wire, bool nullable) {
  if (wire == Wire::kOut) {
    write_type(writer, "string", nullable);
    return keyword(writer, "pattern", decimal_pattern(shape.scale));
  }
  writer.key("type");
  writer.begin_array();
  writer.string("string");
  writer.string("number");
  if (nullable) writer.string("null");
  writer.end_array();
  keyword(writer, "pattern", R"(^-?[0-9]+(\.[0-9]+)?$)");
  keyword(writer, "description",
          fmt::format("a decimal with at most {} digits, {} after the point", shape.precision,
                      shape.scale));
}

void number_bounds(JsonWriter& writer, const model::Shape& shape, Wire wire) {
  if (wire == Wire::kOut) return;
  if (shape.min) {
    writer.key("minimum");
    writer.value(*shape.min);
  }
  if (shape.max) {
    writer.key("maximum");
    writer.value(*shape.max);
  }
}

void members_schema(JsonWriter& writer, const model::AppModel& app,
                    const std::vector<model::Member>& members, Wire wire) {
  writer.key("properties");
  writer.begin_object();
  for (const model::Member& member : members) {
    writer.key(member.name);
    writer.raw(shape_schema(app, member.shape, wire, member.shape.optional));
  }
  writer.end_object();
  bool any = false;
  for (const model::Member& member : members) {
    const bool required =
        wire == Wire::kOut || (!member.shape.optional && !member.shape.default_value);
    if (!required) continue;
    if (!any) {
      writer.key("required");
      writer.begin_array();
    }
    any = true;
    writer.string(member.name);
  }
  if (any) writer.end_array();
  writer.key("additionalProperties");
  writer.boolean(false);
}

void list_schema(JsonWriter& writer, const model::AppModel& app, const model::Shape& shape,
                 Wire wire, bool nullable) {
  write_type(writer, "array", nullable);
  keyword(writer, "minItems", shape.length_min);
  keyword(writer, "maxItems", shape.length_max);
  if (!shape.element) return;
  writer.key("items");
  writer.raw(shape_schema(app, *shape.element, wire, shape.element->optional));
}

void enum_schema(JsonWriter& writer, const model::Shape& shape, bool nullable) {
  write_type(writer, "string", nullable);
  writer.key("enum");
  writer.begin_array();
  for (const std::string& value : shape.values) writer.string(value);
  if (nullable) writer.null();
  writer.end_array();
}

void reference_schema(JsonWriter& writer, const model::AppModel& app, const model::Shape& shape,
                      bool nullable) {
  const model::Table& target = app.tables[static_cast<size_t>(shape.references)];
  if (target.id_type == model::IdType::kInt) {
    write_type(writer, "integer", nullable);
  } else {
    write_format(writer, "uuid", nullable);
  }
  keyword(writer, "description", fmt::format("the id of a row of {}", target.name));
}

void body(JsonWriter& writer, const model::AppModel& app, const model::Shape& shape, Wire wire,
          bool nullable) {
  switch (shape.type) {
    case Type::kText:
    case Type::kFile:
      return text_schema(writer, shape, nullable);
    case Type::kInt:
      write_type(writer, "integer", nullable);
      keyword(writer, "format", "int64");
      return number_bounds(writer, shape, wire);
    case Type::kFloat:
      write_type(writer, "number", nullable);
      keyword(writer, "format", "double");
      return number_bounds(writer, shape, wire);
    case Type::kDecimal:
      return decimal_schema(writer, shape, wire, nullable);
    case Type::kBool:
      return write_type(writer, "boolean", nullable);
    case Type::kDate:
      return write_format(writer, "date", nullable);
    case Type::kTime:
      return write_type(writer, "string", nullable);
    case Type::kTimestamp:
      return write_format(writer, "date-time", nullable);
    case Type::kUuid:
      return write_format(writer, "uuid", nullable);
    case Type::kBytes:
      write_type(writer, "string", nullable);
      return keyword(writer, "contentEncoding", "base64");
    case Type::kEnum:
      return enum_schema(writer, shape, nullable);
    case Type::kReference:
      return reference_schema(writer, app, shape, nullable);
    case Type::kJson:
      return;  // any JSON
    case Type::kList:
      return list_schema(writer, app, shape, wire, nullable);
    case Type::kObject:
      write_type(writer, "object", nullable);
      return members_schema(writer, app, shape.members, wire);
  }
}

}  // namespace

void write_type(JsonWriter& writer, std::string_view name, bool nullable) {
  writer.key("type");
  if (!nullable) return writer.string(name);
  writer.begin_array();
  writer.string(name);
  writer.string("null");
  writer.end_array();
}

void write_format(JsonWriter& writer, std::string_view format, bool nullable) {
  write_type(writer, "string", nullable);
  keyword(writer, "format", format);
}

std::string shape_schema(const model::AppModel& app, const model::Shape& shape, Wire wire,
                         bool nullable) {
  std::string text;
  JsonWriter writer(text);
  writer.begin_object();
  body(writer, app, shape, wire, nullable);
  if (wire == Wire::kIn && shape.default_value && !shape.default_value->is_expression) {
    writer.key("default");
    writer.value(shape.default_value->literal);
  }
  writer.end_object();
  return text;
}

std::string object_schema(const model::AppModel& app, const std::vector<model::Member>& members,
                          Wire wire) {
  std::string text;
  JsonWriter writer(text);
  writer.begin_object();
  writer.key("type");
  writer.string("object");
  members_schema(writer, app, members, wire);
  writer.end_object();
  return text;
}

std::string schema_ref(std::string_view name) {
  return fmt::format("{{\"$ref\":\"#/components/schemas/{}\"}}", name);
}

}  // namespace mettle::engine

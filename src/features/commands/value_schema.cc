// returns_schema(): what a command answers, as JSON Schema.
#include "base/json_write.h"
#include "engine/shape_schema.h"
#include "features/commands/value.h"

namespace mettle::commands {
namespace {

using Form = model::Expression::Form;
using Tag = rules::Type::Tag;

void append_type(JsonWriter& writer, const model::AppModel& app, const rules::Type& type);

// Columns that not everybody may read may be missing.
void append_row(JsonWriter& writer, const model::Table& table, const model::AppModel& app) {
  engine::write_type(writer, "object", true);
  writer.key("properties");
  writer.begin_object();
  for (const model::Column& column : table.columns) {
    if (column.hidden) continue;
    writer.key(column.name);
    writer.raw(engine::shape_schema(app, column.shape, engine::Wire::kOut, column.shape.optional));
  }
  writer.end_object();
  writer.key("required");
  writer.begin_array();
  for (const model::Column& column : table.columns) {
    if (!column.hidden && !column.read) writer.string(column.name);
  }
  writer.end_array();
  writer.key("additionalProperties");
  writer.boolean(false);
}

void append_object(JsonWriter& writer, const model::AppModel& app, const rules::Type& type) {
  engine::write_type(writer, "object", type.nullable);
  writer.key("properties");
  writer.begin_object();
  for (const auto& [name, member] : *type.members) {
    writer.key(name);
    writer.begin_object();
    append_type(writer, app, member);
    writer.end_object();
  }
  writer.end_object();
}

// What a rule computes may always turn out to be null.
void append_type(JsonWriter& writer, const model::AppModel& app, const rules::Type& type) {
  switch (type.tag) {
    case Tag::kBool:
      return engine::write_type(writer, "boolean", true);
    case Tag::kInt:
      return engine::write_type(writer, "integer", true);
    case Tag::kFloat:
      return engine::write_type(writer, "number", true);
    case Tag::kDecimal:
    case Tag::kText:
    case Tag::kTime:
    case Tag::kDuration:
    case Tag::kBytes:
      return engine::write_type(writer, "string", true);
    case Tag::kUuid:
      return engine::write_format(writer, "uuid", true);
    case Tag::kTimestamp:
      return engine::write_format(writer, "date-time", true);
    case Tag::kDate:
      return engine::write_format(writer, "date", true);
    case Tag::kNull:
      return engine::write_type(writer, "null", false);
    case Tag::kRow:
      return append_row(writer, app.tables[static_cast<size_t>(type.table)], app);
    case Tag::kObject:
      return append_object(writer, app, type);
    case Tag::kList:
      engine::write_type(writer, "array", true);
      if (!type.element) return;
      writer.key("items");
      writer.begin_object();
      append_type(writer, app, *type.element);
      return writer.end_object();
    case Tag::kMap:
      return engine::write_type(writer, "object", true);
    case Tag::kDyn:
    case Tag::kJson:
      return;  // any JSON
  }
}

void append_code(JsonWriter& writer, const model::AppModel& app, const ValueCode& code) {
  writer.begin_object();
  if (code.form == Form::kMap) {
    engine::write_type(writer, "object", false);
    writer.key("properties");
    writer.begin_object();
    for (const auto& [name, member] : code.members) {
      writer.key(name);
      append_code(writer, app, member);
    }
    writer.end_object();
    if (!code.members.empty()) {
      writer.key("required");
      writer.begin_array();
      for (const auto& [name, member] : code.members) writer.string(name);
      writer.end_array();
    }
    writer.key("additionalProperties");
    writer.boolean(false);
  } else if (code.form == Form::kList) {
    engine::write_type(writer, "array", false);
  } else {
    append_type(writer, app, code.type);
  }
  writer.end_object();
}

}  // namespace

std::string returns_schema(const model::AppModel& app, const ValueCode& code) {
  std::string text;
  JsonWriter writer(text);
  append_code(writer, app, code);
  return text;
}

}  // namespace mettle::commands

#include "model/snapshot.h"

#include "base/json_read.h"
#include "base/json_write.h"

namespace mettle::model {

namespace {

constexpr int64_t kFormat = 1;

std::string_view on_delete_name(OnDelete action) {
  switch (action) {
    case OnDelete::kRestrict:
      return "restrict";
    case OnDelete::kCascade:
      return "cascade";
    case OnDelete::kSetNull:
      return "set_null";
  }
  return {};
}

// The wire form as bare text: 12.50 and not "12.50".
std::string wire_text(const Value& value) {
  std::string json = to_json(value);
  const bool quoted = json.size() >= 2 && json.front() == '"';
  return quoted ? json.substr(1, json.size() - 2) : json;
}

ColumnSchema column_schema(const AppModel& app, const Column& column) {
  const Shape& shape = column.shape;
  ColumnSchema out;
  out.name = column.name;
  out.type = shape.type;
  out.optional = shape.optional;
  out.unique = column.unique;
  if (shape.default_value) {
    const Default& value = *shape.default_value;
    out.default_value = value.is_expression ? "=" + value.expression.text : to_json(value.literal);
  }
  out.length_min = shape.length_min;
  out.length_max = shape.length_max;
  if (shape.min) out.min = wire_text(*shape.min);
  if (shape.max) out.max = wire_text(*shape.max);
  out.precision = shape.precision;
  out.scale = shape.scale;
  out.match = shape.match;
  out.values = shape.values;
  if (shape.references >= 0) {
    out.references = app.tables[static_cast<size_t>(shape.references)].name;
  }
  out.on_delete = column.on_delete;
  return out;
}

std::vector<std::string> names_of(const Table& table, const std::vector<int>& columns) {
  std::vector<std::string> out;
  for (const int column : columns) out.push_back(table.columns[static_cast<size_t>(column)].name);
  return out;
}

}  // namespace

const ColumnSchema* TableSchema::find(std::string_view column) const {
  for (const ColumnSchema& one : columns) {
    if (one.name == column) return &one;
  }
  return nullptr;
}

const TableSchema* SchemaSnapshot::find(std::string_view table) const {
  for (const TableSchema& one : tables) {
    if (one.name == table) return &one;
  }
  return nullptr;
}

SchemaSnapshot snapshot_of(const AppModel& app) {
  SchemaSnapshot out;
  for (const Table& table : app.tables) {
    TableSchema schema;
    schema.name = table.name;
    schema.id_type = table.id_type;
    for (const Column& column : table.columns) {
      if (!column.system) schema.columns.push_back(column_schema(app, column));
    }
    for (const Index& index : table.indexes) {
      schema.indexes.push_back({names_of(table, index.columns), index.unique});
    }
    schema.key = names_of(table, table.key);
    for (const Check& check : table.checks) schema.checks.push_back(check.rule.text);
    out.tables.push_back(std::move(schema));
  }
  return out;
}

// ---- JSON ----------------------------------------------------------------------------------

namespace {

void write_strings(JsonWriter& out, std::string_view key, const std::vector<std::string>& values) {
  if (values.empty()) return;
  out.key(key);
  out.begin_array();
  for (const std::string& value : values) out.string(value);
  out.end_array();
}

void write_string(JsonWriter& out, std::string_view key, std::string_view value) {
  out.key(key);
  out.string(value);
}

void write_column(JsonWriter& out, const ColumnSchema& column) {
  out.begin_object();
  write_string(out, "name", column.name);
  write_string(out, "type", type_name(column.type));
  const auto flag = [&](std::string_view key, bool on) {
    if (!on) return;
    out.key(key);
    out.boolean(true);
  };
  const auto number = [&](std::string_view key, const std::optional<int64_t>& n) {
    if (!n) return;
    out.key(key);
    out.integer(*n);
  };
  flag("optional", column.optional);
  flag("unique", column.unique);
  if (column.default_value) write_string(out, "default", *column.default_value);
  number("length_min", column.length_min);
  number("length_max", column.length_max);
  if (column.min) write_string(out, "min", *column.min);
  if (column.max) write_string(out, "max", *column.max);
  if (column.type == Type::kDecimal) {
    number("precision", column.precision);
    number("scale", column.scale);
  }
  if (!column.match.empty()) write_string(out, "match", column.match);
  write_strings(out, "values", column.values);
  if (!column.references.empty()) {
    write_string(out, "references", column.references);
    write_string(out, "on_delete", on_delete_name(column.on_delete));
  }
  out.end_object();
}

void write_table(JsonWriter& out, const TableSchema& table) {
  out.begin_object();
  write_string(out, "name", table.name);
  write_string(out, "id", table.id_type == IdType::kInt ? "int" : "uuid");
  out.key("columns");
  out.begin_array();
  for (const ColumnSchema& column : table.columns) write_column(out, column);
  out.end_array();
  out.key("indexes");
  out.begin_array();
  for (const IndexSchema& index : table.indexes) {
    out.begin_object();
    write_strings(out, "columns", index.columns);
    out.key("unique");
    out.boolean(index.unique);
    out.end_object();
  }
  out.end_array();
  write_strings(out, "key", table.key);
  write_strings(out, "checks", table.checks);
  out.end_object();
}

}  // namespace

std::string snapshot_json(const SchemaSnapshot& snapshot) {
  std::string text;
  JsonWriter out(text);
  out.begin_object();
  out.key("format");
  out.integer(kFormat);
  out.key("tables");
  out.begin_array();
  for (const TableSchema& table : snapshot.tables) write_table(out, table);
  out.end_array();
  out.end_object();
  return text;
}

namespace {

// Reads members of the kind they must have; remembers whether one had not.
class SnapshotReader {
 public:
  bool failed() const { return failed_; }

  TableSchema table(JsonNode node) {
    TableSchema out;
    out.name = text(node, "name").value_or("");
    if (out.name.empty()) failed_ = true;
    out.id_type = text(node, "id") == "int" ? IdType::kInt : IdType::kUuid;
    for (const JsonNode column : list(node, "columns")) out.columns.push_back(this->column(column));
    for (const JsonNode index : list(node, "indexes")) {
      out.indexes.push_back({texts(index, "columns"), flag(index, "unique")});
    }
    out.key = texts(node, "key");
    out.checks = texts(node, "checks");
    return out;
  }

  JsonNode::ElementRange list(JsonNode node, std::string_view key) {
    static const auto kNone = JsonDocument::parse("[]");
    const auto member = node.find(key);
    if (!member) return kNone->root().elements();
    if (!member->is_array()) failed_ = true;
    return member->elements();
  }

 private:
  ColumnSchema column(JsonNode node) {
    ColumnSchema out;
    out.name = text(node, "name").value_or("");
    const std::string type = text(node, "type").value_or("");
    failed_ = failed_ || out.name.empty();
    bool known = false;
    for (int i = 0; i <= static_cast<int>(Type::kFile); ++i) {
      if (type_name(static_cast<Type>(i)) != type) continue;
      out.type = static_cast<Type>(i);
      known = true;
    }
    failed_ = failed_ || !known;
    out.optional = flag(node, "optional");
    out.unique = flag(node, "unique");
    out.default_value = text(node, "default");
    out.length_min = number(node, "length_min");
    out.length_max = number(node, "length_max");
    out.min = text(node, "min");
    out.max = text(node, "max");
    out.precision = static_cast<int>(number(node, "precision").value_or(18));
    out.scale = static_cast<int>(number(node, "scale").value_or(0));
    out.match = text(node, "match").value_or("");
    out.values = texts(node, "values");
    out.references = text(node, "references").value_or("");
    const std::string action = text(node, "on_delete").value_or("restrict");
    for (const OnDelete one : {OnDelete::kCascade, OnDelete::kSetNull}) {
      if (on_delete_name(one) == action) out.on_delete = one;
    }
    return out;
  }

  std::optional<std::string> text(JsonNode node, std::string_view key) {
    const auto member = node.find(key);
    if (!member) return std::nullopt;
    if (!member->is_string()) {
      failed_ = true;
      return std::nullopt;
    }
    return member->text();
  }
  std::optional<int64_t> number(JsonNode node, std::string_view key) {
    const auto member = node.find(key);
    if (!member) return std::nullopt;
    const auto value = member->is_number() ? member->integer() : std::nullopt;
    failed_ = failed_ || !value;
    return value;
  }
  bool flag(JsonNode node, std::string_view key) {
    const auto member = node.find(key);
    if (!member) return false;
    if (member->kind() != JsonKind::kBool) {
      failed_ = true;
      return false;
    }
    return member->boolean();
  }
  std::vector<std::string> texts(JsonNode node, std::string_view key) {
    std::vector<std::string> out;
    for (const JsonNode one : list(node, key)) {
      if (one.is_string()) {
        out.push_back(one.text());
      } else {
        failed_ = true;
      }
    }
    return out;
  }

  bool failed_ = false;
};

}  // namespace

Result<SchemaSnapshot> parse_snapshot(std::string_view json) {
  TRY(auto document, JsonDocument::parse(json));
  const JsonNode root = document.root();
  const auto format = root.find("format");
  if (!format || !format->is_number() || format->integer() != kFormat) {
    return fail(Code::kInvalid,
                "the recorded schema has a format that this version of Mettle does not know");
  }
  SnapshotReader reader;
  SchemaSnapshot out;
  for (const JsonNode table : reader.list(root, "tables"))
    out.tables.push_back(reader.table(table));
  if (reader.failed()) return fail(Code::kInvalid, "the recorded schema is damaged");
  return out;
}

}  // namespace mettle::model

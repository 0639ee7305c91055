// The schema as it is recorded in the database (mettle_schema.json): what of the model shapes
// tables, columns, constraints and indexes, in names and plain text, so that any later version can
// read it and compare. Plain data; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/app_model.h"

namespace mettle::model {

struct ColumnSchema {
  std::string name;
  Type type = Type::kText;
  bool optional = false;
  bool unique = false;
  // A literal in wire form, or "=" and the expression; nullopt for none.
  std::optional<std::string> default_value;
  std::optional<int64_t> length_min, length_max;
  std::optional<std::string> min, max;  // wire form, without quotes
  int precision = 18, scale = 0;        // decimal
  std::string match;
  std::vector<std::string> values;  // enum
  std::string references;           // the table's name
  OnDelete on_delete = OnDelete::kRestrict;
  bool operator==(const ColumnSchema&) const = default;
};

struct IndexSchema {
  std::vector<std::string> columns;
  bool unique = false;
  bool operator==(const IndexSchema&) const = default;
};

struct TableSchema {
  std::string name;
  IdType id_type = IdType::kUuid;
  std::vector<ColumnSchema> columns;  // without the system columns, which the id type tells
  std::vector<IndexSchema> indexes;
  std::vector<std::string> key;
  std::vector<std::string> checks;
  bool operator==(const TableSchema&) const = default;

  const ColumnSchema* find(std::string_view column) const;
};

struct SchemaSnapshot {
  std::vector<TableSchema> tables;
  bool operator==(const SchemaSnapshot&) const = default;

  const TableSchema* find(std::string_view table) const;
};

SchemaSnapshot snapshot_of(const AppModel& app);
std::string snapshot_json(const SchemaSnapshot& snapshot);
// kInvalid for text that no version of Mettle wrote.
Result<SchemaSnapshot> parse_snapshot(std::string_view json);

}  // namespace mettle::model

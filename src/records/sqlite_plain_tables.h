// For tests: the tables of a model in their plainest form, without names and checks;
// features/migrate has the real ones. Header-only.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "model/app_model.h"

namespace mettle::records {

inline std::vector<std::string> plain_tables(const model::AppModel& app) {
  const auto storage = [&](const model::Shape& shape) {
    switch (app.kind_of(shape)) {
      case Kind::kBool:
      case Kind::kInt:
      case Kind::kDecimal:
      case Kind::kTimestamp:
        return "INTEGER";
      case Kind::kFloat:
        return "REAL";
      case Kind::kUuid:
      case Kind::kBytes:
        return "BLOB";
      default:
        return "TEXT";
    }
  };
  const auto unique = [](const model::Table& table, const std::vector<int>& columns) {
    std::string names;
    for (const int column : columns) {
      names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ",
                           table.columns[static_cast<size_t>(column)].name);
    }
    return fmt::format(", UNIQUE ({})", names);
  };
  std::vector<std::string> made;
  for (const model::Table& table : app.tables) {
    const bool numbered = table.id_type == model::IdType::kInt;
    std::string text = numbered ? "" : "rid INTEGER PRIMARY KEY, ";
    for (const model::Column& column : table.columns) {
      const model::Shape& shape = column.shape;
      const bool is_id = column.name == "id";
      text += fmt::format("{}\"{}\" {}", is_id ? "" : ", ", column.name, storage(shape));
      if (is_id) text += numbered ? " PRIMARY KEY AUTOINCREMENT" : " NOT NULL UNIQUE";
      if (!is_id && !shape.optional) text += " NOT NULL";
      if (column.unique) text += " UNIQUE";
      if (shape.type != model::Type::kReference) continue;
      text += fmt::format(" REFERENCES \"{}\"(id) ON DELETE {} ON UPDATE RESTRICT",
                          app.tables[static_cast<size_t>(shape.references)].name,
                          column.on_delete == model::OnDelete::kCascade ? "CASCADE" : "RESTRICT");
    }
    if (!table.key.empty()) text += unique(table, table.key);
    for (const model::Index& index : table.indexes) {
      if (index.unique) text += unique(table, index.columns);
    }
    made.push_back(fmt::format("CREATE TABLE \"{}\" ({}) STRICT", table.name, text));
  }
  return made;
}

}  // namespace mettle::records

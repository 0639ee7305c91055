// A table's rows as the door reads and writes them whole: the list of their columns, and a sink.
// For records/ alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "db/db.h"
#include "records/change.h"

namespace mettle::records {

inline std::vector<db::ColumnKind> kinds_of(const TableInfo& table) {
  std::vector<db::ColumnKind> kinds;
  kinds.reserve(table.columns.size());
  for (const ColumnInfo& column : table.columns) kinds.push_back(column.shape.kind);
  return kinds;
}

// `t0."id", t0."created_at", …` with "t0." as the alias.
inline std::string column_list(const TableInfo& table, std::string_view alias) {
  std::string list;
  for (const ColumnInfo& column : table.columns) {
    if (!list.empty()) list += ", ";
    list += alias;
    list += column.sql_name;
  }
  return list;
}

inline const std::string& id_name(const TableInfo& table) {
  return table.columns[0].sql_name;
}

class StoredRows final : public db::RowSink {
 public:
  explicit StoredRows(const TableInfo& table) : table_(table) {}
  void restart() override { rows.clear(); }
  Result<bool> on_row(const db::Row& row) override {
    StoredRow stored;
    stored.values.reserve(table_.columns.size());
    for (const ColumnInfo& column : table_.columns) {
      stored.values.push_back(row.value(column.index, column.shape.kind));
    }
    rows.push_back(std::move(stored));
    return true;
  }
  std::vector<StoredRow> rows;

 private:
  const TableInfo& table_;
};

}  // namespace mettle::records

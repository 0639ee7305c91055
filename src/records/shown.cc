// shown(): a row as a command or a route hands it out.
#include "base/json_write.h"
#include "records/change.h"

namespace mettle::records {

Task<Result<std::string>> WriteScope::shown(const TableInfo& table, const Value& row) {
  if (row.kind() != Kind::kMap) co_return std::string("null");
  rules::Bindings bindings = bindings_;
  if (table.has_row_dependent_columns) bindings.bind("row", row);
  std::string json;
  JsonWriter writer(json);
  writer.begin_object();
  for (const ColumnInfo& column : table.columns) {
    if (column.column->hidden) continue;
    if (column.read) {
      if (!column.read->expr) continue;
      CO_TRY(const Value verdict, co_await evaluate(column.read->expr, bindings));
      if (!verdict.is_true()) continue;
    }
    const Value* value = row.find(column.name());
    writer.key_fragment(column.json_key);
    if (value == nullptr) {
      writer.null();
    } else {
      writer.value(*value);
    }
  }
  writer.end_object();
  co_return json;
}

}  // namespace mettle::records

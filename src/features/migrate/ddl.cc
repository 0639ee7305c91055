#include "features/migrate/ddl.h"

#include <fmt/format.h>

#include <algorithm>

namespace mettle::migrate {

void ColumnIds::put(int64_t id, std::string table, std::string column) {
  ids_[{std::move(table), std::move(column)}] = id;
}

void ColumnIds::forget(const std::string& table, const std::string& column) {
  ids_.erase({table, column});
}

int64_t ColumnIds::of(const std::string& table, std::string_view column) const {
  const auto it = ids_.find({table, std::string(column)});
  return it == ids_.end() ? 0 : it->second;
}

const std::vector<std::string>& system_columns() {
  static const std::vector<std::string> kNames = {"id", "created_at", "updated_at", "version"};
  return kNames;
}

std::string joined_ids(const model::TableSchema& table, const std::vector<std::string>& columns,
                       const ColumnIds& ids) {
  std::string out;
  for (const std::string& column : columns) {
    if (!out.empty()) out += '_';
    out += std::to_string(ids.of(table.name, column));
  }
  return out;
}

std::string sql_text(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

std::string Ddl::create_table(const model::TableSchema& table, std::string_view name,
                              const ColumnIds& ids) const {
  std::string columns;
  const auto add = [&columns](const std::string& definition) {
    if (!columns.empty()) columns += ", ";
    columns += definition;
  };
  for (const std::string& definition : system(table, ids)) add(definition);
  for (const model::ColumnSchema& one : table.columns) add(column(table, one, ids));
  return fmt::format("CREATE TABLE {} ({}) STRICT", dialect_.table(name), columns);
}

std::vector<Object> Ddl::indexes(const model::TableSchema& table, const ColumnIds& ids) const {
  std::map<std::string, std::string> made;  // name → SQL
  std::vector<std::vector<std::string>> begins;
  const auto add = [&](const std::vector<std::string>& columns, bool unique) {
    begins.push_back(columns);
    const std::string name =
        fmt::format("mt_{}_{}", unique ? "unique" : "index", joined_ids(table, columns, ids));
    std::string list;
    for (const std::string& column : columns) list += (list.empty() ? "" : ", ") + id(column);
    const bool has_id = std::ranges::find(columns, "id") != columns.end();
    // The id is the last key of every order, so that an index gives a page without sorting.
    if (!unique && !has_id) list += ", " + id("id");
    made[name] = fmt::format("CREATE {}INDEX {} ON {} ({})", unique ? "UNIQUE " : "", id(name),
                             dialect_.table(table.name), list);
  };
  if (!table.key.empty()) add(table.key, true);
  for (const model::ColumnSchema& column : table.columns) {
    if (column.unique) add({column.name}, true);
  }
  for (const model::IndexSchema& index : table.indexes) add(index.columns, index.unique);
  for (const model::ColumnSchema& column : table.columns) {
    if (column.type != model::Type::kReference) continue;
    const bool covered = std::ranges::any_of(
        begins, [&](const std::vector<std::string>& one) { return one.front() == column.name; });
    if (!covered) add({column.name}, false);
  }
  std::vector<Object> out;
  for (auto& [name, sql] : made) out.push_back({name, std::move(sql)});
  return out;
}

std::string Ddl::fits(const model::ColumnSchema& column, std::string_view x) const {
  std::string out;
  const auto add = [&out](const std::string& condition) {
    if (!out.empty()) out += " AND ";
    out += condition;
  };
  for (const Check& check : checks(column, x)) add(check.condition);
  if (!column.match.empty()) add(dialect_.matches(x, sql_text(column.match)));
  return out;
}

}  // namespace mettle::migrate

#include "db/sqlite/violations.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "db/dialect.h"
#include "db/sqlite/handle.h"

namespace mettle::db {
namespace {

// The rows that a statement inserted or updated, as the preupdate hook tells them.
struct TouchedRows {
  static constexpr size_t kMax = 10'000;
  std::vector<std::pair<std::string, int64_t>> rows;

  static void hook(void* self, sqlite3*, int operation, const char*, const char* table,
                   sqlite3_int64, sqlite3_int64 new_rowid) {
    auto& touched = *static_cast<TouchedRows*>(self);
    if (operation == SQLITE_DELETE || touched.rows.size() >= kMax) return;
    touched.rows.emplace_back(table, new_rowid);
  }
};

struct ForeignKey {
  std::string parent;
  std::vector<std::string> columns;
  std::vector<std::string> parent_columns;  // empty names: the parent's primary key
};

std::string column_text(sqlite3_stmt* stmt, int column) {
  auto* text = reinterpret_cast<const char*>(sqlite3_column_text(stmt, column));
  return text == nullptr ? "" : text;
}

Result<std::map<int, ForeignKey>> foreign_keys(sqlite3* db, const std::string& table) {
  TRY(StatementHandle stmt, prepare_handle(db, fmt::format("PRAGMA foreign_key_list({})",
                                                           sqlite_dialect().identifier(table))));
  std::map<int, ForeignKey> keys;
  while (sqlite3_step(stmt.get()) == SQLITE_ROW) {
    ForeignKey& key = keys[sqlite3_column_int(stmt.get(), 0)];
    key.parent = column_text(stmt.get(), 2);
    key.columns.push_back(column_text(stmt.get(), 3));
    key.parent_columns.push_back(column_text(stmt.get(), 4));
  }
  return keys;
}

// A key that names no parent column refers to the primary key: rowid stands for a single integer
// one, which is the only kind our schema has.
std::string dangling_sql(const std::string& table, const ForeignKey& key) {
  const Dialect& sql = sqlite_dialect();
  std::string present, same;
  for (size_t i = 0; i < key.columns.size(); ++i) {
    std::string child = "c." + sql.identifier(key.columns[i]);
    std::string parent =
        key.parent_columns[i].empty() ? "rowid" : sql.identifier(key.parent_columns[i]);
    present += fmt::format(" AND {} IS NOT NULL", child);
    same += fmt::format("{}p.{} = {}", i == 0 ? "" : " AND ", parent, child);
  }
  return fmt::format(
      "SELECT 1 FROM {} c WHERE c.rowid = ?1{} AND NOT EXISTS (SELECT 1 FROM {} p WHERE {})",
      sql.identifier(table), present, sql.identifier(key.parent), same);
}

Result<std::string> find_dangling(sqlite3* db, const TouchedRows& touched) {
  std::map<std::string, std::map<int, ForeignKey>> known;
  for (const auto& [table, rowid] : touched.rows) {
    if (!known.contains(table)) {
      TRY(known[table], foreign_keys(db, table));
    }
    for (const auto& [id, key] : known[table]) {
      TRY(StatementHandle stmt, prepare_handle(db, dangling_sql(table, key)));
      sqlite3_bind_int64(stmt.get(), 1, rowid);
      if (sqlite3_step(stmt.get()) != SQLITE_ROW) continue;
      std::string name = table + ".";
      for (size_t i = 0; i < key.columns.size(); ++i) name += (i == 0 ? "" : ",") + key.columns[i];
      return name;
    }
  }
  return std::string();
}

}  // namespace

std::string missing_reference(Connection& connection, CachedStatement& cached,
                              std::span<const Value> values) {
  sqlite3* db = connection.handle();
  if (!connection.control(Control::kSavepointPart)) return {};
  TouchedRows touched;
  std::string name;
  sqlite3_preupdate_hook(db, TouchedRows::hook, &touched);
  if (connection.exec("PRAGMA defer_foreign_keys=ON") && connection.run(cached, values, nullptr)) {
    if (auto found = find_dangling(db, touched)) name = *found;
  }
  sqlite3_preupdate_hook(db, nullptr, nullptr);
  if (connection.in_transaction()) {
    // Taking the rows back also takes back the count of open violations.
    (void)connection.control(Control::kRollbackToPart);
    (void)connection.control(Control::kReleasePart);
    (void)connection.exec("PRAGMA defer_foreign_keys=OFF");
  }
  return name;
}

Result<> check_all_references(Connection& connection) {
  TRY(std::vector<std::string> broken,
      text_rows(connection.handle(),
                "SELECT count(*) || ' rows of ' || \"table\" || ' refer to missing rows of ' || "
                "parent FROM pragma_foreign_key_check GROUP BY \"table\", parent ORDER BY 1"));
  if (broken.empty()) return {};
  std::string all;
  for (const std::string& line : broken) all += (all.empty() ? "" : "; ") + line;
  Error error = make_error(Code::kReferenceMissing, "the change would break references: " + all);
  error.inside = all;
  return fail(std::move(error));
}

}  // namespace mettle::db

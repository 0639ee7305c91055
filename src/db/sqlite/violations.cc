#include "db/sqlite/violations.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "db/dialect.h"
#include "db/sqlite/handle.h"

namespace mettle::db {
namespace {

constexpr size_t kTouchedMax = 100;  // rows looked at; the first fault is enough

struct FreeValue {
  void operator()(sqlite3_value* value) const { sqlite3_value_free(value); }
};
using OwnedValue = std::unique_ptr<sqlite3_value, FreeValue>;

// What a statement did to the rows, as the preupdate hook tells it.
struct TouchedRows {
  struct Now {  // inserted or updated
    std::string table;
    int64_t rowid;
  };
  struct Old {  // deleted or updated: all columns as they were
    std::string table;
    std::vector<OwnedValue> columns;
  };
  std::vector<Now> now;
  std::vector<Old> old;

  static void hook(void* self, sqlite3* db, int operation, const char*, const char* table,
                   sqlite3_int64, sqlite3_int64 new_rowid) {
    auto& touched = *static_cast<TouchedRows*>(self);
    if (operation != SQLITE_DELETE && touched.now.size() < kTouchedMax)
      touched.now.push_back({table, new_rowid});
    if (operation == SQLITE_INSERT || touched.old.size() >= kTouchedMax) return;
    Old row{table, {}};
    for (int i = 0; i < sqlite3_preupdate_count(db); ++i) {
      sqlite3_value* value = nullptr;
      if (sqlite3_preupdate_old(db, i, &value) != SQLITE_OK) return;
      row.columns.emplace_back(sqlite3_value_dup(value));
    }
    touched.old.push_back(std::move(row));
  }
};

struct ForeignKey {
  std::string parent;
  std::vector<std::string> columns;
  std::vector<std::string> parent_columns;  // empty names: the parent's primary key
};

std::string text_literal(std::string_view text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

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

std::string key_name(const std::string& table, const ForeignKey& key) {
  std::string name = table + ".";
  for (size_t i = 0; i < key.columns.size(); ++i) name += (i == 0 ? "" : ",") + key.columns[i];
  return name;
}

// What the schema says about keys, asked for where it is needed: a failure is an ordinary answer
// and must not cost the writer a walk over every table.
class KeyCatalogue {
 public:
  using Keys = std::map<int, ForeignKey>;
  explicit KeyCatalogue(sqlite3* db) : db_(db) {}

  Result<const Keys*> keys_of(const std::string& table) {
    auto found = keys_.find(table);
    if (found == keys_.end()) {
      TRY(Keys keys, foreign_keys(db_, table));
      found = keys_.emplace(table, std::move(keys)).first;
    }
    return &found->second;
  }
  Result<std::vector<std::string>> columns_of(const std::string& table) {
    return text_rows(db_, fmt::format("SELECT name FROM pragma_table_info({}) ORDER BY cid",
                                      text_literal(table)));
  }
  Result<std::vector<std::string>> children_of(const std::string& table) {
    return text_rows(db_, fmt::format("SELECT DISTINCT m.name FROM sqlite_schema m,"
                                      " pragma_foreign_key_list(m.name) f WHERE m.type = 'table'"
                                      " AND f.\"table\" = {} ORDER BY 1",
                                      text_literal(table)));
  }

 private:
  sqlite3* db_;
  std::map<std::string, Keys> keys_;
};

Result<std::string> find_dangling(sqlite3* db, const TouchedRows& touched) {
  KeyCatalogue catalogue(db);
  for (const TouchedRows::Now& row : touched.now) {
    TRY(const KeyCatalogue::Keys* keys, catalogue.keys_of(row.table));
    for (const auto& [id, key] : *keys) {
      TRY(StatementHandle stmt, prepare_handle(db, dangling_sql(row.table, key)));
      sqlite3_bind_int64(stmt.get(), 1, row.rowid);
      if (sqlite3_step(stmt.get()) == SQLITE_ROW) return key_name(row.table, key);
    }
  }
  return std::string();
}

// Whether a row of `child` still has what `row` had in the columns that `key` refers to.
Result<bool> still_referred(sqlite3* db, const std::vector<std::string>& names,
                            const std::string& child, const ForeignKey& key,
                            const TouchedRows::Old& row) {
  const Dialect& sql = sqlite_dialect();
  std::string condition;
  for (size_t i = 0; i < key.columns.size(); ++i) {
    condition +=
        fmt::format("{}{} = ?{}", i == 0 ? "" : " AND ", sql.identifier(key.columns[i]), i + 1);
  }
  TRY(StatementHandle stmt, prepare_handle(db, fmt::format("SELECT 1 FROM {} WHERE {} LIMIT 1",
                                                           sql.identifier(child), condition)));
  for (size_t i = 0; i < key.columns.size(); ++i) {
    auto at = std::find(names.begin(), names.end(), key.parent_columns[i]) - names.begin();
    if (static_cast<size_t>(at) >= row.columns.size()) return false;
    sqlite3_bind_value(stmt.get(), static_cast<int>(i) + 1,
                       row.columns[static_cast<size_t>(at)].get());
  }
  return sqlite3_step(stmt.get()) == SQLITE_ROW;
}

Result<std::string> find_restricting(sqlite3* db, const TouchedRows& touched) {
  KeyCatalogue catalogue(db);
  for (const TouchedRows::Old& row : touched.old) {
    TRY(std::vector<std::string> names, catalogue.columns_of(row.table));
    TRY(std::vector<std::string> children, catalogue.children_of(row.table));
    for (const std::string& child : children) {
      TRY(const KeyCatalogue::Keys* keys, catalogue.keys_of(child));
      for (const auto& [id, key] : *keys) {
        if (key.parent != row.table) continue;
        TRY(bool referred, still_referred(db, names, child, key, row));
        if (referred) return key_name(child, key);
      }
    }
  }
  return std::string();
}

}  // namespace

std::string broken_reference(Connection& connection, CachedStatement& cached,
                             std::span<const Value> values, Code code) {
  sqlite3* db = connection.handle();
  if (!connection.control(Control::kSavepointPart)) return {};
  TouchedRows touched;
  std::string name;
  sqlite3_preupdate_hook(db, TouchedRows::hook, &touched);
  bool again =
      connection.exec("PRAGMA defer_foreign_keys=ON") && connection.run(cached, values, nullptr);
  sqlite3_preupdate_hook(db, nullptr, nullptr);
  if (again) {
    auto found = code == Code::kReferenceMissing ? find_dangling(db, touched)
                                                 : find_restricting(db, touched);
    if (found) name = std::move(*found);
  }
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

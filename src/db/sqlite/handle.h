// Owners of SQLite's own objects; for db/sqlite alone.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace mettle::db {

struct CloseDatabase {
  void operator()(sqlite3* db) const;
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* stmt) const;
};
using DatabaseHandle = std::unique_ptr<sqlite3, CloseDatabase>;
using StatementHandle = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

// Makes an empty file that only its owner may read, unless there is one: the database holds keys
// and people's data, and SQLite gives its WAL the same mode.
Result<> create_private(const std::string& file);
// Makes the names of the files beside `file` durable. SQLite does so too, with the first sync of a
// new file, but passes over a failure.
Result<> sync_folder_of(const std::string& file);
Result<DatabaseHandle> open_handle(const std::string& file, int flags, const std::string& vfs);
Result<StatementHandle> prepare_handle(sqlite3* db, const std::string& sql);
// Runs SQL of ours, rows dropped.
Result<> exec_handle(sqlite3* db, const char* sql);
// Runs `sql` and gives its first column's rows as text.
Result<std::vector<std::string>> text_rows(sqlite3* db, const std::string& sql);

}  // namespace mettle::db

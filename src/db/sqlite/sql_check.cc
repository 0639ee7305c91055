#include "db/sqlite/sql_check.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/check.h"
#include "db/sqlite/errors.h"
#include "db/sqlite/handle.h"

namespace mettle::db {
namespace {

// Tables that are not the app's: ours, SQLite's, and the table-valued functions that show the
// inside. json_each and json_tree are the ones of use.
bool is_hidden_table(std::string_view name) {
  return name.starts_with("mettle_") || name.starts_with("sqlite_") ||
         name.starts_with("pragma_") || name == "dbstat";
}

std::string_view refused_action(int action) {
  switch (action) {
    case SQLITE_PRAGMA:
      return "PRAGMA";
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
      return "ATTACH and DETACH";
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
      return "transaction control";
    case SQLITE_READ:
    case SQLITE_SELECT:
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
    case SQLITE_FUNCTION:
    case SQLITE_RECURSIVE:
      return {};
  }
  return "a change of the schema";
}

Error invalid(std::string detail) {
  return make_error(Code::kInvalid, std::move(detail));
}

}  // namespace

Result<std::unique_ptr<SqlChecker>> SqlChecker::open(
    const std::vector<std::string>& schema, const std::vector<RegisterFunctions>& functions) {
  std::unique_ptr<SqlChecker> checker(new SqlChecker);
  TRY(DatabaseHandle db, open_handle(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, {}));
  checker->db_ = db.release();
  sqlite3_db_config(checker->db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(checker->db_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  FunctionRegistry registry(checker->db_);
  TRY_VOID(register_builtin_functions(registry));
  for (RegisterFunctions add : functions) {
    TRY_VOID(add(registry));
  }
  for (const std::string& statement : schema) {
    TRY_VOID(exec_handle(checker->db_, statement.c_str()));
  }
  sqlite3_set_authorizer(checker->db_, authorize, checker.get());
  return checker;
}

SqlChecker::~SqlChecker() {
  if (db_ != nullptr) CHECK(sqlite3_close(db_) == SQLITE_OK);
}

void SqlChecker::refuse(std::string what) {
  if (refused_.empty()) refused_ = std::move(what);
}

int SqlChecker::authorize(void* self, int action, const char* a, const char*, const char*,
                          const char* trigger) {
  auto& checker = *static_cast<SqlChecker*>(self);
  // What our own triggers do is not the statement's.
  if (!checker.checking_ || trigger != nullptr) return SQLITE_OK;
  if (std::string_view what = refused_action(action); !what.empty()) {
    checker.refuse(fmt::format("{} is not allowed here", what));
    return SQLITE_DENY;
  }
  checker.touches_rows_ = true;
  bool names_table = action == SQLITE_READ || action == SQLITE_INSERT || action == SQLITE_UPDATE ||
                     action == SQLITE_DELETE;
  if (!names_table || a == nullptr) return SQLITE_OK;
  if (is_hidden_table(a)) {
    checker.refuse(fmt::format("the table {} is not the app's", a));
    return SQLITE_DENY;
  }
  checker.tables_.emplace_back(a);
  return SQLITE_OK;
}

Result<CheckedSql> SqlChecker::check(const std::string& sql) {
  refused_.clear();
  tables_.clear();
  touches_rows_ = false;
  if (sql.find('\0') != std::string::npos) return fail(invalid("SQL may not hold a NUL"));
  sqlite3_stmt* raw = nullptr;
  const char* rest = nullptr;
  checking_ = true;
  int rc = sqlite3_prepare_v3(db_, sql.c_str(), static_cast<int>(sql.size()), 0, &raw, &rest);
  checking_ = false;
  StatementHandle stmt(raw);
  if (rc != SQLITE_OK) {
    Error error = invalid(refused_.empty() ? sqlite3_errmsg(db_) : refused_);
    if (int at = sqlite3_error_offset(db_); at >= 0) error.offset = static_cast<size_t>(at);
    return fail(std::move(error));
  }
  if (stmt == nullptr) return fail(invalid("there is no statement"));
  // VACUUM and REINDEX ask the authorizer nothing.
  if (!touches_rows_)
    return fail(invalid("only SELECT, INSERT, UPDATE and DELETE are allowed here"));
  // The tail may hold only blanks and comments: it must prepare to nothing.
  sqlite3_stmt* more = nullptr;
  int tail = sqlite3_prepare_v3(db_, rest, -1, 0, &more, nullptr);
  StatementHandle second(more);
  if (tail != SQLITE_OK || second != nullptr) return fail(invalid("only one statement is allowed"));
  if (sqlite3_stmt_isexplain(stmt.get()) != 0) return fail(invalid("EXPLAIN is not allowed here"));

  CheckedSql checked;
  checked.read_only = sqlite3_stmt_readonly(stmt.get()) != 0;
  for (int i = 1; i <= sqlite3_bind_parameter_count(stmt.get()); ++i) {
    const char* name = sqlite3_bind_parameter_name(stmt.get(), i);
    checked.parameters.emplace_back(name == nullptr ? "" : name);
  }
  for (int i = 0; i < sqlite3_column_count(stmt.get()); ++i)
    checked.columns.emplace_back(sqlite3_column_name(stmt.get(), i));
  std::sort(tables_.begin(), tables_.end());
  tables_.erase(std::unique(tables_.begin(), tables_.end()), tables_.end());
  checked.tables = tables_;
  return checked;
}

}  // namespace mettle::db

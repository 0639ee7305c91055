// What `sql:` steps and queries are checked with before they are ever run (`mettle check`, start):
// the statement is prepared against the app's schema under an authorizer. One object for one
// schema, in memory; one thread at a time; a check costs tens of microseconds.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "db/sqlite/functions.h"

struct sqlite3;

namespace mettle::db {

struct CheckedSql {
  bool read_only = true;
  std::vector<std::string> parameters;  // in order of their numbers: ":since", "?2"; "" for a gap
  std::vector<std::string> columns;     // of the result, as named by the statement
  std::vector<std::string> tables;      // read or written, sorted, each once
};

class SqlChecker {
 public:
  // `schema`: the statements that make the app's tables.
  static Result<std::unique_ptr<SqlChecker>> open(const std::vector<std::string>& schema,
                                                  const std::vector<RegisterFunctions>& functions);
  ~SqlChecker();
  SqlChecker(const SqlChecker&) = delete;
  SqlChecker& operator=(const SqlChecker&) = delete;

  // kInvalid with one sentence that says what is wrong: what SQLite found, more than one statement,
  // or something that is refused (PRAGMA, ATTACH, transaction control, changes of the schema,
  // Mettle's own and SQLite's tables). `offset` is the byte in `sql` where known.
  Result<CheckedSql> check(const std::string& sql);

 private:
  SqlChecker() = default;
  static int authorize(void* self, int action, const char* a, const char* b, const char* database,
                       const char* trigger);
  void refuse(std::string what);

  sqlite3* db_ = nullptr;
  bool checking_ = false;
  bool touches_rows_ = false;  // it is a SELECT, INSERT, UPDATE or DELETE
  std::string refused_;
  std::vector<std::string> tables_;
};

}  // namespace mettle::db

// SqlChecks of SQLite: statements are prepared in a database in memory that has the app's tables
// with the file's columns: what is hidden or Mettle's own is not there to be named.
#include <fmt/format.h>

#include "db/dialect.h"
#include "db/sqlite/sql_check.h"
#include "features/commands/sql.h"
#include "records/sqlite_functions.h"

namespace mettle::commands {
namespace {

std::string unique_index(const model::Table& table, const std::vector<int>& columns,
                         size_t number) {
  const db::Dialect& dialect = db::sqlite_dialect();
  std::string list;
  for (const int column : columns) {
    list += (list.empty() ? "" : ", ") +
            dialect.identifier(table.columns[static_cast<size_t>(column)].name);
  }
  return fmt::format("CREATE UNIQUE INDEX mt_check_{} ON {} ({})", number,
                     dialect.identifier(table.name), list);
}

std::string_view storage(const model::AppModel& app, const model::Shape& shape) {
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
}

class SqliteSqlChecks final : public SqlChecks {
 public:
  explicit SqliteSqlChecks(std::unique_ptr<db::SqlChecker> checker)
      : checker_(std::move(checker)) {}

  Result<Checked> check(const std::string& sql) override {
    TRY(db::CheckedSql checked, checker_->check(sql));
    return Checked{checked.read_only, std::move(checked.columns)};
  }

 private:
  const std::unique_ptr<db::SqlChecker> checker_;
};

}  // namespace

Result<std::unique_ptr<SqlChecks>> sqlite_sql_checks(const model::AppModel& app) {
  const db::Dialect& dialect = db::sqlite_dialect();
  std::vector<std::string> schema;
  for (const model::Table& table : app.tables) {
    std::string columns;
    for (const model::Column& column : table.columns) {
      if (column.hidden) continue;
      columns +=
          fmt::format("{}{} {}{}", columns.empty() ? "" : ", ", dialect.identifier(column.name),
                      storage(app, column.shape), column.name == "id" ? " PRIMARY KEY" : "");
    }
    schema.push_back(fmt::format("CREATE TABLE {} ({}) STRICT, WITHOUT ROWID",
                                 dialect.identifier(table.name), columns));
    // ON CONFLICT must name what is unique.
    for (const model::Index& index : table.indexes) {
      if (index.unique) schema.push_back(unique_index(table, index.columns, schema.size()));
    }
    if (!table.key.empty()) schema.push_back(unique_index(table, table.key, schema.size()));
    for (size_t i = 0; i < table.columns.size(); ++i) {
      const model::Column& column = table.columns[i];
      if (!column.unique || column.hidden) continue;
      schema.push_back(unique_index(table, {static_cast<int>(i)}, schema.size()));
    }
  }
  TRY(auto checker, db::SqlChecker::open(schema, {records::register_sqlite_functions}));
  return std::unique_ptr<SqlChecks>(std::make_unique<SqliteSqlChecks>(std::move(checker)));
}

}  // namespace mettle::commands

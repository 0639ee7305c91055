// SQL of the app file, compiled: `sql:` steps and queries. `:path` parameters are bound, never
// spliced; tables are seen through generated CTEs that have the file's columns and no others; the
// statement is prepared against the app's schema, under an authorizer, when the app is checked.
//
// Compiling: when a snapshot is built, any thread. What comes out is immutable.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "db/db.h"
#include "model/app_model.h"
#include "records/catalog.h"
#include "rules/rules.h"

namespace mettle::commands {

// An engine's own opinion of a statement: the checker of db/sqlite, later PostgreSQL's.
class SqlChecks {
 public:
  struct Checked {
    bool read_only = true;
    std::vector<std::string> columns;  // of the result
  };
  virtual ~SqlChecks() = default;
  // kInvalid with one sentence, and the offset in `sql` where it is known.
  virtual Result<Checked> check(const std::string& sql) = 0;
};
// Of the app's tables as SQLite has them; in sqlite_sql_checks.cc.
Result<std::unique_ptr<SqlChecks>> sqlite_sql_checks(const model::AppModel& app);

// What compiling needs everywhere.
struct Compiling {
  const model::AppModel& app;
  const records::Catalog& catalog;
  model::Faults& faults;
  SqlChecks* checks = nullptr;  // none: the statements are not prepared
};

struct SqlParameter {
  enum class Form : uint8_t {
    kAsItIs,
    kMidnight,  // a date beside a timestamp: its midnight in UTC
    kScaled,    // an int or decimal beside a decimal of `scale`
  };
  rules::ExprRef value;
  Form form = Form::kAsItIs;
  int scale = 0;
};

struct SqlCode {
  db::StatementRef statement;
  std::vector<SqlParameter> parameters;
  bool read_only = true;
  std::vector<std::string> names;  // of the result's columns
  std::vector<db::ColumnKind> kinds;
};

struct SqlText {
  const std::optional<model::Source>& sqlite;
  const std::optional<model::Source>& postgres;
  model::Pos pos;                             // of the step or query
  const std::vector<model::Member>& returns;  // columns in order
  const std::vector<model::Member>& input;    // `:since` is short for `:input.since`
  bool must_read_only = false;                // a query
};

// nullopt after faults.
std::optional<SqlCode> compile_sql(const SqlText& text, const rules::Environment& environment,
                                   const std::string& path, const Compiling& compiling);

// The values to bind, in the form of what they stand beside.
std::vector<Value> bind_sql(const SqlCode& code, const rules::Bindings& bindings);

// Collects the rows of a result as maps of `names`. A value that is not of the type that `returns`
// says is an internal error that names the column; more than `rows_max` rows are kTooManyRows.
class SqlRows final : public db::RowSink {
 public:
  SqlRows(const SqlCode& code, size_t rows_max) : code_(code), rows_max_(rows_max) {}
  Result<bool> on_row(const db::Row& row) override;
  void restart() override { rows.clear(); }
  List rows;

 private:
  const SqlCode& code_;
  const size_t rows_max_;
};

}  // namespace mettle::commands

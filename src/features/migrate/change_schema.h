// Carries out the changes that model::diff found, statement by statement, inside the one
// transaction of the migration. What the rows that are there do not allow is collected as misfits;
// nothing is kept then.
//
// Foreign keys are off meanwhile (db::Store::migrate), so that writing a table anew does not
// cascade to its children; the store checks them all before it commits.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "db/db.h"
#include "features/migrate/ddl.h"
#include "features/migrate/recorded.h"
#include "features/migrate/rows_fit.h"
#include "model/app_model.h"
#include "model/diff.h"

namespace mettle::migrate {

class ChangeSchema {
 public:
  // `was` and `ids` are what is recorded; ids of columns that are new are added.
  // `may_empty`: columns ("table.column") that start empty where their values do not fit.
  ChangeSchema(db::WriteTx& tx, model::SchemaSnapshot was, const model::SchemaSnapshot& wanted,
               ColumnIds ids, std::vector<std::string> may_empty);

  // Success with misfits() when the rows do not allow it.
  Task<Result<>> run(const std::vector<model::Change>& changes, const model::AppModel& app,
                     Timestamp now);
  const std::vector<Misfit>& misfits() const { return fit_.misfits(); }

 private:
  Task<Result<>> rename_tables(const std::vector<model::Change>& changes);
  Task<Result<>> rename_columns(const std::vector<model::Change>& changes);
  Task<Result<>> drop_tables(const std::vector<model::Change>& changes);
  Task<Result<>> number_columns();
  Task<Result<>> ask_rows(const std::vector<model::Change>& changes);
  Task<Result<>> fit_columns(const model::TableSchema& from, const model::TableSchema& to);
  Task<Result<>> rebuild(const model::TableSchema& from, const model::TableSchema& to);
  // Views and triggers of others, which a table that is gone for a moment would break.
  Task<Result<>> set_others_aside();
  Task<Result<>> bring_others_back();
  Task<Result<>> fit_objects();
  // What is left of columns that went.
  Task<Result<>> forget_columns();
  Task<Result<>> run_sql(std::string sql, std::vector<Value> values = {});

  db::WriteTx& tx_;
  model::SchemaSnapshot was_;  // names move on as they are changed
  const model::SchemaSnapshot& wanted_;
  ColumnIds ids_;
  const std::vector<std::string> may_empty_;
  std::optional<std::vector<LiveObject>> aside_;
  std::vector<std::string> replaced_;  // "table.column": starts empty
  SqliteDdl before_, after_;
  RowsFit fit_;
};

}  // namespace mettle::migrate

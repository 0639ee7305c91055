// Whether the rows that are there fit what the app file now says of them: asked before a change is
// made, so that it is refused with the number of rows that stand against it and five of them.
//
// Inside the unit that changes the schema; a scan of the table a question.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "async/task.h"
#include "db/db.h"
#include "features/migrate/ddl.h"
#include "model/app_model.h"
#include "model/diff.h"

namespace mettle::migrate {

// A refusal: the fault's text for what `change` needs and does not find.
struct Misfit {
  const model::Change* change = nullptr;
  std::string message;
};

class RowsFit {
 public:
  // `was`: the schema as it is, under the names of `wanted`, whose tables `after` writes. They must
  // outlive it.
  RowsFit(db::Tx& tx, const model::SchemaSnapshot& was, const Ddl& after,
          const model::SchemaSnapshot& wanted)
      : tx_(tx), was_(was), after_(after), wanted_(wanted) {}

  // kNoRows, kNoNulls, kFittingValues: while the tables are as they were.
  Task<Result<>> before_change(const model::Change& change);
  // kUniqueValues: when they have their new columns, not yet their indexes.
  Task<Result<>> after_change(const model::Change& change, const model::AppModel& app);
  // kChecksHold: at the end.
  Task<Result<>> checks_hold(const model::Change& change, const model::AppModel& app,
                             Timestamp now);

  const std::vector<Misfit>& misfits() const { return misfits_; }
  void forget_last() { misfits_.pop_back(); }

 private:
  // Adds a misfit where rows of the table satisfy the condition ("" for any row).
  Task<Result<>> refuse_rows(const model::Change& change, std::string condition,
                             std::string_view what, std::vector<Value> values = {});
  std::vector<std::string> naming_columns(const std::string& table) const;
  std::string misfit_condition(const model::ColumnSchema& from,
                               const model::ColumnSchema& to) const;

  db::Tx& tx_;
  const model::SchemaSnapshot& was_;
  const Ddl& after_;
  const model::SchemaSnapshot& wanted_;
  std::vector<Misfit> misfits_;
};

}  // namespace mettle::migrate

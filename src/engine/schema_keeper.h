// Brings the database to fit an app file: the seam between the engine and features/migrate.
#pragma once

#include <string>
#include <vector>

#include "async/context.h"
#include "async/task.h"
#include "base/result.h"
#include "db/db.h"
#include "model/app_model.h"

namespace mettle::engine {

class SchemaKeeper {
 public:
  struct Wanted {
    const model::AppModel& app;
    // Mettle's own tables, of every feature: statements that make them where they are not there.
    std::vector<std::string> own_tables;
    // "table" or "table.column" that may be dropped, as --allow-drop says it.
    std::vector<std::string> allow_drop;
  };
  virtual ~SchemaKeeper() = default;
  // In one transaction, or not at all. What could lose data or break a rule is refused with faults
  // that show the difference and the way out; an Error is for what is no fault of the file. Called
  // on a core, before the app that `wanted` describes is served.
  virtual Task<Result<>> fit(Context& ctx, db::Store& store, const Wanted& wanted,
                             model::Faults& faults) = 0;
};

}  // namespace mettle::engine

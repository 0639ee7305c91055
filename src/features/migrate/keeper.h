// Brings the database to fit the app file: engine::SchemaKeeper for an SQL store.
//
// fit() reads what is recorded; where the file asks for nothing new, that and a look for drift is
// all. Else one migration of the store compares again inside its transaction (another process may
// have been quicker), changes, records. Called on a core; a rebuild takes as long as its table is
// large.
#pragma once

#include <memory>
#include <string>

#include "engine/schema_keeper.h"

namespace mettle::migrate {

class Keeper final : public engine::SchemaKeeper {
 public:
  Task<Result<>> fit(Context& ctx, db::Store& store, const Wanted& wanted,
                     model::Faults& faults) override;
};

// What the database says of itself to a command beside the server.
struct Recording {
  int64_t version = 0;       // 0: no app was ever recorded
  bool same_schema = false;  // what is recorded is what the app asks for
};
Task<Result<Recording>> recording(Context& ctx, db::Store& store, const model::AppModel& app);
// Mettle's own tables alone; the app's stay as they are.
Task<Result<>> make_own_tables(Context& ctx, db::Store& store,
                               const std::vector<std::string>& statements);

}  // namespace mettle::migrate

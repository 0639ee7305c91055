// Reads everything that the model is held against, in one snapshot: as a unit of the store, or by a
// connection that has a transaction open.
#pragma once

#include "db/sqlite/connection.h"
#include "sim/model.h"

namespace mettle::sim {

class SightUnit final : public db::ReadUnit {
 public:
  Task<Result<>> run(db::Tx& tx) override;
  void restart() override { sight = Sight(); }
  Sight sight;
};

Result<Sight> read_sight(db::Connection& connection);

}  // namespace mettle::sim

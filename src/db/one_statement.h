// A transaction of one statement, and the question whether a statement finds anything: what most of
// Mettle's own tables need. Called on a core, as the store itself.
#pragma once

#include <vector>

#include "db/db.h"

namespace mettle::db {

// How many rows it changed, once that is durable.
Task<Result<int64_t>> write_one(Context& ctx, Store& store, StatementRef statement,
                                std::vector<Value> values);

// Whether there is a row.
class AnyRow final : public RowSink {
 public:
  void restart() override { found = false; }
  Result<bool> on_row(const Row&) override {
    found = true;
    return false;
  }
  bool found = false;
};

}  // namespace mettle::db

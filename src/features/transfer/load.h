// Rows of a file into a table, a batch a transaction, through the door. How far it has come is
// written with the rows (mettle_loads), so that a load that was stopped anywhere goes on without
// leaving out or doubling a row.
//
//   mettle_loads(input, table_name, rows, bytes, line, finished, updated_at)
//
// On a core; memory for one batch.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "features/transfer/input.h"
#include "features/transfer/row_maker.h"
#include "records/door.h"

namespace mettle::transfer {

std::vector<std::string> load_tables();

enum class OnConflict : uint8_t {
  kFail,    // a unique value that is taken is a bad row
  kSkip,    // the row that is there stays
  kUpdate,  // and takes the values of the new one
};

struct LoadProgress {
  int64_t rows = 0;
  int64_t bytes = 0;
};

struct LoadOptions {
  int64_t batch_rows = 50'000;  // at most; fewer at first, and where they take over half a second
  OnConflict on_conflict = OnConflict::kFail;
  bool skip_bad = false;
  size_t errors_max = 100;  // kept; all are counted
  std::string input;        // the hash of the input; empty: how far it comes is not recorded
  std::function<void(const LoadProgress&)> on_progress;
};

struct LoadReport {
  int64_t rows = 0;  // of the input, now and before
  int64_t inserted = 0, updated = 0, skipped = 0, bad = 0;
  std::vector<BadValue> errors;
  bool stopped = false;  // at bad rows: what came before their batch is in the table
};

// How far an earlier load of the input came.
struct LoadRecord {
  int64_t rows = 0;
  Place place;
  bool finished = false;
};
Task<Result<std::optional<LoadRecord>>> find_load(Context& ctx, db::Store& store, std::string input,
                                                  std::string table);

// `done`: the rows before the reader's place, by an earlier load.
Task<Result<LoadReport>> load_rows(Context& ctx, records::Door& door, int table, RowReader& reader,
                                   LoadOptions options, int64_t done);

}  // namespace mettle::transfer

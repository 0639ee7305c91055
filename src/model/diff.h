// What must change in a database of the recorded schema so that it fits the model: each change with
// what it does to rows that are there, and, where it could lose data, refused with the way out.
// Knows no engine; features/migrate turns changes into SQL. Pure, any thread.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "model/app_model.h"
#include "model/snapshot.h"
#include "model/source.h"

namespace mettle::model {

struct Change {
  enum class Kind : uint8_t {
    kCreateTable,
    kRenameTable,
    kDropTable,
    kAddColumn,
    kRenameColumn,
    kDropColumn,
    kReplaceColumn,  // drop and add under one name: --allow-drop said so
    kChangeType,
    kRequire,    // optional → required
    kUnrequire,  // required → optional
    kBounds,     // min, max, lengths, precision, scale, match, enum values
    kDefault,
    kReference,  // target or on_delete
    kAddUnique,
    kDropUnique,
    kAddIndex,
    kDropIndex,
    kChangeKey,
    kChecks,
    kIdType,
  };
  // kSafe: in place and at once. kRebuild: what stands in the column's definition changes; an
  // engine may have to write the table anew. kRefused: not without the way out.
  enum class Effect : uint8_t { kSafe, kRebuild, kRefused };
  // What must hold of the rows that are there; the change is refused, naming rows, if it does not.
  enum class Needs : uint8_t {
    kNothing,
    kNoRows,         // a new required column has no value for them
    kNoNulls,        // of the column
    kUniqueValues,   // of `columns`
    kFittingValues,  // each value can be had in the new type and bounds, each reference has its row
    kChecksHold,     // the table's checks
  };

  Kind kind = Kind::kCreateTable;
  Effect effect = Effect::kSafe;
  Needs needs = Needs::kNothing;
  bool loses_data = false;           // allowed by --allow-drop
  std::string table;                 // its name now (of a dropped one: as recorded)
  std::string column;                // empty: of the table as a whole
  std::string from, to;              // names or definitions, for people
  std::vector<std::string> columns;  // of an index, a key, a unique column; names now
  bool unique = false;               // of an index
  std::string message;               // one sentence
  std::string way_out;               // if refused, or if what it needs does not hold
  Pos pos;                           // where in the app file; 0 if nowhere
};

struct DiffOptions {
  std::set<std::string, std::less<>> allow_drop;  // "table" or "table.column", as recorded
};

// In an order in which they can be done: renames, drops of indexes, tables and columns, changes,
// indexes. `was:` that fits nothing is a fault.
std::vector<Change> diff(const SchemaSnapshot& recorded, const AppModel& app,
                         const DiffOptions& options, Faults& faults);

// "~ products.price: decimal(12,2) → decimal(14,2) (rebuild)", a line each, refusals with the way
// out.
std::string print_changes(const std::vector<Change>& changes);

}  // namespace mettle::model

// From the name of a constraint back to the column that it is of. Constraints of the database are
// named mt_<kind>_<id> with the ids of mettle_columns (features/migrate), so that a rename changes
// none of them. Asked when one is broken, inside the transaction that broke it.
#pragma once

#include <string>

#include "async/task.h"
#include "base/error.h"
#include "db/db.h"

namespace mettle::records {

// The same error as 422 with the column's pointer (below `pointer`, the row's) and what must hold
// of it; unchanged where it is no constraint of ours.
Task<Error> explained_check(db::Tx& tx, Error error, std::string pointer);

}  // namespace mettle::records

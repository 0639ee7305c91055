// The SQL functions that the door's statements call on SQLite: mt_row and mt_rows render embedded
// rows, mt_json_* look into json columns, mt_sum and mt_avg add integers and decimals exactly.
// Given to the store when it is opened (SqliteOptions::functions).
#pragma once

#include "db/sqlite/functions.h"

namespace mettle::records {

Result<> register_sqlite_functions(db::FunctionRegistry& registry);

}  // namespace mettle::records

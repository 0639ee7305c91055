// Which foreign key a statement broke: SQLite does not say, but "constraints report the column".
// For db/sqlite alone; runs on the failure path only.
#pragma once

#include <span>
#include <string>

#include "db/sqlite/connection.h"

namespace mettle::db {

// "table.column[,column]" of the first reference that finds no row, or "" where it cannot be told.
// Runs the statement again with its keys deferred, looks at the rows that it touched, and takes it
// back. REQUIRES: it just failed with kReferenceMissing inside a transaction.
std::string missing_reference(Connection& connection, CachedStatement& cached,
                              std::span<const Value> values);

// What foreign_key_check finds in the whole database: "3 rows of orders refer to missing users";
// success if nothing.
Result<> check_all_references(Connection& connection);

}  // namespace mettle::db

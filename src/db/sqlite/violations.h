// Which foreign key a statement broke: SQLite does not say, but "constraints report the column".
// For db/sqlite alone; runs on the failure path only.
#pragma once

#include <span>
#include <string>

#include "db/sqlite/connection.h"

namespace mettle::db {

// "table.column[,column]" of the reference at fault: for kReferenceMissing the first that finds no
// row, for kReferenceRestricted one of those that still point at a row that would go. "" where it
// cannot be told. Runs the statement again with its keys deferred, looks at the rows that it
// touched, and takes it back. REQUIRES: it just failed with one of the two inside a transaction.
std::string broken_reference(Connection& connection, CachedStatement& cached,
                             std::span<const Value> values, Code code);

// What foreign_key_check finds in the whole database: "3 rows of orders refer to missing users";
// success if nothing.
Result<> check_all_references(Connection& connection);

}  // namespace mettle::db

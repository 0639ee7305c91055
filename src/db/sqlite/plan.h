// What EXPLAIN QUERY PLAN tells about a statement.
#pragma once

#include <string>

#include "base/result.h"

struct sqlite3;

namespace mettle::db {

// The plan as an indented tree, a line a step; for people.
Result<std::string> query_plan(sqlite3* db, const std::string& sql);

// Whether the plan reads a table from end to end. Not counted: constant rows, subqueries' results
// and table-valued functions (json_each), and a walk that a LIMIT ends (no sort comes first), which
// the inline budget guards. A plan that cannot be had is a scan: the statement's own error follows.
bool plan_scans(sqlite3* db, const std::string& sql);

}  // namespace mettle::db

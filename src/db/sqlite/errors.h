// SQLite's result codes as ours. Constraint violations name the constraint in Error::inside as db.h
// says; what is only ours to see (SQL, the engine's words) goes there for the other codes.
//
// Foreign keys: SQLite says "FOREIGN KEY constraint failed" and not which side. Declared ON DELETE
// RESTRICT (and ON UPDATE RESTRICT), the parent's side is a trigger inside, with the extended code
// SQLITE_CONSTRAINT_TRIGGER; SQLITE_CONSTRAINT_FOREIGNKEY is then the child's side, whatever the
// statement. Under NO ACTION both have the latter, and only the statement's verb can tell: a DELETE
// cannot miss a reference, an INSERT cannot break one, and an UPDATE is taken to miss one. So the
// schema is to say RESTRICT.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"

struct sqlite3;

namespace mettle::db {

enum class Verb : uint8_t { kRead, kInsert, kUpdate, kDelete, kOther };

// REQUIRES: the last call on `db` failed; called before another one.
Error last_error(sqlite3* db, Verb verb, std::string_view sql);
// The failed sync after which nothing may be acknowledged or tried again.
bool is_sync_failure(int extended_code);

}  // namespace mettle::db

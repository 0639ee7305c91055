#include "db/sqlite/version.h"

#include <sqlite3.h>

namespace mettle::db {

std::string_view sqlite_version() {
  return sqlite3_libversion();
}

}  // namespace mettle::db

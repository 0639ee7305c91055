// The SQLite inside, for `mettle --version`. Any thread.
#pragma once

#include <string_view>

namespace mettle::db {

std::string_view sqlite_version();  // "3.53.2"

}  // namespace mettle::db

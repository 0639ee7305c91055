// Backup: a copy of what a data folder holds, made while it is served, and the way back. Today that
// is the database; files join it when they are there. Nothing of it runs in the server: the command
// line alone calls this. Blocking; seconds to minutes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"

namespace mettle::backup {

// Bytes copied, of how many.
using OnProgress = std::function<void(int64_t done, int64_t total)>;

struct Copied {
  std::string file;
  int64_t bytes = 0;
};

// Checked page by page before it gets its name. kConflict where `to` exists, kUnavailable where the
// folder holds no database.
Result<Copied> back_up(const std::string& folder, const std::string& to, OnProgress progress);

// Checked before it takes its place. kConflict where the folder has a database and `replace` is not
// said, kUnavailable while a server runs on it.
Result<Copied> restore(const std::string& from, const std::string& folder, bool replace,
                       OnProgress progress);

}  // namespace mettle::backup

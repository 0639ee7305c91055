// Copies of the whole database, made while it is served, and their way back. Blocking: for the
// command line or the blocking pool, never a core.
//
// A backup is one file, a committed state of one moment, checked page by page (integrity_check)
// before it gets its name; a failure leaves nothing behind under that name.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"

namespace mettle::db {

struct CopyProgress {
  int64_t pages_done = 0;
  int64_t pages_total = 0;
};
// False stops: kCancelled.
using OnCopyProgress = std::function<bool(const CopyProgress&)>;

struct BackupOptions {
  std::string vfs;  // empty for the operating system's
  OnCopyProgress on_progress;
};

// `database` may be in use by a server. Refuses to write over `to` (kConflict).
Result<> backup(const std::string& database, const std::string& to,
                const BackupOptions& options = {});

struct RestoreOptions {
  std::string vfs;
  bool replace = false;  // an existing database of the folder; else kConflict
  OnCopyProgress on_progress;
};

// Checks the backup, then makes it FOLDER/app.db. kUnavailable while a server holds FOLDER/lock.
Result<> restore(const std::string& from, const std::string& folder,
                 const RestoreOptions& options = {});

// kInvalid saying what is damaged.
Result<> verify(const std::string& database, const std::string& vfs = {});

}  // namespace mettle::db

#include "db/sqlite/backup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "db/sqlite/data_lock.h"
#include "db/sqlite/errors.h"
#include "db/sqlite/handle.h"

namespace mettle::db {
namespace {

namespace fs = std::filesystem;

constexpr int kPagesPerStep = 256;
constexpr int kBusyTimeoutMs = 5000;

Error io_error(std::string_view what, const std::string& path, int reason) {
  return make_error(Code::kUnavailable,
                    fmt::format("cannot {} {}: {}", what, path, std::strerror(reason)));
}

Result<> sync_path(const std::string& path, int flags) {
  int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) return fail(io_error("open", path, errno));
  int failed = ::fsync(fd) != 0 ? errno : 0;
  ::close(fd);
  if (failed != 0) return fail(io_error("sync", path, failed));
  return {};
}

// The new name is durable when this returns.
Result<> rename_durably(const std::string& from, const std::string& to) {
  TRY_VOID(sync_path(from, O_RDONLY));
  if (::rename(from.c_str(), to.c_str()) != 0) return fail(io_error("rename to", to, errno));
  std::string folder = fs::path(to).parent_path();
  return sync_path(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
}

void remove_database(const std::string& file) {
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) fs::remove(file + suffix, ignored);
}

// The snapshot of `source` is held open from the first page to the last: a writer beside us would
// otherwise make the copy start again for ever.
Result<> copy_pages(sqlite3* source, sqlite3* target, const OnCopyProgress& on_progress) {
  TRY_VOID(exec_handle(source, "BEGIN; SELECT count(*) FROM sqlite_schema"));
  sqlite3_backup* copy = sqlite3_backup_init(target, "main", source, "main");
  if (copy == nullptr) return fail(last_error(target, Verb::kOther, "backup"));
  int rc;
  bool stopped = false;
  do {
    rc = sqlite3_backup_step(copy, kPagesPerStep);
    if (rc != SQLITE_OK && rc != SQLITE_DONE) break;
    int64_t total = sqlite3_backup_pagecount(copy);
    CopyProgress progress{total - sqlite3_backup_remaining(copy), total};
    stopped = on_progress && !on_progress(progress);
  } while (rc == SQLITE_OK && !stopped);
  int finished = sqlite3_backup_finish(copy);
  TRY_VOID(exec_handle(source, "COMMIT"));
  if (stopped) return fail(Code::kCancelled, "the copy was stopped");
  if (rc != SQLITE_DONE || finished != SQLITE_OK)
    return fail(Code::kUnavailable, fmt::format("the copy failed: {}", sqlite3_errstr(rc)));
  return {};
}

// Copies `from` into the file `to`, which nobody else has, leaves it in one file without a WAL, and
// checks it.
Result<> copy_database(const std::string& from, const std::string& to, const std::string& vfs,
                       const OnCopyProgress& on_progress) {
  if (vfs.empty()) {
    TRY_VOID(create_private(to));
  }
  {
    TRY(DatabaseHandle source, open_handle(from, SQLITE_OPEN_READWRITE, vfs));
    sqlite3_busy_timeout(source.get(), kBusyTimeoutMs);
    TRY(DatabaseHandle target, open_handle(to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs));
    TRY_VOID(copy_pages(source.get(), target.get(), on_progress));
    TRY_VOID(exec_handle(target.get(), "PRAGMA journal_mode=DELETE"));
  }
  return verify(to, vfs);
}

// The old database's WAL must not be found beside the new file. Closing the last connection copies
// it back and removes it; what then is left belongs to a file too damaged to open.
void retire_wal(const std::string& database, const std::string& vfs) {
  {
    auto old = open_handle(database, SQLITE_OPEN_READWRITE, vfs);
    if (old) (void)exec_handle(old->get(), "PRAGMA wal_checkpoint(TRUNCATE)");
  }
  std::error_code ignored;
  fs::remove(database + "-wal", ignored);
  fs::remove(database + "-shm", ignored);
}

}  // namespace

Result<> verify(const std::string& database, const std::string& vfs) {
  TRY(DatabaseHandle db, open_handle(database, SQLITE_OPEN_READWRITE, vfs));
  auto found = text_rows(db.get(), "PRAGMA integrity_check(3)");
  std::string damage;
  if (!found) {
    damage = found.error().inside;
  } else if (*found != std::vector<std::string>{"ok"}) {
    for (const std::string& line : *found) damage += (damage.empty() ? "" : "; ") + line;
  }
  if (damage.empty()) return {};
  Error error = make_error(Code::kInvalid, fmt::format("{} is damaged: {}", database, damage));
  return fail(std::move(error));
}

Result<> backup(const std::string& database, const std::string& to, const BackupOptions& options) {
  if (!fs::exists(database))
    return fail(Code::kNotFound, fmt::format("there is no database {}", database));
  if (fs::exists(to)) return fail(Code::kConflict, fmt::format("{} exists already", to));
  std::string partial = to + ".partial";
  remove_database(partial);
  Result<> copied = copy_database(database, partial, options.vfs, options.on_progress);
  if (copied) copied = rename_durably(partial, to);
  if (!copied) remove_database(partial);
  return copied;
}

Result<> restore(const std::string& from, const std::string& folder,
                 const RestoreOptions& options) {
  if (!fs::exists(from)) return fail(Code::kNotFound, fmt::format("there is no backup {}", from));
  TRY_VOID(verify(from, options.vfs));
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return fail(io_error("create", folder, failed.value()));
  TRY(auto lock, DataLock::acquire(folder + "/lock"));
  std::string database = folder + "/app.db";
  bool exists = fs::exists(database);
  if (exists && !options.replace)
    return fail(Code::kConflict, fmt::format("{} exists already", database));
  std::string partial = database + ".restoring";
  remove_database(partial);
  Result<> copied = copy_database(from, partial, options.vfs, options.on_progress);
  if (copied) {
    if (exists) retire_wal(database, options.vfs);
    copied = rename_durably(partial, database);
  }
  if (!copied) remove_database(partial);
  return copied;
}

}  // namespace mettle::db

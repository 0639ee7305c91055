#include "db/sqlite/handle.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.h"
#include "base/log.h"
#include "db/sqlite/errors.h"

namespace mettle::db {

void CloseDatabase::operator()(sqlite3* db) const {
  // BUSY would mean a statement of ours is still open.
  CHECK(sqlite3_close(db) == SQLITE_OK);
}
void FinalizeStatement::operator()(sqlite3_stmt* stmt) const {
  sqlite3_finalize(stmt);
}

namespace {

// What SQLite itself reports, with the errno and the file that its result codes do not carry. Most
// of it answers ordinary statements (a constraint, a retry) and is silent here.
void on_sqlite_log(void*, int code, const char* message) {
  switch (code & 0xff) {
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
      LOG_ERROR("sqlite", {{"code", code}, {"reason", message}});
      return;
    case SQLITE_NOTICE:
      LOG_INFO("sqlite", {{"code", code}, {"reason", message}});  // a WAL was recovered
      return;
  }
}

// Before SQLite's first use in the process; too late is only less to read.
void configure_sqlite_once() {
  static const int configured = sqlite3_config(SQLITE_CONFIG_LOG, on_sqlite_log, nullptr);
  (void)configured;
}

}  // namespace

Result<> create_private(const std::string& file) {
  int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return fail(Code::kUnavailable, fmt::format("cannot open {}: {}", file, std::strerror(errno)));
  }
  ::close(fd);
  return {};
}

Result<> sync_folder_of(const std::string& file) {
  size_t slash = file.rfind('/');
  std::string folder = slash == std::string::npos ? "." : file.substr(0, slash + 1);
  int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int reason = fd < 0 || ::fsync(fd) != 0 ? errno : 0;
  if (fd >= 0) ::close(fd);
  // Some network file systems know no sync of a folder.
  if (reason == 0 || reason == EINVAL) return {};
  return fail(Code::kUnavailable, fmt::format("cannot sync {}: {}", folder, std::strerror(reason)));
}

Result<DatabaseHandle> open_handle(const std::string& file, int flags, const std::string& vfs) {
  configure_sqlite_once();
  sqlite3* raw = nullptr;
  int rc = sqlite3_open_v2(file.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                           vfs.empty() ? nullptr : vfs.c_str());
  DatabaseHandle db(raw);
  if (rc != SQLITE_OK) {
    Error error = make_error(
        Code::kUnavailable,
        fmt::format("cannot open {}: {}", file, raw ? sqlite3_errmsg(raw) : sqlite3_errstr(rc)));
    return fail(std::move(error));
  }
  return db;
}

Result<StatementHandle> prepare_handle(sqlite3* db, const std::string& sql) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()), 0, &raw, nullptr) !=
      SQLITE_OK) {
    return fail(last_error(db, Verb::kOther, sql));
  }
  if (raw == nullptr) return fail(internal_error("empty statement"));
  return StatementHandle(raw);
}

Result<> exec_handle(sqlite3* db, const char* sql) {
  if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return fail(last_error(db, Verb::kOther, sql));
  return {};
}

Result<std::vector<std::string>> text_rows(sqlite3* db, const std::string& sql) {
  TRY(StatementHandle stmt, prepare_handle(db, sql));
  std::vector<std::string> rows;
  int rc;
  while ((rc = sqlite3_step(stmt.get())) == SQLITE_ROW) {
    auto* text = reinterpret_cast<const char*>(sqlite3_column_text(stmt.get(), 0));
    rows.emplace_back(text == nullptr ? "" : text);
  }
  if (rc != SQLITE_DONE) return fail(last_error(db, Verb::kRead, sql));
  return rows;
}

}  // namespace mettle::db

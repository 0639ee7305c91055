#include "db/sqlite/settle_wal.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>

#include "base/mutant.h"

namespace mettle::db {
namespace {

constexpr sqlite3_int64 kChunkBytes = 64 << 10;

int rewrite(sqlite3_file* file) {
  sqlite3_int64 size = 0;
  int code = file->pMethods->xFileSize(file, &size);
  if (code != SQLITE_OK || size == 0) return code;
  std::string chunk(static_cast<size_t>(std::min(size, kChunkBytes)), '\0');
  for (sqlite3_int64 at = 0; at < size; at += kChunkBytes) {
    const int count = static_cast<int>(std::min(kChunkBytes, size - at));
    code = file->pMethods->xRead(file, chunk.data(), count, at);
    if (code == SQLITE_OK) code = file->pMethods->xWrite(file, chunk.data(), count, at);
    if (code != SQLITE_OK) return code;
  }
  return file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
}

}  // namespace

// Within a write transaction: another process may be writing beside us, but not now.
Result<> settle_wal(Connection& connection) {
  if (planted(Mutant::kWalNotSettled)) return {};
  TRY_VOID(connection.control(Control::kBeginImmediate));
  sqlite3_file* file = nullptr;
  int code = sqlite3_file_control(connection.handle(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
  if (code == SQLITE_OK && file != nullptr && file->pMethods != nullptr) code = rewrite(file);
  TRY_VOID(connection.control(Control::kRollback));
  if (code == SQLITE_OK) return {};
  Error error = make_error(Code::kUnavailable, "the disk failed while the database was opened");
  error.inside = fmt::format("sqlite {} while the WAL was written anew", code);
  return fail(std::move(error));
}

}  // namespace mettle::db

#include "db/sqlite/read_view.h"

#include <sqlite3.h>

#include <atomic>

namespace mettle::db {
namespace {

constexpr int kIndexPageBytes = 32768;  // the unit in which the index is mapped

// Memory that stays where it is as long as the connection is open.
const volatile uint32_t* wal_index(sqlite3* db) {
  sqlite3_file* file = nullptr;
  if (sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK ||
      file == nullptr || file->pMethods == nullptr || file->pMethods->iVersion < 2) {
    return nullptr;
  }
  void volatile* index = nullptr;
  if (file->pMethods->xShmMap(file, 0, kIndexPageBytes, 0, &index) != SQLITE_OK) return nullptr;
  return static_cast<const volatile uint32_t*>(index);
}

}  // namespace

ReadView::ReadView(Connection& connection) : connection_(connection) {
  auto done = connection.exec("SELECT count(*) FROM sqlite_schema");
  if (done) header_ = wal_index(connection.handle());
}

// Another process may be writing these words: two copies that are not alike are unlike the ones
// that were taken before, which is all that is asked.
__attribute__((no_sanitize("thread"))) ReadView::Header ReadView::header_now() const {
  Header header;
  for (size_t i = 0; i < kHeaderWords; ++i) header[i] = header_[i];
  std::atomic_thread_fence(std::memory_order_acquire);
  return header;
}

Result<> ReadView::enter() {
  const Header now = header_ != nullptr ? header_now() : Header{};
  if (connection_.in_transaction()) {
    if (header_ != nullptr && now == entered_) return {};
    TRY_VOID(connection_.control(Control::kCommit));
  }
  entered_ = now;
  return connection_.control(Control::kBegin);
}

void ReadView::leave() {
  // SQLite ends it by itself after some errors.
  if (connection_.in_transaction()) (void)connection_.control(Control::kCommit);
}

}  // namespace mettle::db

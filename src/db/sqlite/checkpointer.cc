#include "db/sqlite/checkpointer.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "db/sqlite/handle.h"

namespace mettle::db {
namespace {

constexpr int kFrameHeaderBytes = 24;
constexpr int kTruncateWaitMs = 100;  // for readers to leave the old WAL

}  // namespace

Checkpointer::Checkpointer(Connection& connection, const SqliteOptions& options, SqliteStats& stats)
    : connection_(connection), stats_(stats), busy_timeout_ms_(options.busy_timeout_ms) {
  int64_t page_bytes = 4096;
  if (auto size = text_rows(connection.handle(), "PRAGMA page_size"); size && !size->empty())
    page_bytes = std::stoll(size->front());
  frame_bytes_ = page_bytes + kFrameHeaderBytes;
  passive_pages_ = std::max<int64_t>(options.checkpoint_bytes / frame_bytes_, 1);
  truncate_pages_ = std::max<int64_t>(options.wal_bytes_max / frame_bytes_, 1);
  sqlite3_wal_hook(connection_.handle(), on_commit, this);
}

int Checkpointer::on_commit(void* self, sqlite3*, const char*, int pages) {
  auto& checkpointer = *static_cast<Checkpointer*>(self);
  // Fewer pages than before: the WAL began anew.
  if (pages < checkpointer.pages_) checkpointer.copied_ = checkpointer.truncate_from_ = 0;
  checkpointer.pages_ = pages;
  checkpointer.stats_.wal_bytes.set(static_cast<double>(pages * checkpointer.frame_bytes_));
  return SQLITE_OK;
}

Result<> Checkpointer::after_group(bool idle) {
  int64_t enough = idle ? std::max<int64_t>(passive_pages_ / 4, 1) : passive_pages_;
  if (pages_ - copied_ >= enough) {
    TRY_VOID(passive());
  }
  if (pages_ >= truncate_pages_ && pages_ >= truncate_from_) {
    TRY_VOID(truncate());
  }
  return {};
}

Result<> Checkpointer::passive() {
  FAIL_POINT_VOID("checkpoint.before");
  int in_wal = 0, copied = 0;
  int code = sqlite3_wal_checkpoint_v2(connection_.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                       &in_wal, &copied);
  if (code != SQLITE_OK) return outcome(code);
  stats_.checkpoints.add();
  // Held back by a reader, it is tried again after as many pages more, not after each commit.
  copied_ = in_wal;
  FAIL_POINT_VOID("checkpoint.after");
  return {};
}

Result<> Checkpointer::truncate() {
  sqlite3_busy_timeout(connection_.handle(), kTruncateWaitMs);
  int code = sqlite3_wal_checkpoint_v2(connection_.handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE,
                                       nullptr, nullptr);
  sqlite3_busy_timeout(connection_.handle(), busy_timeout_ms_);
  if (code != SQLITE_OK) {
    truncate_from_ = pages_ + truncate_pages_ / 4;
    LOG_WARN("the write-ahead log cannot be cut: a long read holds it",
             {{"bytes", pages_ * frame_bytes_}});
    return outcome(code);
  }
  stats_.wal_truncated.add();
  pages_ = copied_ = truncate_from_ = 0;
  stats_.wal_bytes.set(0);
  return {};
}

Result<> Checkpointer::finish() {
  if (pages_ == 0) return {};
  return truncate();
}

Result<> Checkpointer::outcome(int code) {
  if (is_sync_failure(sqlite3_extended_errcode(connection_.handle())))
    return fail(connection_.take_error(Verb::kOther, "checkpoint"));
  if ((code & 0xff) != SQLITE_BUSY && (code & 0xff) != SQLITE_LOCKED) {
    LOG_ERROR("a checkpoint failed", {{"code", code}});
  }
  return {};
}

}  // namespace mettle::db

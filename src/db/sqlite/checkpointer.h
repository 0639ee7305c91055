// When the WAL is copied back into the database: the writer's own business, between groups, so that
// no commit waits for it unforeseen. The writer's thread only.
#pragma once

#include "db/sqlite/connection.h"

namespace mettle::db {

class Checkpointer {
 public:
  Checkpointer(Connection& connection, const SqliteOptions& options, SqliteStats& stats);

  // After a group was answered. `idle`: nothing waits, so a smaller WAL is worth copying too.
  // Fails only where nothing may be written any more (a failed sync).
  Result<> after_group(bool idle);
  // Before closing: copies all and empties the WAL.
  Result<> finish();

 private:
  static int on_commit(void* self, sqlite3*, const char* database, int pages);
  Result<> passive();
  Result<> truncate();
  // The result of a checkpoint that did not succeed: only a failed sync is an error.
  Result<> outcome(int code);

  Connection& connection_;
  SqliteStats& stats_;
  const int busy_timeout_ms_;
  int64_t frame_bytes_ = 0;
  int64_t passive_pages_;
  int64_t truncate_pages_;
  int64_t pages_ = 0;          // in the WAL after the last commit
  int64_t copied_ = 0;         // of them, by the last checkpoint
  int64_t truncate_from_ = 0;  // next try, after one that readers prevented
};

}  // namespace mettle::db

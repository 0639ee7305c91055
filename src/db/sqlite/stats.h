// What the store counts, in the registry it was given (base/metrics.h). Any thread counts.
#pragma once

#include "base/metrics.h"

namespace mettle::db {

struct SqliteStats {
  explicit SqliteStats(Metrics& registry);

  Counter& inline_reads;
  Counter& inline_moved;  // spent the inline budget and went to the pool
  Counter& pool_reads;
  Counter& pool_refused;
  Counter& read_timeouts;
  Counter& statement_hits;
  Counter& statement_misses;

  Counter& units_committed;
  Counter& units_failed;  // by their own error; the group went on without them
  Counter& write_refused;
  Counter& groups_replayed;
  Counter& checkpoints;
  Counter& wal_truncated;
  Gauge& write_queue;
  Gauge& scan_queue;
  Gauge& wal_bytes;
  Histogram& group_size;
  Histogram& commit_seconds;      // COMMIT with its sync
  Histogram& write_wait_seconds;  // from write() to the start of its group
};

}  // namespace mettle::db

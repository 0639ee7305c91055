#include "db/sqlite/stats.h"

#include "db/sqlite/sync_count.h"

namespace mettle::db {

SqliteStats::SqliteStats(Metrics& registry)
    : inline_reads(registry.counter("mettle_sqlite_reads", "Reads by where they ended",
                                    {{"where", "inline"}})),
      inline_moved(registry.counter("mettle_sqlite_reads_moved",
                                    "Reads that spent the inline budget and were run again on the "
                                    "scan pool")),
      pool_reads(registry.counter("mettle_sqlite_reads", "Reads by where they ended",
                                  {{"where", "pool"}})),
      pool_refused(registry.counter("mettle_sqlite_refused",
                                    "Work refused because a queue was full", {{"queue", "scan"}})),
      read_timeouts(
          registry.counter("mettle_sqlite_read_timeouts", "Reads that spent their time budget")),
      statement_hits(registry.counter("mettle_sqlite_statement_cache",
                                      "Statement cache lookups by result", {{"result", "hit"}})),
      statement_misses(registry.counter("mettle_sqlite_statement_cache",
                                        "Statement cache lookups by result", {{"result", "miss"}})),
      units_committed(registry.counter("mettle_sqlite_write_units", "Write units by how they ended",
                                       {{"result", "committed"}})),
      units_failed(registry.counter("mettle_sqlite_write_units", "Write units by how they ended",
                                    {{"result", "failed"}})),
      write_refused(registry.counter(
          "mettle_sqlite_refused", "Work refused because a queue was full", {{"queue", "write"}})),
      groups_replayed(registry.counter("mettle_sqlite_groups_replayed",
                                       "Groups run again because an error rolled all back")),
      checkpoints(registry.counter("mettle_sqlite_checkpoints", "Checkpoints of the WAL")),
      wal_truncated(registry.counter("mettle_sqlite_wal_truncations",
                                     "Checkpoints that had to shrink the WAL")),
      write_queue(registry.gauge("mettle_sqlite_write_queue", "Write units waiting")),
      scan_queue(registry.gauge("mettle_sqlite_scan_queue", "Reads waiting for the scan pool")),
      wal_bytes(registry.gauge("mettle_sqlite_wal_bytes", "Size of the write-ahead log in use")),
      group_size(registry.histogram("mettle_sqlite_group_size", "Write units in one commit",
                                    size_bounds())),
      commit_seconds(registry.histogram("mettle_sqlite_commit_seconds",
                                        "Time of a commit with its sync", latency_bounds())),
      write_wait_seconds(registry.histogram("mettle_sqlite_write_wait_seconds",
                                            "Time a write waited for the writer",
                                            latency_bounds())) {
  registry.callback_counter("mettle_sqlite_syncs", "Calls of fdatasync, checkpoints' too", {},
                            [] { return static_cast<double>(mettle_sync_count()); });
  registry.callback_counter("mettle_sqlite_sync_seconds", "Time spent in fdatasync", {},
                            [] { return static_cast<double>(mettle_sync_nanoseconds()) / 1e9; });
}

}  // namespace mettle::db

// How the SQLite store is opened: server configuration, never the app file's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/metrics.h"
#include "base/seams.h"
#include "db/sqlite/functions.h"

namespace mettle::db {

enum class Synchronous : uint8_t {
  kFull,    // an acknowledged write survives power loss
  kNormal,  // it survives the end of the process only; the operator's explicit choice
};

struct SqliteOptions {
  std::string file;       // the database; made if missing, unless read_only
  std::string lock_file;  // held while open: one server; empty for tools beside it
  std::string vfs;        // SQLite's name of it; empty for the operating system's
  Seams* seams = nullptr;
  Metrics* metrics = nullptr;
  bool read_only = false;  // no writer: write() and migrate() are kUnavailable
  Synchronous synchronous = Synchronous::kFull;
  std::vector<RegisterFunctions> functions;  // beside the built-in ones, on every connection

  int busy_timeout_ms = 5000;       // for another process that writes beside us
  int64_t inline_ops_max = 50'000;  // about 1 ms (limits::kInlineStatementUs), then the scan pool
  int64_t read_budget_us = limits::kScanStatementUs;   // of a statement or unit on the scan pool
  int64_t write_budget_us = limits::kScanStatementUs;  // of a WriteUnit
  size_t scan_threads = limits::kScanThreads;          // at least 1
  // false: neither the writer nor the pool has a thread; SqliteStore::step_writer and step_pool do
  // their work on the caller's (the simulator, which decides what happens when).
  bool own_threads = true;
  size_t scan_queue_max = limits::kScanQueue;
  size_t write_queue_max = limits::kWriterQueue;
  size_t group_max = limits::kWriterGroup;          // units in one commit
  size_t statements_max = limits::kStatementCache;  // of one connection
  int64_t core_cache_bytes = int64_t{12} << 20;     // page cache of one core's reader
  int64_t reader_cache_bytes = int64_t{4} << 20;    // of one of the scan pool, which reads once
  int64_t writer_cache_bytes = int64_t{12} << 20;
  // The WAL is copied into the database (PASSIVE) from this size on; when a reader held that back
  // and it grew past wal_bytes_max, the writer waits for readers and cuts it (TRUNCATE).
  int64_t checkpoint_bytes = int64_t{4} << 20;
  int64_t wal_bytes_max = limits::kWalBytes;

  // DIR/app.db with DIR/lock, as `mettle serve` has them.
  static SqliteOptions for_data_folder(const std::string& folder, Seams& seams, Metrics& metrics);
};

}  // namespace mettle::db

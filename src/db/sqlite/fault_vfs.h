// For tests: a VFS over the operating system's that fails where it is told, and remembers in which
// order files were written and synced. Registered once under kFaultVfs (SqliteOptions::vfs).
#pragma once

#include <atomic>
#include <string>

namespace mettle::db {

inline constexpr const char* kFaultVfs = "mettle_fault";

struct Faults {
  std::atomic<int> fail_syncs{0};           // of the WAL: the next n fail (EIO)
  std::atomic<int> fail_database_syncs{0};  // of the database file, by a checkpoint
  std::atomic<int> fail_writes{0};          // of the WAL: the next n find the disk full
  std::atomic<int> wal_syncs{0};            // done
  std::atomic<bool> wal_dirty{false};       // written since its last sync
  std::atomic<int64_t> wal_written{0};      // bytes
};

// Registers the VFS at first use. One for the process: tests reset() it.
Faults& fault_vfs();
void reset_faults();

}  // namespace mettle::db

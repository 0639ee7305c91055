// The simulated disk as SQLite sees it: a VFS by the name kSimVfs, over one Disk at a time, with
// locks and shared memory of its own. It is SQLite's default VFS too, so that its random numbers
// and times come from here. One thread.
#pragma once

#include "base/seams.h"
#include "sim/disk.h"

namespace mettle::sim {

inline constexpr const char* kSimVfs = "mettle_sim";

// From now on SQLite's files are on this disk and its process is the disk's running one; its random
// numbers start over.
void start_process(Disk& disk, Clock& clock);
// A process on a new disk whose random numbers follow from the seed.
void seed_sqlite(uint64_t seed);

}  // namespace mettle::sim

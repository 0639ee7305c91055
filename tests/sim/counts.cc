#include "sim/counts.h"

namespace mettle::sim {
namespace {

constexpr std::array<std::string_view, static_cast<size_t>(Count::kCount)> kNames = {
    "writes acknowledged",
    "refusals kept with their key",
    "replays checked",
    "other payloads under a key refused",
    "the same key sent twice at once",
    "claims committed",
    "claims given back",
    "claims found running",
    "answered: unavailable",
    "answered: forbidden, all undone",
    "cancelled before they ran",
    "deadlines passed in the queue",
    "reads of everything checked",
    "reads by id checked",
    "snapshots held over writes",
    "groups of several units",
    "groups run again",
    "checkpoints",
    "write-ahead logs cut",
    "jumps of the clock",
    "power losses",
    "  in the middle of a write",
    "  before a sync took effect",
    "  after a sync took effect",
    "  at a truncate",
    "  while opening (recovery)",
    "kills (kill -9)",
    "  in the middle of an operation",
    "exits after a failed sync",
    "clean stops",
    "sectors lost, unsynced",
    "sectors torn",
    "truncates lost",
    "names of files lost",
    "sectors only in the page cache after EIO",
    "EIO at a read",
    "EIO at a write",
    "EIO at a truncate",
    "EIO at a sync",
    "EIO at an open",
    "EIO at a delete",
    "ENOSPC",
    "short reads, past the end",
    "opens that failed",
    "write-ahead logs recovered",
    "unanswered writes found there",
    "unanswered writes found absent",
    "integrity checks",
    "databases made under faults",
};

}  // namespace

std::string_view count_name(Count count) {
  return kNames[static_cast<size_t>(count)];
}

}  // namespace mettle::sim

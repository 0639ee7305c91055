// What the simulation counts, one line of its table each. A count that stays zero over a whole run
// means that a kind of fault or check was never met, and fails the run. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace mettle::sim {

enum class Count : uint8_t {
  kWritesAcknowledged,
  kRefusalsKept,
  kReplaysChecked,
  kOtherPayloadsRefused,
  kSentTwiceAtOnce,
  kClaimsCommitted,
  kClaimsGivenBack,
  kClaimsFoundRunning,
  kAnsweredUnavailable,
  kAnsweredForbidden,
  kCancelled,
  kDeadlinesPassed,
  kReadsChecked,
  kPointReadsChecked,
  kSnapshotsHeld,
  kGroupsOfMany,
  kGroupsReplayed,
  kCheckpoints,
  kWalCuts,
  kClockJumps,
  kPowerLosses,
  kPowerLossesAtWrite,
  kPowerLossesBeforeSync,
  kPowerLossesAfterSync,
  kPowerLossesAtTruncate,
  kPowerLossesWhileOpening,
  kKills,
  kKillsInside,
  kExitsAfterFailedSync,
  kCleanStops,
  kSectorsLost,
  kSectorsTorn,
  kTruncatesLost,
  kNamesLost,
  kSectorsOnlyInCache,
  kEioRead,
  kEioWrite,
  kEioTruncate,
  kEioSync,
  kEioOpen,
  kEioDelete,
  kEnospc,
  kShortReads,
  kOpensFailed,
  kWalsRecovered,
  kUnansweredThere,
  kUnansweredAbsent,
  kIntegrityChecks,
  kDatabasesMade,
  kCount,
};

std::string_view count_name(Count count);

struct Counts {
  std::array<int64_t, static_cast<size_t>(Count::kCount)> of{};
  int64_t& operator[](Count count) { return of[static_cast<size_t>(count)]; }
  int64_t operator[](Count count) const { return of[static_cast<size_t>(count)]; }
  void add(const Counts& other) {
    for (size_t i = 0; i < of.size(); ++i) of[i] += other.of[i];
  }
};

}  // namespace mettle::sim

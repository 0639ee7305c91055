// Mutants: faults that a programmer could make, planted on purpose and switched on one at a time by
// `mettle serve --mutant ID`, so that each promise's test is seen to fail when the promise is
// broken. What each breaks, and which test must catch it, is in mutant.cc;
// docs/internals/mutants.md has the table, tests/mutants/matrix.py runs it.
//
//   if (planted(Mutant::kOverflowWraps)) …
//
// A site is one line beside the decision that it spoils, and does not end the process.
//
// Compiled in where METTLE_FAIL_POINTS is defined (Debug builds): a plain load, since the choice is
// made once, before threads start. Elsewhere planted() is false when compiled, and nothing is left.
// choose_mutant() fails with kUsage for an id that there is not.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mettle {

enum class Mutant : uint8_t {
  kNone,
  // net
  kHeaderCountUnlimited,
  kHeadSizeUnlimited,
  kChunkSizeWraps,
  kLengthAndChunksAccepted,
  kFoldedHeaderAccepted,
  kHeaderTimerRestarts,
  kPipelinedRequestDropped,
  kHeadSendsBody,
  kDrainDropsRequests,
  // what goes out
  kReachNotChecked,
  kCircuitNeverOpens,
  kPostRepeated,
  kMailClaimNotHeld,
  kMailHeaderNotEncoded,
  // records: rules
  kRuleSkippedInEmbed,
  kRuleSkippedInCount,
  kRuleSkippedInAggregate,
  kRuleSkippedInSort,
  kRuleSkippedInFilter,
  kRuleSkippedInBatch,
  kRuleSkippedInCommand,
  kHiddenColumnShown,
  kHiddenColumnSummed,
  kClosedTableEmbedded,
  kWriteRuleNotAfter,
  kColumnRuleNotAfter,
  kDeleteRuleIsReadRule,
  kUpsertSkipsUpdateRule,
  // records: tenants
  kTenantNotInReads,
  kTenantNotInWrites,
  kTenantNotWalked,
  kTenantNotInSteps,
  kTenantNotInStepWrites,
  kTenantNotInReferences,
  kTenantNotUnique,
  kTenantNotInSql,
  // records: the rest
  kVersionNotCompared,
  kEtagComparedWeakly,
  kCursorOffByOne,
  kCursorOfAnyQuery,
  kCursorNotSigned,
  kNullsLostBetweenPages,
  kMaxAffectedIgnored,
  kUnknownColumnIgnored,
  // rules
  kUnknownGrants,
  kUnknownLostInAnd,
  kUnknownPassesAll,
  kOverflowWraps,
  kMissingRelationGrants,
  // idempotency
  kOtherPayloadReplayed,
  kKeyWithoutPrincipal,
  kKeyOutsideCommit,
  kRefusalKeepsChanges,
  // the writer
  kAckBeforeSync,
  kAckBeforeCommit,
  kRollbackForgetsNeighbours,
  kFailedUnitStays,
  kSyncFailureIgnored,
  kWalNotSettled,
  // keys
  kExpiredKeyWorks,
  kRevokedKeyWorks,
  kRolesIgnored,
  kRolesInheritedUpwards,
  kUndeclaredRoleGrants,
  kKeyOutlivesPerson,
  kInvitationStays,
  kAnyRoleInvited,
  kAccessTestAlwaysPasses,
  // sign-in
  kUsedRefreshTokenWorks,
  kEndedSessionWorks,
  kCrossSiteTrusted,
  kLockOutForgotten,
  kTokenSignatureIgnored,
  kOneTimeTokenStays,
  kPreHijackSurvives,
  kOldLinksWork,
  kPersonComesBack,
  kResetKeepsSessions,
  kOwnAddressWritable,
  kIssuerUnchecked,
  kNonceUnchecked,
  kUnprovenAccountLinked,
  // limits
  kBatchLimitedAsOne,
  kForwardedByAnybody,
  // sensitive columns
  kSensitiveDumped,
  kMaskLoaded,
  kSensitiveQuoted,
  kSensitiveInRefusal,
  kSensitiveExplained,
  kSensitiveLogged,
  // the rest
  kInsideShown,
  kDropWithoutAsking,
  kBadRowSwallowed,
  kOutsideServed,
  kOriginReflected,
  kMetricsForEverybody,
  kSecretLogged,
};

struct MutantInfo {
  Mutant mutant;
  std::string_view id;
  std::string_view fault;    // what is broken
  std::string_view promise;  // and what of ours with it
  // Which must fail: "FILE.http: step", "x_test Suite.Name", "kill9", "oidc: case".
  std::string_view test;
};

// In the order of the enum, without kNone.
std::span<const MutantInfo> all_mutants();
// The table as Markdown, for `--mutant help` and docs/internals/mutants.md.
std::string mutant_table();

#ifdef METTLE_FAIL_POINTS
inline constexpr bool kHasMutants = true;
namespace mutant_inside {
extern Mutant chosen;
}
inline bool planted(Mutant mutant) {
  return mutant_inside::chosen == mutant;
}
#else
inline constexpr bool kHasMutants = false;
constexpr bool planted(Mutant) {
  return false;
}
#endif

// Before threads start; once.
Result<> choose_mutant(std::string_view id);

}  // namespace mettle

#include "base/mutant.h"

#include "base/text.h"

namespace mettle {

#ifdef METTLE_FAIL_POINTS
namespace mutant_inside {
constinit Mutant chosen = Mutant::kNone;
}
#endif

namespace {

constexpr MutantInfo kTable[] = {
    {Mutant::kHeaderCountUnlimited, "header-count-unlimited", "any number of headers is taken",
     "a client cannot make the server hold what it likes",
     "http1.http: more headers than are taken"},
    {Mutant::kHeadSizeUnlimited, "head-size-unlimited", "headers of any size are taken",
     "a client cannot make the server hold what it likes",
     "http1.http: headers that are too large"},
    {Mutant::kChunkSizeWraps, "chunk-size-wraps", "a chunk's size is kept in 16 bits",
     "a message has one reading", "http1.http: a chunk size beyond every limit"},
    {Mutant::kLengthAndChunksAccepted, "length-and-chunks-accepted",
     "Transfer-Encoding wins over Content-Length instead of a refusal", "a message has one reading",
     "http1.http: a length and chunks"},
    {Mutant::kFoldedHeaderAccepted, "folded-header-accepted", "a folded header line is passed over",
     "a message has one reading", "http1.http: a folded header"},
    {Mutant::kHeaderTimerRestarts, "header-timer-restarts",
     "each byte of the headers gives time for the next", "a slow client cannot hold a connection",
     "net_test Http1ConnectionTest.GivesTheHeadersALimitedTimeInAll"},
    {Mutant::kPipelinedRequestDropped, "pipelined-request-dropped",
     "what came behind a request in the same packet is thrown away",
     "each request is answered, in order",
     "http1.http: requests of a client that has sent all it has to say"},
    {Mutant::kHeadSendsBody, "head-sends-body", "the answer to HEAD has a body",
     "an answer ends where its reader thinks", "http1.http: the answer to HEAD has no body"},
    {Mutant::kDrainDropsRequests, "drain-drops-requests", "stopping waits for no request that runs",
     "a restart loses no request", "engine_test EngineTest.LetsWhatRunsFinishWhenItStops"},
    {Mutant::kReachNotChecked, "reach-not-checked", "an outgoing call connects to any address",
     "no call is led into the network behind the server",
     "net_test HttpClientTest.RefusesAddressesOutOfReach"},
    {Mutant::kCircuitNeverOpens, "circuit-never-opens", "a host that fails is asked on and on",
     "a host that fails is left alone",
     "net_test HttpRetryTest.AHostThatFailsIsLeftAloneAndTheCallerIsToldUntilWhen"},
    {Mutant::kPostRepeated, "post-repeated", "a POST that may have been acted on is sent again",
     "an outgoing call happens twice only where it may",
     "net_test HttpRetryTest.DoesNotRepeatAPostThatMayHaveBeenActedOn"},
    {Mutant::kMailClaimNotHeld, "mail-claim-not-held",
     "a sender that was late settles a mail that is another's by now",
     "one sender at a time has a mail",
     "f_mail_test OutboxTest.AClaimIsOneSendersAloneUntilItRunsOut"},
    {Mutant::kMailHeaderNotEncoded, "mail-header-not-encoded", "a subject is put in as it is",
     "nothing from outside becomes a header of a mail",
     "f_mail_test Message.NothingFromOutsideBecomesAHeader"},
    {Mutant::kRuleSkippedInEmbed, "rule-skipped-in-embed",
     "embedded rows are not held to their table's read rule",
     "nobody sees a row that the rules refuse",
     "data/select.http: the rule of the embedded table holds"},
    {Mutant::kRuleSkippedInCount, "rule-skipped-in-count",
     "count=exact counts rows that may not be read", "nobody learns of a row that the rules refuse",
     "data/access.http: lists hold what one may read"},
    {Mutant::kRuleSkippedInAggregate, "rule-skipped-in-aggregate",
     "count(), sum() and the like go over rows that may not be read",
     "nobody learns of a row that the rules refuse", "data/tenants.http: nor counts it"},
    {Mutant::kRuleSkippedInSort, "rule-skipped-in-sort",
     "rows may be sorted by a column that may not be read",
     "nobody learns a value that the rules refuse", "data/columns.http: nor sorted by"},
    {Mutant::kRuleSkippedInFilter, "rule-skipped-in-filter",
     "rows may be filtered by a column that may not be read",
     "nobody learns a value that the rules refuse",
     "data/columns.http: what one may not read of every row is not filtered on"},
    {Mutant::kRuleSkippedInBatch, "rule-skipped-in-batch",
     "operations of a batch act for the app instead of the caller",
     "a batch is allowed what its parts are", "data/tenants.http: it is as it was"},
    {Mutant::kRuleSkippedInCommand, "rule-skipped-in-command",
     "rows that a command returns keep the columns that may not be read",
     "nobody learns a value that the rules refuse",
     "commands_steps.http: opens an account; the column that is not the caller's to read is left "
     "out"},
    {Mutant::kHiddenColumnShown, "hidden-column-shown",
     "a column that the caller may never read is shown where all are",
     "nobody learns a value that the rules refuse",
     "data/columns.http: what one may read of no row is left out"},
    {Mutant::kHiddenColumnSummed, "hidden-column-summed",
     "a column that may not be read may be aggregated",
     "nobody learns a value that the rules refuse",
     "data/aggregates.http: no aggregate of a column one may not read"},
    {Mutant::kClosedTableEmbedded, "closed-table-embedded",
     "a table that the caller may never read can be embedded",
     "what names no access is reachable by nobody",
     "data/select.http: a table that nobody may read cannot be embedded either"},
    {Mutant::kWriteRuleNotAfter, "write-rule-not-after",
     "the update rule is asked of the row before the change alone",
     "a rule holds before and after a change", "data/access.http: giving a row away is refused"},
    {Mutant::kColumnRuleNotAfter, "column-rule-not-after",
     "a column's write rule is asked of the row before the change alone",
     "a rule holds before and after a change",
     "records_test WriteScopeTest.HoldsAColumnsRuleBeforeAndAfter"},
    {Mutant::kDeleteRuleIsReadRule, "delete-rule-is-read-rule", "who may read a row may delete it",
     "nobody changes a row that the rules refuse",
     "data/access.http: only the author of the article deletes them"},
    {Mutant::kUpsertSkipsUpdateRule, "upsert-skips-update-rule",
     "a POST that merges into a row does not ask the update rule",
     "nobody changes a row that the rules refuse", "data/upsert.http: refused"},
    {Mutant::kVersionNotCompared, "version-not-compared", "If-Match is taken without a look",
     "nobody's change is lost", "data/etags.http: with an old one"},
    {Mutant::kEtagComparedWeakly, "etag-compared-weakly", "If-Match takes W/ tags",
     "If-Match compares strongly (RFC 9110)", "data/etags.http: If-Match compares strongly"},
    {Mutant::kCursorOffByOne, "cursor-off-by-one", "the next page begins one row early",
     "pages hold each row once", "data/pages.http: the next page is the last: no cursor, no Link"},
    {Mutant::kCursorOfAnyQuery, "cursor-of-any-query", "a cursor goes with any query",
     "a cursor is of one query", "data/pages.http: another order's cursor"},
    {Mutant::kCursorNotSigned, "cursor-not-signed", "a cursor's signature is not looked at",
     "a cursor is what we gave out", "records_test Cursor.IsRefusedWithAnyBitChanged"},
    {Mutant::kNullsLostBetweenPages, "nulls-lost-between-pages",
     "behind a page that ends with a value, rows without one are left out",
     "pages hold each row once", "data/pages.http: nulls follow the values of the page before"},
    {Mutant::kMaxAffectedIgnored, "max-affected-ignored", "max_affected bounds nothing",
     "a bound that is asked for holds", "data/writes.http: a bound on how many are changed"},
    {Mutant::kUnknownColumnIgnored, "unknown-column-ignored",
     "a member of the body that is no column is passed over", "what is not known is an error",
     "data/validation.http: all faults at once, each with its pointer, its code and a detail"},
    {Mutant::kUnknownGrants, "unknown-grants",
     "a write is refused only where its rule is false, not where it is unknown",
     "unknown never grants", "data/unknown.http: a sum that does not fit grants nothing"},
    {Mutant::kUnknownLostInAnd, "unknown-lost-in-and", "true && unknown is true",
     "unknown never grants", "data/unknown.http: true and unknown is unknown"},
    {Mutant::kUnknownPassesAll, "unknown-passes-all",
     "in SQL, all() passes over elements of which it cannot tell", "unknown never grants",
     "data/unknown.http: all of what cannot be told is not true"},
    {Mutant::kOverflowWraps, "overflow-wraps", "whole numbers of rules wrap around",
     "a rule computes exactly or not at all",
     "data/unknown.http: a sum that does not fit grants nothing"},
    {Mutant::kMissingRelationGrants, "missing-relation-grants",
     "in SQL, what a missing row would say is null and not unknown", "unknown never grants",
     "data/unknown.http: a relation that leads nowhere grants nothing"},
    {Mutant::kOtherPayloadReplayed, "other-payload-replayed",
     "an Idempotency-Key replays its answer to another request", "a key stands for one request",
     "data/idempotency.http: another body under the same key"},
    {Mutant::kKeyWithoutPrincipal, "key-without-principal",
     "an Idempotency-Key is shared by all callers", "nobody gets another's answer",
     "data/idempotency.http: another caller's key is another key"},
    {Mutant::kKeyOutsideCommit, "key-outside-commit",
     "an Idempotency-Key is stored in a commit of its own, after the effect",
     "a retry has its effect once, also over a crash",
     "crash_between.http: the retry gets the answer of the first: its effect and its key were one "
     "commit"},
    {Mutant::kRefusalKeepsChanges, "refusal-keeps-changes",
     "what a command did before it refused is kept with its refusal", "all of a command or nothing",
     "commands_steps.http: ten at once move what there is"},
    {Mutant::kAckBeforeSync, "ack-before-sync", "a commit is answered before it is synced",
     "an acknowledged write survives power loss",
     "db_sqlite_test FailingDiskTest.AnswersOnlyAfterTheSync"},
    {Mutant::kAckBeforeCommit, "ack-before-commit", "a write is answered before its commit",
     "an acknowledged write survives kill -9", "kill9"},
    {Mutant::kRollbackForgetsNeighbours, "rollback-forgets-neighbours",
     "after an error that took the group's transaction the others are not run again",
     "an acknowledged write is there",
     "db_sqlite_test SqliteStoreTest.RunsTheOthersAgainWhenAnErrorRolledBackTheGroup"},
    {Mutant::kFailedUnitStays, "failed-unit-stays",
     "what a request wrote before it failed is committed with its neighbours",
     "all of a request or nothing", "data/batch.http: nothing of it is there"},
    {Mutant::kSyncFailureIgnored, "sync-failure-ignored",
     "the writer goes on after a sync that failed", "an acknowledged write survives power loss",
     "db_sqlite_test FailingDiskTest.AFailedSyncEndsTheProcess"},
    {Mutant::kWalNotSettled, "wal-not-settled",
     "the WAL is built on as the page cache shows it, whatever a failed sync left of it",
     "an acknowledged write survives power loss",
     "db_sqlite_test FailingDiskTest.OpeningWritesTheWalAnew"},
    {Mutant::kExpiredKeyWorks, "expired-key-works", "a key's end is not looked at",
     "a key works for as long as it says", "f_auth_test KeysTest.AnExpiredKeyDoesNotWork"},
    {Mutant::kRevokedKeyWorks, "revoked-key-works", "a revoked key works on",
     "a revoked key stops at once", "keys_life.http: it stops at once"},
    {Mutant::kRolesIgnored, "roles-ignored", "every key has every role of the app",
     "a key may what its roles may", "data/access.http: a caller without the role may not"},
    {Mutant::kRolesInheritedUpwards, "roles-inherited-upwards",
     "a role also has the rights of the roles that inherit it", "a key may what its roles may",
     "data/roles.http: what is above is not had"},
    {Mutant::kAccessTestAlwaysPasses, "access-test-always-passes",
     "whatever an access test finds, it passes", "a test that can fail does",
     "commands_test AppCommandsTest.AnAccessTestThatFindsAnotherAnswerFails"},
    {Mutant::kUsedRefreshTokenWorks, "used-refresh-token-works",
     "a refresh token that was used long ago still works", "a stolen token ends its session",
     "auth/tokens.http: a used refresh token ends the session"},
    {Mutant::kEndedSessionWorks, "ended-session-works", "a session that was ended works on",
     "signing out is at once", "auth/sign_in.http: is at once"},
    {Mutant::kCrossSiteTrusted, "cross-site-trusted",
     "a page of another site may send changes with the cookie", "no page acts for its visitor",
     "auth/cookies.http: another site's page may not change anything"},
    {Mutant::kLockOutForgotten, "lock-out-forgotten", "any number of passwords may be tried",
     "passwords cannot be guessed",
     "auth/lock_out.http: so does the right one, and nothing says which it was"},
    {Mutant::kTokenSignatureIgnored, "token-signature-ignored",
     "an access token's signature is not looked at", "nobody becomes someone else",
     "f_auth_test Algorithms/JwtTest.RefusesEveryChangedToken/EdDSA"},
    {Mutant::kOneTimeTokenStays, "one-time-token-stays", "the token of a mail works more than once",
     "nobody becomes someone else", "auth/mailbox.http: one of fifty succeeds"},
    {Mutant::kPreHijackSurvives, "pre-hijack-survives",
     "who made an account before its owner came keeps his password and sessions",
     "nobody becomes someone else", "auth/mailbox.http: what he left is over"},
    {Mutant::kResetKeepsSessions, "reset-keeps-sessions",
     "a new password leaves the old sessions alone", "a stolen session ends with a new password",
     "auth/mailbox.http: every session is over"},
    {Mutant::kOwnAddressWritable, "own-address-writable",
     "the address of one's own account is changed like any column", "nobody becomes someone else",
     "auth/mailbox.http: the address of one's own account is no column like others"},
    {Mutant::kBatchLimitedAsOne, "batch-limited-as-one",
     "a batch counts as one request, whatever is in it", "a limit holds whatever the form",
     "rate_limits.http: a batch counts as what is in it"},
    {Mutant::kForwardedByAnybody, "forwarded-by-anybody",
     "X-Forwarded-For is believed whoever sends it", "nobody chooses his own address",
     "rate_limits.http: a made-up address is no way around"},
    {Mutant::kInsideShown, "inside-shown", "an error shows its caller what is meant for the log",
     "an error reveals nothing of the inside", "base_test Problem.NeverShowsTheInside"},
    {Mutant::kDropWithoutAsking, "drop-without-asking",
     "a column that the file no longer names is dropped without --allow-drop",
     "a change of the file loses no data unasked",
     "f_migrate_test ShopTest.RefusesADropUntilItIsAllowed"},
    {Mutant::kBadRowSwallowed, "bad-row-swallowed",
     "a row of an import that cannot be taken does not stop it", "what is not loaded is told",
     "f_transfer_test TransferTest.NamesEveryFaultWithLineAndColumnAndWritesNothingOfTheBatch"},
    {Mutant::kOutsideServed, "outside-served", "static files follow links out of their folder",
     "nothing outside the folder is served", "statics.http: is not followed"},
    {Mutant::kOriginReflected, "origin-reflected", "CORS allows whichever origin asks",
     "scripts of strangers read nothing", "data/cors.http: of another origin"},
    {Mutant::kMetricsForEverybody, "metrics-for-everybody",
     "what is the operator's is shown through a proxy", "the operator's pages are the operator's",
     "engine_test PipelineTest.HidesWhatIsTheOperatorsFromEverybodyElse"},
    {Mutant::kSecretLogged, "secret-logged", "fields named like secrets are logged as they are",
     "no secret reaches the log", "base_test Log.MasksWhatIsNamedLikeASecret"},
};

constexpr bool in_order() {
  for (size_t i = 0; i < std::size(kTable); ++i) {
    if (static_cast<size_t>(kTable[i].mutant) != i + 1) return false;
  }
  return kTable[std::size(kTable) - 1].mutant == Mutant::kSecretLogged;
}
static_assert(in_order(), "each mutant has its row, in the order of the enum");

}  // namespace

std::span<const MutantInfo> all_mutants() {
  return kTable;
}

std::string mutant_table() {
  std::string out = "| mutant | what is broken | promise | caught by |\n|---|---|---|---|\n";
  for (const MutantInfo& one : kTable) {
    out += fmt::format("| `{}` | {} | {} | {} |\n", one.id, one.fault, one.promise, one.test);
  }
  return out;
}

Result<> choose_mutant([[maybe_unused]] std::string_view id) {
#ifdef METTLE_FAIL_POINTS
  for (const MutantInfo& one : kTable) {
    if (one.id != id) continue;
    mutant_inside::chosen = one.mutant;
    return {};
  }
  return fail(Code::kUsage,
              fmt::format("there is no mutant {}; `mettle serve --mutant help` lists them", id));
#else
  return fail(Code::kUsage, "this build has no mutants");
#endif
}

}  // namespace mettle

#include "records/idempotency.h"

#include <gtest/gtest.h>

#include "records/sqlite_records_fixture.h"

namespace mettle::records {
namespace {

constexpr const char* kApp = R"(mettle: 1
app: t
tables:
  things:
    columns: {n: {type: int}}
    access: {read: "true", write: "true"}
)";

// Hours pass between two looks at it: who waits has waited long enough at once.
class HastyClock final : public Clock {
 public:
  Timestamp now() override { return system_seams().clock->now(); }
  int64_t monotonic_us() override { return at_us_ += int64_t{3'600'000'000}; }

 private:
  int64_t at_us_ = 0;
};

class IdempotencyTest : public DoorTest {
 protected:
  void SetUp() override { serve(kApp); }

  static Idempotency keyed(std::string key, std::string body = "body", std::string scope = "s") {
    Idempotency made;
    made.scope = std::move(scope);
    made.key = std::move(key);
    made.fingerprint = std::move(body);
    return made;
  }
  // Inserts a row; then fails with `code`, if one is given.
  static Task<Result<Answer>> work(WriteScope& scope, const TableInfo& table,
                                   std::optional<Code> code) {
    RowInput input(table);
    input.values[static_cast<size_t>(table.find("n"))] = Value(int64_t{1});
    CO_TRY(const StoredRow row,
           co_await scope.insert(table, std::move(input), Authority::kApp, ""));
    if (code) co_return fail(*code, "as decided");
    Answer answer;
    answer.status = 201;
    answer.content_type = "application/json";
    answer.headers.emplace_back("Location", "/things/\"1\"");
    answer.body = fmt::format("{{\"id\":\"{}\"}}", format_uuid(row[0].uuid()));
    co_return answer;
  }
  Result<Answer> run(const Idempotency& key, std::optional<Code> code = std::nullopt,
                     Seams& seams = system_seams()) {
    const TableInfo& things = table("things");
    return commit([&, code](WriteScope& scope) { return work(scope, things, code); }, key, seams);
  }
  int64_t made() { return number("SELECT count(*) FROM things"); }

  static Task<Result<Answer>> claim_it(WriteScope& scope, Idempotency key, Timestamp until) {
    CO_TRY_VOID(co_await claim(scope.tx(), key, scope.now(), until));
    co_return Answer();
  }
  static Task<Result<Answer>> forget_it(WriteScope& scope, Idempotency key) {
    CO_TRY_VOID(co_await forget(scope.tx(), key));
    co_return Answer();
  }
};

TEST_F(IdempotencyTest, HasOneEffectAndOneAnswerAKey) {
  const auto first = run(keyed("a"));
  const auto again = run(keyed("a"));
  ASSERT_TRUE(first && again);
  EXPECT_FALSE(first->replayed);
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->status, 201);
  EXPECT_EQ(again->body, first->body);
  EXPECT_EQ(again->content_type, first->content_type);
  EXPECT_EQ(again->headers, first->headers);
  EXPECT_EQ(made(), 1);
  ASSERT_TRUE(run(keyed("b")));
  ASSERT_TRUE(run(keyed("a", "body", "another scope")));
  EXPECT_EQ(made(), 3);
}

TEST_F(IdempotencyTest, RefusesAnotherBodyUnderTheSameKey) {
  ASSERT_TRUE(run(keyed("a")));
  const auto refused = run(keyed("a", "other"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kIdempotencyMismatch);
  EXPECT_EQ(refused.error().status(), 422);
  EXPECT_EQ(made(), 1);
}

TEST_F(IdempotencyTest, KeepsTheRefusalThatAHandlerDecided) {
  const auto refused = run(keyed("a"), Code::kConflict);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 409);
  EXPECT_EQ(refused->content_type, "application/problem+json");
  EXPECT_EQ(made(), 0);
  // The retry gets it again, although it would now succeed.
  const auto again = run(keyed("a"));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->body, refused->body);
  EXPECT_EQ(made(), 0);
}

TEST_F(IdempotencyTest, ForgetsWhatARetryMayGetOtherwise) {
  for (const Code code : {Code::kUnauthenticated, Code::kForbidden, Code::kRateLimited,
                          Code::kInternal, Code::kUnavailable, Code::kStatementTimeout}) {
    const std::string key(code_name(code));
    const auto refused = run(keyed(key), code);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, code);
    EXPECT_EQ(made(), 0);
    const auto again = run(keyed(key));
    ASSERT_TRUE(again);
    EXPECT_FALSE(again->replayed);
    must(write("DELETE FROM things"));
  }
}

TEST_F(IdempotencyTest, WaitsForTheOneThatRunsAndThenSaysSo) {
  const Idempotency key = keyed("a");
  const Timestamp now = system_seams().clock->now();
  const Timestamp until{now.us + 3'600'000'000};
  ASSERT_TRUE(commit([&](WriteScope& scope) { return claim_it(scope, key, until); }));
  HastyClock clock;
  Seams seams = system_seams();
  seams.clock = &clock;
  const auto refused = run(key, std::nullopt, seams);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kIdempotencyInProgress);
  EXPECT_EQ(refused.error().retry_after_s, 1);
  EXPECT_EQ(made(), 0);
  // Who holds the claim commits under it.
  Idempotency own = key;
  own.claimed_until = until;
  ASSERT_TRUE(run(own));
  EXPECT_EQ(made(), 1);
  const auto replayed = run(key);
  ASSERT_TRUE(replayed);
  EXPECT_TRUE(replayed->replayed);
}

TEST_F(IdempotencyTest, TakesOverAClaimThatIsOverOrGivenBack) {
  const Idempotency key = keyed("a");
  const Timestamp past{system_seams().clock->now().us - 1};
  ASSERT_TRUE(commit([&](WriteScope& scope) { return claim_it(scope, key, past); }));
  ASSERT_TRUE(run(key));
  EXPECT_EQ(made(), 1);
  const Idempotency other = keyed("b");
  const Timestamp until{past.us + 3'600'000'000};
  ASSERT_TRUE(commit([&](WriteScope& scope) { return claim_it(scope, other, until); }));
  ASSERT_TRUE(commit([&](WriteScope& scope) { return forget_it(scope, other); }));
  ASSERT_TRUE(run(other));
  EXPECT_EQ(made(), 2);
}

TEST_F(IdempotencyTest, TakesOverAClaimOfAClockThatWasSetBackSince) {
  const Idempotency key = keyed("a");
  const Timestamp until{system_seams().clock->now().us + int64_t{10} * 365 * 86'400 * 1'000'000};
  ASSERT_TRUE(commit([&](WriteScope& scope) { return claim_it(scope, key, until); }));
  ASSERT_TRUE(run(key));
  EXPECT_EQ(made(), 1);
}

TEST_F(IdempotencyTest, DropsWhatIsOlderThanItsTime) {
  ASSERT_TRUE(run(keyed("old")));
  must(write("UPDATE mettle_idempotency SET created_at = 0"));
  ASSERT_TRUE(run(keyed("new")));
  EXPECT_EQ(number("SELECT count(*) FROM mettle_idempotency"), 1);
}

TEST_F(IdempotencyTest, NoAnswerIsMadeOfAStoredOneThatIsDamaged) {
  ASSERT_TRUE(run(keyed("a")));
  must(write("UPDATE mettle_idempotency SET headers = 'no json'"));
  const auto refused = run(keyed("a"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInternal);
  EXPECT_EQ(made(), 1);
}

// A write whose answer cannot be kept does not happen, or its retry would have a second effect.
TEST_F(IdempotencyTest, NothingHappensWhereTheAnswerCannotBeKept) {
  const Idempotency key = keyed("a");
  must(
      write("CREATE TRIGGER no_insert BEFORE INSERT ON mettle_idempotency BEGIN SELECT "
            "raise(ABORT, 'x'); END"));
  EXPECT_FALSE(run(key));
  EXPECT_EQ(made(), 0);
  must(write("DROP TRIGGER no_insert"));
  ASSERT_TRUE(run(keyed("old")));
  must(write("UPDATE mettle_idempotency SET created_at = 0"));
  must(
      write("CREATE TRIGGER no_delete BEFORE DELETE ON mettle_idempotency BEGIN SELECT "
            "raise(ABORT, 'x'); END"));
  EXPECT_FALSE(run(key));
  EXPECT_EQ(made(), 1);
  const Timestamp until{system_seams().clock->now().us + 3'600'000'000};
  must(write("DROP TRIGGER no_delete"));
  ASSERT_TRUE(commit([&](WriteScope& scope) { return claim_it(scope, key, until); }));
  must(
      write("CREATE TRIGGER no_delete BEFORE DELETE ON mettle_idempotency BEGIN SELECT "
            "raise(ABORT, 'x'); END"));
  EXPECT_FALSE(commit([&](WriteScope& scope) { return forget_it(scope, key); }));
  must(write("DROP TABLE mettle_idempotency"));
  EXPECT_FALSE(run(key));
  EXPECT_EQ(made(), 1);
}

TEST(IsKept, WhatAHandlerDecided) {
  for (const CodeInfo& info : all_codes()) {
    const bool kept = is_kept(make_error(info.code, ""));
    if (info.status >= 500 || info.status == 401 || info.status == 403 || info.status == 429) {
      EXPECT_FALSE(kept) << info.name;
    }
  }
  EXPECT_TRUE(is_kept(make_error(Code::kUniqueViolation, "")));
  EXPECT_TRUE(is_kept(make_error(Code::kNotFound, "")));
  Error own = make_error(Code::kUnexpectedRows, "");
  own.app_status = 409;
  EXPECT_TRUE(is_kept(own));
  own.app_status = 302;
  EXPECT_FALSE(is_kept(own));
  own.app_status = 503;
  EXPECT_FALSE(is_kept(own));
}

}  // namespace
}  // namespace mettle::records

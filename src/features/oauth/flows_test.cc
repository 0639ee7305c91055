#include "features/oauth/flows.h"

#include <gtest/gtest.h>

#include <functional>

#include "db/sqlite/store_fixture.h"
#include "features/auth/auth.h"

namespace mettle::oauth {
namespace {

constexpr Timestamp kNow{1'800'000'000'000'000};

// One transaction; a refusal rolls it back.
class Unit final : public db::WriteUnit {
 public:
  using Act = std::function<Task<Result<>>(db::WriteTx&)>;
  explicit Unit(Act act) : act_(std::move(act)) {}
  Task<Result<>> run(db::WriteTx& tx) override { return act_(tx); }

 private:
  const Act act_;
};

struct Begin {
  Flow flow;
  std::string state;
};
Task<Result<>> begin(db::WriteTx& tx, Begin& begin, Timestamp now) {
  CO_TRY(begin.state, co_await begin_flow(tx, *system_seams().random, begin.flow, now));
  co_return Result<>();
}
Task<Result<>> answer(db::WriteTx& tx, std::string state, std::string provider, std::string browser,
                      Timestamp now, Flow& out) {
  CO_TRY(out,
         co_await answer_flow(tx, std::move(state), std::move(provider), std::move(browser), now));
  co_return Result<>();
}
Task<Result<>> prove(db::WriteTx& tx, std::string id, Timestamp now, std::string& ticket) {
  CO_TRY(ticket, co_await prove_flow(tx, *system_seams().random, std::move(id), "{}", now));
  co_return Result<>();
}
Task<Result<>> look(db::WriteTx& tx, std::string ticket, Timestamp now) {
  CO_TRY_VOID(co_await find_proven(tx, std::move(ticket), now));
  co_return Result<>();
}

class FlowsTest : public db::StoreTest {
 protected:
  void SetUp() override {
    open();
    must(migrate(flow_tables()));
  }
  Code outcome(Unit::Act act) {
    Context ctx = context();
    const auto unit = std::make_shared<Unit>(std::move(act));
    const auto done = run_task(core_, store_->write(ctx, unit));
    return done ? Code::kCount : done.error().code;  // kCount: it went well
  }
  std::string begun(Timestamp now = kNow, std::string browser = "cookie") {
    Begin made;
    made.flow.provider = "acme";
    made.flow.nonce = "n";
    made.flow.verifier = "v";
    made.flow.return_to = "/";
    if (!browser.empty()) made.flow.browser_hash = auth::secret_hash(browser);
    EXPECT_EQ(outcome([&](db::WriteTx& tx) { return begin(tx, made, now); }), kWell);
    return made.state;
  }
  Code answered(const std::string& state, Timestamp now = kNow,
                const std::string& provider = "acme", const std::string& browser = "cookie") {
    return outcome(
        [&](db::WriteTx& tx) { return answer(tx, state, provider, browser, now, flow_); });
  }
  std::string proven(Timestamp now = kNow) {
    EXPECT_EQ(answered(begun()), kWell);
    std::string ticket;
    EXPECT_EQ(outcome([&](db::WriteTx& tx) { return prove(tx, flow_.id, now, ticket); }), kWell);
    return ticket;
  }
  Code spent(const std::string& ticket, Timestamp now = kNow) {
    return outcome([&](db::WriteTx& tx) { return spend_ticket(tx, ticket, now); });
  }

  static constexpr Code kWell = Code::kCount;
  static constexpr Code kRefused = Code::kInvalidCredentials;
  Flow flow_;
};

TEST_F(FlowsTest, AStateWorksOnceAndGivesBackWhatItBegan) {
  const std::string state = begun();
  EXPECT_EQ(answered(state), kWell);
  EXPECT_EQ(flow_.nonce, "n");
  EXPECT_EQ(flow_.verifier, "v");
  EXPECT_EQ(answered(state), kRefused);
}

TEST_F(FlowsTest, AStateWorksForTenMinutes) {
  const std::string state = begun();
  EXPECT_EQ(answered(state, {kNow.us + kFlowLifeUs}), kRefused);
  EXPECT_EQ(answered(state, {kNow.us + kFlowLifeUs - 1}), kWell);
}

TEST_F(FlowsTest, AnotherBrowserOrProviderUsesNothingUp) {
  const std::string state = begun();
  EXPECT_EQ(answered(state, kNow, "acme", ""), kRefused);
  EXPECT_EQ(answered(state, kNow, "acme", "other"), kRefused);
  EXPECT_EQ(answered(state, kNow, "other"), kRefused);
  EXPECT_EQ(answered(state), kWell);
  // Bound by its challenge alone.
  EXPECT_EQ(answered(begun(kNow, ""), kNow, "acme", ""), kWell);
}

TEST_F(FlowsTest, NothingElseIsAState) {
  const std::string state = begun();
  std::string other = state;
  other.back() = other.back() == 'A' ? 'B' : 'A';
  std::string prefix = state;
  prefix[2] = 'p';
  for (const std::string& text : {std::string(), other, prefix, state + "A", proven()}) {
    EXPECT_EQ(answered(text), kRefused) << text;
  }
}

TEST_F(FlowsTest, ATicketWorksOnceAndForFiveMinutes) {
  const std::string ticket = proven();
  EXPECT_EQ(spent(ticket, {kNow.us + kTicketLifeUs}), kRefused);
  EXPECT_EQ(outcome([&](db::WriteTx& tx) { return look(tx, ticket, kNow); }), kWell);
  EXPECT_EQ(spent(ticket, {kNow.us + kTicketLifeUs - 1}), kWell);
  EXPECT_EQ(spent(ticket), kRefused);
  EXPECT_EQ(outcome([&](db::WriteTx& tx) { return look(tx, ticket, kNow); }), kRefused);
}

TEST_F(FlowsTest, AFlowIsProvenOnceAndOnlyAfterItsAnswer) {
  const std::string state = begun();
  std::string ticket;
  const std::string id = flow_id_of(state).value_or("");
  EXPECT_EQ(outcome([&](db::WriteTx& tx) { return prove(tx, id, kNow, ticket); }), kRefused);
  EXPECT_EQ(answered(state), kWell);
  EXPECT_EQ(outcome([&](db::WriteTx& tx) { return prove(tx, id, kNow, ticket); }), kWell);
  EXPECT_EQ(outcome([&](db::WriteTx& tx) { return prove(tx, id, kNow, ticket); }), kRefused);
  EXPECT_EQ(flow_id_of(ticket), id);
  EXPECT_FALSE(flow_id_of("x").has_value());
}

TEST_F(FlowsTest, WhatNobodyFinishedGoesAsOthersBegin) {
  const std::string old = begun();
  begun({kNow.us + kFlowLifeUs + 1});
  // Gone for good: not even a clock that is set back finds it.
  EXPECT_EQ(answered(old, kNow), kRefused);
}

}  // namespace
}  // namespace mettle::oauth

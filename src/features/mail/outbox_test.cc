// The outbox and its sender over a real store: nothing lost, nothing sent twice at once, growing
// pauses, a bound of tries. The clock stands until a test moves it.
#include <gtest/gtest.h>

#include "async/held_clock.h"
#include "base/limits.h"
#include "db/sqlite/store_fixture.h"
#include "features/mail/mail_worker.h"

namespace mettle::mail {
namespace {

class ToldDelivery final : public Delivery {
 public:
  Task<Result<>> deliver(Context& ctx, const Letter& letter) override {
    ++under_way;
    most_under_way = std::max(most_under_way, under_way);
    sent.push_back(letter.id);
    texts.push_back(letter.text);
    if (hangs) std::ignore = co_await sleep_for(ctx, std::chrono::hours(1));
    --under_way;
    CO_TRY_VOID(ctx.alive());
    if (fails > 0) {
      --fails;
      Error error = make_error(with, "told to fail");
      error.inside = "450 later";
      co_return fail(std::move(error));
    }
    co_return Result<>();
  }
  int fails = 0;
  Code with = Code::kUnavailable;
  bool hangs = false;
  int under_way = 0, most_under_way = 0;
  std::vector<std::string> sent, texts;
};

class OutboxTest : public db::StoreTest {
 protected:
  void SetUp() override {
    open();
    must(migrate(mail_tables()));
  }
  void TearDown() override { store_.reset(); }

  // The store's own core runs on the real clock; the sender's on the held one.
  Context context() { return Context(core_, seams_, INT64_MAX); }
  void put(const std::string& id, std::optional<Timestamp> good_until = std::nullopt) {
    Letter letter;
    letter.id = id;
    letter.about = "test";
    letter.to = "ann@example.com";
    letter.subject = "s";
    letter.text = "secret link of " + id;
    letter.created_at = clock_.now();
    letter.good_until = good_until;
    Context ctx = context();
    must(run_task(core_, store_letter(ctx, *store_, letter)));
  }
  std::vector<Claimed> claim(size_t count = 10, int64_t for_ms = limits::kMailClaimMs) {
    Context ctx = context();
    const Timestamp until{clock_.now().us + for_ms * 1000};
    auto claimed = run_task(core_, claim_letters(ctx, *store_, count, until));
    EXPECT_TRUE(claimed.has_value());
    return claimed ? std::move(*claimed) : std::vector<Claimed>();
  }
  bool settle(const Claimed& claimed, Settled settled = {}) {
    Context ctx = context();
    const auto done = run_task(core_, settle_letter(ctx, *store_, claimed, std::move(settled)));
    EXPECT_TRUE(done.has_value());
    return done && *done;
  }
  std::vector<ListedLetter> list(std::string state = {}) {
    Context ctx = context();
    auto listed = run_task(core_, list_letters(ctx, *store_, std::move(state), 100));
    EXPECT_TRUE(listed.has_value());
    return listed ? std::move(*listed) : std::vector<ListedLetter>();
  }
  void pass_ms(int64_t ms) { clock_.advance(std::chrono::milliseconds(ms)); }

  HeldClock clock_;
  Seams seams_ = clock_.seams();
};

TEST_F(OutboxTest, AClaimIsOneSendersAloneUntilItRunsOut) {
  put("a");
  const auto first = claim();
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].letter.text, "secret link of a");
  EXPECT_EQ(first[0].tries, 1);
  EXPECT_TRUE(claim().empty());
  pass_ms(limits::kMailClaimMs);
  const auto second = claim();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].tries, 2);
  // The first one woke up late: what it says counts no more.
  EXPECT_FALSE(settle(first[0]));
  EXPECT_TRUE(settle(second[0]));
  EXPECT_EQ(list("sent").size(), 1u);
}

TEST_F(OutboxTest, TheTextOfASentMailIsGoneAndThatOfAFailedOneIsKept) {
  put("a");
  put("b");
  const auto claimed = claim();
  ASSERT_EQ(claimed.size(), 2u);
  EXPECT_TRUE(settle(claimed[0]));
  EXPECT_TRUE(settle(claimed[1], {Outcome::kFailed, "550 nobody", {}}));
  EXPECT_EQ(number("SELECT count(*) FROM mettle_mail WHERE state = 'sent' AND text IS NULL"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM mettle_mail WHERE state = 'failed' AND text LIKE '%b'"),
            1);
  Context ctx = context();
  EXPECT_EQ(*run_task(core_, retry_letters(ctx, *store_, "b")), 1);
  EXPECT_EQ(*run_task(core_, retry_letters(ctx, *store_, "a")), 0);
  EXPECT_EQ(claim().at(0).letter.text, "secret link of b");
}

TEST_F(OutboxTest, WhatEndedLongAgoIsForgotten) {
  put("a");
  put("b");
  settle(claim(1)[0]);
  pass_ms(1000);
  Context ctx = context();
  must(run_task(core_, forget_letters(ctx, *store_, clock_.now())));
  const auto left = list();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].state, "waiting");
}

TEST(MailPause, GrowsWithJitterUpToABound) {
  Random& random = *system_seams().random;
  int64_t whole_us = limits::kMailPauseMs * 1000;
  for (int64_t tries = 1; tries <= 40; ++tries) {
    for (int i = 0; i < 20; ++i) {
      const int64_t pause = mail_pause_us(tries, random);
      EXPECT_GT(pause, whole_us / 2 - 1);
      EXPECT_LE(pause, whole_us);
    }
    whole_us = std::min(whole_us * 3, limits::kMailPauseMaxMs * 1000);
  }
}

// A sender on a core of the held clock, run by hand. The store answers from its own threads, so
// the core is run until something is true, with a bound.
class SenderTest : public OutboxTest {
 protected:
  void SetUp() override {
    OutboxTest::SetUp();
    ASSERT_TRUE(store_->attach(core2_).has_value());
  }
  void TearDown() override {
    stop();
    OutboxTest::TearDown();
  }
  void start(bool alone = true) {
    sender_ = std::make_unique<Sender>(core2_, *store_, delivery_, metrics_of_, alone);
    core2_.post([this] { sender_->start(); });
  }
  void stop() {
    if (sender_ == nullptr) return;
    bool done = false;
    core2_.post([&] { sender_->finish([&done] { done = true; }); });
    until([&] {
      pass_ms(50);
      core2_.wake_timers();
      return done;
    });
    sender_.reset();
  }
  template <class Is>
  bool until(Is is) {
    for (int i = 0; i < 5'000'000; ++i) {
      core2_.run_ready();
      if (is()) return true;
      std::this_thread::yield();  // to the store's threads
    }
    ADD_FAILURE() << "it never came to be";
    return false;
  }
  // Moves time on, in steps, until it is so.
  template <class Is>
  bool in_time(Is is) {
    int looks = 0;
    return until([&] {
      if (is()) return true;
      // Seldom: the store's threads work in real time, and a claim must not run out meanwhile.
      if (++looks % 200 != 0) return false;
      pass_ms(50);
      core2_.wake_timers();
      return false;
    });
  }
  size_t count(const std::string& state) {
    return static_cast<size_t>(
        number("SELECT count(*) FROM mettle_mail WHERE state = '" + state + "'"));
  }

  Core core2_{seams_};
  ToldDelivery delivery_;
  Metrics registry2_;
  MailMetrics metrics_of_{registry2_};
  std::unique_ptr<Sender> sender_;
};

TEST_F(SenderTest, SendsWhatWaitsAndWhatItIsToldOf) {
  put("a");
  start();
  EXPECT_TRUE(until([&] { return metrics_of_.sent.value() == 1; }));
  put("b");
  sender_->ring();
  EXPECT_TRUE(until([&] { return metrics_of_.sent.value() == 2; }));
  EXPECT_EQ(count("sent"), 2u);
  EXPECT_EQ(delivery_.sent, (std::vector<std::string>{"a", "b"}));
}

TEST_F(SenderTest, FindsWhatAnotherProcessEnqueued) {
  start();
  until([&] { return true; });
  put("a");  // nobody rings
  EXPECT_TRUE(in_time([&] { return metrics_of_.sent.value() == 1; }));
}

TEST_F(SenderTest, TriesAgainAfterAPauseAndThenSends) {
  put("a");
  delivery_.fails = 3;
  start();
  const int64_t began_us = clock_.now().us;
  EXPECT_TRUE(in_time([&] { return metrics_of_.sent.value() == 1; }));
  EXPECT_EQ(delivery_.sent.size(), 4u);
  EXPECT_EQ(metrics_of_.again.value(), 3u);
  EXPECT_GE(clock_.now().us - began_us, (5'000'000 + 15'000'000 + 45'000'000) / 2);
}

TEST_F(SenderTest, GivesUpAfterSoManyTries) {
  put("a");
  delivery_.fails = 1000;
  start();
  for (uint64_t tries = 1; tries <= static_cast<uint64_t>(limits::kMailTries); ++tries) {
    ASSERT_TRUE(
        in_time([&] { return metrics_of_.again.value() + metrics_of_.failed.value() == tries; }));
    pass_ms(limits::kMailPauseMaxMs);
    core2_.wake_timers();
  }
  EXPECT_EQ(metrics_of_.failed.value(), 1u);
  EXPECT_EQ(delivery_.sent.size(), static_cast<size_t>(limits::kMailTries));
  const auto failed = list("failed");
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].problem, "450 later");
}

TEST_F(SenderTest, WhatIsRefusedForGoodIsNotTriedAgain) {
  put("a");
  delivery_.fails = 1;
  delivery_.with = Code::kInvalid;
  start();
  EXPECT_TRUE(until([&] { return metrics_of_.failed.value() == 1; }));
  EXPECT_EQ(delivery_.sent.size(), 1u);
}

TEST_F(SenderTest, AMailWhoseTimeIsOverIsNotSent) {
  put("a", clock_.now());
  pass_ms(1);
  start();
  EXPECT_TRUE(until([&] { return metrics_of_.failed.value() == 1; }));
  EXPECT_TRUE(delivery_.sent.empty());
}

TEST_F(SenderTest, SendsSoManyAtATimeAndOneThatHangsHoldsUpNoOther) {
  for (int i = 0; i < 10; ++i) put("m" + std::to_string(i));
  delivery_.hangs = true;
  start();
  EXPECT_TRUE(until([&] { return delivery_.under_way == static_cast<int>(limits::kMailAtOnce); }));
  delivery_.hangs = false;
  EXPECT_TRUE(in_time([&] { return metrics_of_.sent.value() == 10; }));
  EXPECT_EQ(delivery_.most_under_way, static_cast<int>(limits::kMailAtOnce));
}

TEST_F(SenderTest, WhatWasUnderWayWhenTheProcessDiedIsSentAgainAtOnce) {
  put("a");
  ASSERT_EQ(claim().size(), 1u);  // and the process dies here
  start(true);
  EXPECT_TRUE(until([&] { return metrics_of_.sent.value() == 1; }));
}

TEST_F(SenderTest, WhereOthersSendTooAClaimIsLeftUntilItRunsOut) {
  put("a");
  ASSERT_EQ(claim().size(), 1u);
  const int64_t claimed_us = clock_.now().us;
  start(false);
  EXPECT_TRUE(in_time([&] { return metrics_of_.sent.value() == 1; }));
  EXPECT_GE(clock_.now().us - claimed_us, limits::kMailClaimMs * 1000);
}

TEST_F(SenderTest, StoppingLetsWhatIsBeingSentEndAndCutsOffWhatHangs) {
  put("a");
  delivery_.hangs = true;
  start();
  EXPECT_TRUE(until([&] { return delivery_.under_way == 1; }));
  stop();
  EXPECT_EQ(delivery_.under_way, 0);
  EXPECT_EQ(count("sending"), 1u);  // sent or not: the next start sends it (again)
}

}  // namespace
}  // namespace mettle::mail

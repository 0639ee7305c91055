#include "engine/overload.h"

#include <gtest/gtest.h>

namespace mettle::engine {
namespace {

constexpr auto kRead = Overload::Work::kRead;
constexpr auto kWrite = Overload::Work::kWrite;

// Lets windows pass in which the loop is late by `delay_us`.
void pass_windows(Overload& overload, int count, int64_t delay_us, int64_t& now_us) {
  for (int i = 0; i < count; ++i) {
    for (int64_t t = 0; t <= kOverloadWindowUs; t += kOverloadSampleUs) {
      now_us += kOverloadSampleUs;
      overload.sample(now_us, delay_us);
    }
  }
}

// How many of `count` reads, one after the other, may begin.
int admitted_of(Overload& overload, int count) {
  int admitted = 0;
  for (int i = 0; i < count; ++i) {
    if (!overload.admit(kRead)) continue;
    ++admitted;
    overload.done(kRead, false);
  }
  return admitted;
}

TEST(Overload, AdmitsUpToItsBoundAndAgainWhenOneIsDone) {
  Overload overload({.in_flight_max = 2, .delay_target_us = 50'000});
  EXPECT_TRUE(overload.admit(kRead));
  EXPECT_TRUE(overload.admit(kRead));
  EXPECT_FALSE(overload.admit(kRead));
  EXPECT_EQ(overload.shed(), 1U);
  overload.done(kRead, false);
  EXPECT_TRUE(overload.admit(kRead));
  EXPECT_EQ(overload.in_flight(), 2);
}

TEST(Overload, ShrinksWhenTheLoopIsLastinglyFarTooLateAndGrowsBack) {
  Overload overload({.in_flight_max = 1000, .delay_target_us = 50'000});
  int64_t now_us = 1;
  pass_windows(overload, 20, 90'000, now_us);
  EXPECT_EQ(overload.bound(kRead), 1000);  // shedding will do
  pass_windows(overload, 20, 110'000, now_us);
  const int64_t shrunk = overload.bound(kRead);
  EXPECT_LT(shrunk, 150);
  EXPECT_EQ(overload.bound(kWrite), shrunk);
  pass_windows(overload, 100, 1'000, now_us);
  EXPECT_EQ(overload.bound(kRead), 1000);
}

TEST(Overload, ShedsAShareOfWhatNeverWaitsWhileTheLoopIsLate) {
  Overload overload({.in_flight_max = 1000, .delay_target_us = 50'000});
  int64_t now_us = 1;
  pass_windows(overload, 80, 60'000, now_us);
  EXPECT_EQ(admitted_of(overload, 160), 10);  // a sixteenth: the end of the overload must show
  pass_windows(overload, 20, 1'000, now_us);
  EXPECT_EQ(admitted_of(overload, 160), 160);
}

TEST(Overload, ShedsTheMoreTheLaterTheLoopIs) {
  for (const auto& [delay_us, admitted] : {std::pair{60'000, 63}, {100'000, 60}, {900'000, 56}}) {
    Overload overload({.in_flight_max = 1000, .delay_target_us = 50'000});
    int64_t now_us = 1;
    pass_windows(overload, 1, delay_us, now_us);
    EXPECT_EQ(admitted_of(overload, 64), admitted) << delay_us;
  }
}

TEST(Overload, ShedsNothingAsSoonAsTheLoopHasCaughtUpAndKnowsTheShareWhenItIsLateAgain) {
  Overload overload({.in_flight_max = 1000, .delay_target_us = 50'000});
  int64_t now_us = 1;
  pass_windows(overload, 80, 60'000, now_us);
  overload.sample(now_us += kOverloadSampleUs, 1'000);
  EXPECT_EQ(admitted_of(overload, 160), 160);
  overload.sample(now_us += kOverloadSampleUs, 60'000);
  EXPECT_EQ(admitted_of(overload, 160), 10);
}

TEST(Overload, ForgetsTheShareOverAPause) {
  Overload overload({.in_flight_max = 1000, .delay_target_us = 50'000});
  int64_t now_us = 1;
  pass_windows(overload, 80, 60'000, now_us);
  overload.sample(now_us += 60'000'000, 60'000);
  EXPECT_EQ(admitted_of(overload, 160), 160);
}

TEST(Overload, LetsRefusalsLeaveAtAPace) {
  Overload overload({});
  constexpr int64_t kNowUs = 7'000'000;
  for (int i = 0; i < kRefusalsAtOnce; ++i) EXPECT_EQ(overload.take_hold_us(kNowUs), 0) << i;
  for (int64_t i = kRefusalsAtOnce + 1; i * kRefusalPaceUs <= kHoldMaxUs; ++i) {
    ASSERT_EQ(overload.take_hold_us(kNowUs), i * kRefusalPaceUs);
  }
  EXPECT_EQ(overload.take_hold_us(kNowUs), kHoldMaxUs);  // nobody waits longer
  EXPECT_EQ(overload.take_hold_us(kNowUs), kHoldMaxUs);
  // Time takes off what it adds, and what was not used is not saved up.
  const int64_t half_us = kHoldMaxUs / 2;
  EXPECT_EQ(overload.take_hold_us(kNowUs + half_us), half_us + kRefusalPaceUs);
  const int64_t later_us = kNowUs + 60'000'000;
  for (int i = 0; i < kRefusalsAtOnce; ++i) EXPECT_EQ(overload.take_hold_us(later_us), 0) << i;
  EXPECT_GT(overload.take_hold_us(later_us), 0);
}

TEST(Overload, TakesOneLateTurnForNoOverload) {
  Overload overload({.in_flight_max = 100, .delay_target_us = 50'000});
  int64_t now_us = 1;
  for (int i = 0; i < 100; ++i) {
    now_us += kOverloadSampleUs;
    overload.sample(now_us, i % 2 == 0 ? 200'000 : 0);
  }
  EXPECT_EQ(overload.bound(kRead), 100);
  EXPECT_EQ(overload.shed(), 0U);
}

TEST(Overload, ShrinksTheBoundOfWritesAloneWhenTheStoreRefuses) {
  Overload overload({.in_flight_max = 100, .delay_target_us = 50'000});
  int64_t now_us = 1;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(overload.admit(kWrite));
    overload.done(kWrite, true);
    pass_windows(overload, 1, 0, now_us);
  }
  EXPECT_LT(overload.bound(kWrite), 50);
  EXPECT_EQ(overload.bound(kRead), 100);
}

// Of pairs of an anonymous request and one with credentials, how many of each may begin.
std::pair<int, int> admitted_of_pairs(Overload& overload, int count) {
  std::pair<int, int> admitted;
  for (int i = 0; i < count; ++i) {
    for (const auto rank : {Overload::Rank::kAnonymous, Overload::Rank::kCredentials}) {
      if (!overload.admit(kRead, rank)) continue;
      ++(rank == Overload::Rank::kAnonymous ? admitted.first : admitted.second);
      overload.done(kRead, false);
    }
  }
  return admitted;
}

TEST(Overload, ShedsTheAnonymousFirst) {
  Overload overload({.in_flight_max = 1000, .delay_target_us = 50'000});
  int64_t now_us = 1;
  pass_windows(overload, 24, 60'000, now_us);  // about 24 of 64
  const auto [anonymous, others] = admitted_of_pairs(overload, 320);
  EXPECT_EQ(others, 320);
  EXPECT_NEAR(anonymous, 80, 30);
}

TEST(Overload, ShedsOthersWhereTheAnonymousAreNotEnough) {
  Overload overload({.in_flight_max = 1000, .delay_target_us = 50'000});
  int64_t now_us = 1;
  pass_windows(overload, 80, 60'000, now_us);  // 60 of 64
  const auto [anonymous, others] = admitted_of_pairs(overload, 640);
  EXPECT_LE(anonymous, 1);
  EXPECT_NEAR(others, 80, 9);  // a sixteenth of all, but for what the anonymous owed at first
}

TEST(Overload, ShedsTheSameShareOfThoseWithCredentialsAlone) {
  Overload overload({.in_flight_max = 1000, .delay_target_us = 50'000});
  int64_t now_us = 1;
  pass_windows(overload, 80, 60'000, now_us);
  int admitted = 0;
  for (int i = 0; i < 640; ++i) {
    if (!overload.admit(kRead, Overload::Rank::kCredentials)) continue;
    ++admitted;
    overload.done(kRead, false);
  }
  EXPECT_NEAR(admitted, 40, 9);
}

TEST(Overload, KeepsAnEighthOfTheBoundFromTheAnonymous) {
  Overload overload({.in_flight_max = 16, .delay_target_us = 50'000});
  for (int i = 0; i < 14; ++i) EXPECT_TRUE(overload.admit(kWrite));
  EXPECT_FALSE(overload.admit(kWrite));
  EXPECT_TRUE(overload.admit(kWrite, Overload::Rank::kCredentials));
  EXPECT_TRUE(overload.admit(kWrite, Overload::Rank::kCredentials));
  EXPECT_FALSE(overload.admit(kWrite, Overload::Rank::kCredentials));
  EXPECT_TRUE(overload.admit(kRead));  // reads go on
}

TEST(Overload, NeverShrinksToNothing) {
  Overload overload({.in_flight_max = 4, .delay_target_us = 1'000});
  int64_t now_us = 1;
  pass_windows(overload, 500, 900'000, now_us);
  EXPECT_EQ(overload.bound(kRead), 4);
}

}  // namespace
}  // namespace mettle::engine

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

TEST(Overload, ShrinksWhenTheLoopIsLastinglyLateAndGrowsBack) {
  Overload overload({.in_flight_max = 1000, .delay_target_us = 50'000});
  int64_t now_us = 1;
  pass_windows(overload, 20, 60'000, now_us);
  const int64_t shrunk = overload.bound(kRead);
  EXPECT_LT(shrunk, 150);
  EXPECT_EQ(overload.bound(kWrite), shrunk);
  pass_windows(overload, 100, 1'000, now_us);
  EXPECT_EQ(overload.bound(kRead), 1000);
}

TEST(Overload, ShedsAShareOfWhatNeverWaitsWhileTheLoopIsLate) {
  Overload overload({.in_flight_max = 1000, .delay_target_us = 50'000});
  int64_t now_us = 1;
  pass_windows(overload, 40, 60'000, now_us);
  int admitted = 0;
  for (int i = 0; i < 160; ++i) {
    if (!overload.admit(kRead)) continue;
    ++admitted;
    overload.done(kRead, false);
  }
  EXPECT_EQ(admitted, 10);  // a sixteenth: the end of the overload must show
  pass_windows(overload, 20, 1'000, now_us);
  for (int i = 0; i < 160; ++i) {
    EXPECT_TRUE(overload.admit(kRead));
    overload.done(kRead, false);
  }
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

TEST(Overload, NeverShrinksToNothing) {
  Overload overload({.in_flight_max = 4, .delay_target_us = 1'000});
  int64_t now_us = 1;
  pass_windows(overload, 500, 900'000, now_us);
  EXPECT_EQ(overload.bound(kRead), 4);
}

}  // namespace
}  // namespace mettle::engine

#include "base/failpoint.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/check.h"

namespace mettle {

// Never called: a point must be known without having been passed.
Result<> never_called() {
  FAIL_POINT("test.never_passed");
  return {};
}

namespace {

#ifdef METTLE_FAIL_POINTS

Result<int> commit() {
  FAIL_POINT("test.before_sync");
  FAIL_POINT_VOID("test.after_sync");
  return 1;
}

class FailPoints : public testing::Test {
 protected:
  void TearDown() override { disarm_fail_points(); }
};

TEST_F(FailPoints, AreAllKnownWithoutHavingBeenPassed) {
  const std::vector<std::string> names = all_fail_points();
  EXPECT_TRUE(std::ranges::is_sorted(names));
  for (const char* name : {"test.after_sync", "test.before_sync", "test.never_passed"}) {
    EXPECT_EQ(std::ranges::count(names, name), 1) << name;
  }
}

TEST_F(FailPoints, DoNothingUnlessArmed) {
  EXPECT_TRUE(commit());
  EXPECT_TRUE(arm_fail_points(""));
  EXPECT_TRUE(commit());
}

TEST_F(FailPoints, GiveAnErrorEachTimeOrTheNthTime) {
  ASSERT_TRUE(arm_fail_points("test.before_sync:error"));
  EXPECT_EQ(commit().error().code, Code::kUnavailable);
  EXPECT_EQ(commit().error().inside, "fail point test.before_sync");
  ASSERT_TRUE(arm_fail_points("test.before_sync:error:3"));
  EXPECT_TRUE(commit());
  EXPECT_TRUE(commit());
  EXPECT_FALSE(commit());
  EXPECT_TRUE(commit());
}

TEST_F(FailPoints, SeveralMayBeArmedAndDelaysGoOn) {
  ASSERT_TRUE(arm_fail_points("test.before_sync:delay=1us,test.after_sync:error:2"));
  EXPECT_TRUE(commit());
  EXPECT_TRUE(commit());
}

TEST_F(FailPoints, RefuseUnknownNamesAndForms) {
  for (const char* text :
       {"test.before_sync", "test.before_sync:explode", "test.nowhere:crash",
        "test.before_sync:error:0", "test.before_sync:error:x", "test.before_sync:error:1:2",
        "test.before_sync:error,", "test.before_sync:delay=soon", "test.before_sync:crash=1"}) {
    const auto armed = arm_fail_points(text);
    ASSERT_FALSE(armed) << text;
    EXPECT_EQ(armed.error().code, Code::kUsage);
    EXPECT_TRUE(commit());
  }
}

TEST_F(FailPoints, AreArmedFromTheEnvironment) {
  ::setenv("METTLE_FAIL", "test.before_sync:error", 1);
  EXPECT_TRUE(arm_fail_points_from_environment());
  ::unsetenv("METTLE_FAIL");
  EXPECT_FALSE(commit());
}

TEST(FailPointsDeathTest, CrashIsAKillThatNothingSurvives) {
  const auto run = [] {
    CHECK(arm_fail_points("test.after_sync:crash:2"));
    static_cast<void>(commit());
    static_cast<void>(commit());
  };
  EXPECT_EXIT(run(), testing::KilledBySignal(SIGKILL), "");
}

#else

TEST(FailPoints, CannotBeArmedWhereTheyAreNotCompiledIn) {
  EXPECT_TRUE(all_fail_points().empty());
  EXPECT_TRUE(arm_fail_points(""));
  EXPECT_EQ(arm_fail_points("a:crash").error().code, Code::kUsage);
}

#endif

}  // namespace
}  // namespace mettle

#include "engine/usable_cpus.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace mettle::engine {
namespace {

class UsableCpusTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "cpu_max_" +
            testing::UnitTest::GetInstance()->current_test_info()->name();
  }
  void TearDown() override { std::filesystem::remove(path_); }
  unsigned with_quota(const std::string& text) {
    std::ofstream(path_) << text;
    return usable_cpus(path_);
  }

  std::string path_;
};

TEST_F(UsableCpusTest, CountsTheProcessorsOfTheThreadsMask) {
  unsigned seen = 0;
  std::thread pinned([&seen] {
    cpu_set_t all;
    CPU_ZERO(&all);
    ASSERT_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
    int first = 0;
    while (!CPU_ISSET(first, &all)) ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    seen = usable_cpus("/nonexistent");
  });
  pinned.join();
  EXPECT_EQ(seen, 1U);
}

TEST_F(UsableCpusTest, TakesNoMoreThanTheQuotaPaysFor) {
  const unsigned all = usable_cpus("/nonexistent");
  EXPECT_EQ(with_quota("50000 100000\n"), 1U);
  EXPECT_EQ(with_quota("100000 100000\n"), 1U);
  EXPECT_EQ(with_quota("150000 100000\n"), std::min(all, 2U));
  EXPECT_EQ(with_quota("max 100000\n"), all);
  EXPECT_EQ(with_quota(""), all);
  EXPECT_EQ(with_quota("99999999999 100000\n"), all);
}

}  // namespace
}  // namespace mettle::engine

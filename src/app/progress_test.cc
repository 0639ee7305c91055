#include "app/progress.h"

#include <gtest/gtest.h>

namespace mettle::app {
namespace {

TEST(Progress, SaysHowManyHowFastAndHowLong) {
  EXPECT_EQ(Progress::line(Progress::Of::kRows, 1'200'000, 0.25, 60),
            "1,200,000 rows  25 %  20,000 rows/s  3:00 left");
  EXPECT_EQ(Progress::line(Progress::Of::kBytes, 3 << 20, 0, 2), "3.0 MiB  1.5 MiB/s");
  EXPECT_EQ(grouped(-1234567), "-1,234,567");
  EXPECT_EQ(grouped(999), "999");
}

}  // namespace
}  // namespace mettle::app

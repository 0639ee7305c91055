#include "features/statics/range.h"

#include <gtest/gtest.h>

namespace mettle::statics {
namespace {

struct Case {
  const char* header;
  Range::Kind kind;
  uint64_t first, count;
};

TEST(Range, IsWhatTheHeaderAsksOfTenBytes) {
  using Kind = Range::Kind;
  const Case cases[] = {
      {"bytes=0-3", Kind::kPart, 0, 4},
      {"bytes=4-", Kind::kPart, 4, 6},
      {"bytes=-3", Kind::kPart, 7, 3},
      {"bytes=-99", Kind::kPart, 0, 10},
      {"bytes=8-99", Kind::kPart, 8, 2},
      {"bytes=10-", Kind::kUnsatisfiable, 0, 0},
      {"bytes=-0", Kind::kUnsatisfiable, 0, 0},
      {"bytes=5-4", Kind::kWhole, 0, 10},
      {"bytes=0-1,3-4", Kind::kWhole, 0, 10},
      {"items=0-1", Kind::kWhole, 0, 10},
      {"bytes=a-b", Kind::kWhole, 0, 10},
      {"bytes=", Kind::kWhole, 0, 10},
      {"bytes=99999999999999999999-", Kind::kWhole, 0, 10},
  };
  for (const Case& each : cases) {
    const Range range = parse_range(each.header, 10);
    EXPECT_EQ(range.kind, each.kind) << each.header;
    EXPECT_EQ(range.first, each.first) << each.header;
    EXPECT_EQ(range.count, each.count) << each.header;
  }
}

}  // namespace
}  // namespace mettle::statics

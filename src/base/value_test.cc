#include "base/value.h"

#include <gtest/gtest.h>

namespace mettle {
namespace {

TEST(Value, EachContentHasItsKind) {
  EXPECT_EQ(Value().kind(), Kind::kNull);
  EXPECT_EQ(Value(true).kind(), Kind::kBool);
  EXPECT_EQ(Value(int64_t{1}).kind(), Kind::kInt);
  EXPECT_EQ(Value(1.5).kind(), Kind::kFloat);
  EXPECT_EQ(Value(Decimal{1250, 2}).kind(), Kind::kDecimal);
  EXPECT_EQ(Value("text").kind(), Kind::kText);
  EXPECT_EQ(Value(Bytes{"b"}).kind(), Kind::kBytes);
  EXPECT_EQ(Value(Uuid{}).kind(), Kind::kUuid);
  EXPECT_EQ(Value(Timestamp{}).kind(), Kind::kTimestamp);
  EXPECT_EQ(Value(Duration{}).kind(), Kind::kDuration);
  EXPECT_EQ(Value(Date{}).kind(), Kind::kDate);
  EXPECT_EQ(Value(TimeOfDay{}).kind(), Kind::kTime);
  EXPECT_EQ(Value(Json{"{}"}).kind(), Kind::kJson);
  EXPECT_EQ(Value(List{}).kind(), Kind::kList);
  EXPECT_EQ(Value(Map{}).kind(), Kind::kMap);
  EXPECT_EQ(Value(Unknown{}).kind(), Kind::kUnknown);
}

TEST(Value, KindsHaveTheNamesOfTheAppFile) {
  EXPECT_EQ(kind_name(Kind::kNull), "null");
  EXPECT_EQ(kind_name(Kind::kTimestamp), "timestamp");
  EXPECT_EQ(kind_name(Kind::kUnknown), "unknown");
}

TEST(Value, FindsTheMembersOfAMapAndOfNothingElse) {
  Map map;
  set_member(map, "a", Value(int64_t{1}));
  set_member(map, "b", Value(int64_t{2}));
  set_member(map, "a", Value(int64_t{3}));
  const Value value(map);
  ASSERT_NE(value.find("a"), nullptr);
  EXPECT_EQ(value.find("a")->integer(), 3);
  EXPECT_EQ(value.map()[0].first, "a");
  EXPECT_EQ(value.map().size(), 2U);
  EXPECT_EQ(value.find("c"), nullptr);
  EXPECT_EQ(Value("a").find("a"), nullptr);
}

TEST(Value, OnlyTrueIsTrue) {
  EXPECT_TRUE(Value(true).is_true());
  EXPECT_FALSE(Value(false).is_true());
  EXPECT_FALSE(Value(Unknown{}).is_true());
  EXPECT_FALSE(Value(int64_t{1}).is_true());
}

}  // namespace
}  // namespace mettle

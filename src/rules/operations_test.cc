#include "rules/operations.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/datetime.h"

namespace mettle::rules {
namespace {

std::string trit(const Value& v) {
  return v.is_unknown() ? "unknown" : v.kind() != Kind::kBool ? "other" : v.boolean() ? "t" : "f";
}
Type of(Type::Tag tag, int scale = 0) {
  Type type;
  type.tag = tag;
  type.scale = scale;
  return type;
}
std::string stored(const Value& list, const Type& element) {
  const Value text = stored_list(list, element);
  return text.is_unknown() ? "unknown" : text.text();
}
const double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Operations, CompareOnlyWhatCompares) {
  EXPECT_EQ(trit(equal(Value(int64_t{1}), Value(kNan))), "unknown");
  EXPECT_EQ(trit(equal(Value(kNan), Value(kNan))), "unknown");
  EXPECT_EQ(trit(equal(Value(int64_t{1}), Value("1"))), "unknown");
  EXPECT_EQ(trit(equal(Value(List{}), Value(List{}))), "unknown");
  EXPECT_EQ(trit(ordered(Op::kLess, Value(kNan), Value(1.0))), "unknown");
  EXPECT_EQ(trit(ordered(Op::kLess, Value("a"), Value(1.0))), "unknown");
  EXPECT_EQ(trit(ordered(Op::kLess, Value(Bytes{"a"}), Value(Bytes{"b"}))), "t");
  EXPECT_EQ(trit(ordered(Op::kGreater, Value(TimeOfDay{1}), Value(TimeOfDay{2}))), "f");
  EXPECT_EQ(trit(ordered(Op::kGreaterEqual, Value(Date{2}), Value(Date{2}))), "t");
  EXPECT_EQ(trit(ordered(Op::kLessEqual, Value(Duration{2}), Value(Duration{1}))), "f");
}

TEST(Operations, ArithmeticThatHasNoMeaningIsUnknown) {
  const Value ts(Timestamp{5}), hour(Duration{3'600'000'000});
  EXPECT_EQ(trit(arithmetic(Op::kRemainder, Value(3.0), Value(2.0))), "unknown");
  EXPECT_EQ(trit(arithmetic(Op::kDivide, Value(Decimal{1, 0}), Value(Decimal{1, 0}))), "unknown");
  EXPECT_EQ(trit(arithmetic(Op::kMultiply, hour, hour)), "unknown");
  EXPECT_EQ(trit(arithmetic(Op::kAdd, ts, ts)), "unknown");
  EXPECT_EQ(trit(arithmetic(Op::kSubtract, hour, ts)), "unknown");
  EXPECT_EQ(trit(arithmetic(Op::kSubtract, Value("a"), Value("b"))), "unknown");
  EXPECT_EQ(trit(arithmetic(Op::kAdd, Value(true), Value(true))), "unknown");
  EXPECT_EQ(trit(arithmetic(Op::kAdd, Value("a"), Value(int64_t{1}))), "unknown");
  EXPECT_EQ(trit(arithmetic(Op::kAdd, Value(Duration{INT64_MAX}), hour)), "unknown");
  EXPECT_EQ(trit(arithmetic(Op::kAdd, Value(kTimestampMax), hour)), "unknown");
  EXPECT_EQ(trit(arithmetic(Op::kSubtract, Value(kTimestampMin), hour)), "unknown");
  EXPECT_EQ(trit(arithmetic(Op::kAdd, Value(Timestamp{INT64_MAX}), hour)), "unknown");
  EXPECT_EQ(arithmetic(Op::kSubtract, ts, ts).duration(), Duration{0});
  EXPECT_EQ(arithmetic(Op::kSubtract, hour, hour).duration(), Duration{0});
  EXPECT_EQ(arithmetic(Op::kAdd, hour, ts).timestamp(), Timestamp{3'600'000'005});
  EXPECT_EQ(trit(negate(Value(Duration{INT64_MIN}))), "unknown");
  EXPECT_EQ(negate(hour).duration(), Duration{-3'600'000'000});
  EXPECT_EQ(trit(negate(Value(INT64_MIN))), "unknown");
  EXPECT_EQ(trit(negate(Value("a"))), "unknown");
}

TEST(Operations, LookUpInListsMapsAndJson) {
  const Uuid id{{1, 2, 3}};
  const Value ids(List{Value("01020300-0000-0000-0000-000000000000"), Value("none")});
  EXPECT_EQ(trit(contains(Value(id), ids)), "t");
  EXPECT_EQ(trit(contains(Value(Uuid{}), ids)), "f");
  EXPECT_EQ(trit(contains(Value(id), Value(List{Value(id)}))), "t");
  const Value map(Map{{"a", Value(int64_t{1})}});
  EXPECT_EQ(trit(contains(Value("a"), map)), "t");
  EXPECT_EQ(trit(contains(Value(int64_t{1}), map)), "unknown");
  EXPECT_EQ(trit(contains(Value("a"), Value(Json{R"({"a":1})"}))), "t");
  EXPECT_EQ(trit(contains(Value(int64_t{1}), Value(Json{R"({"a":1})"}))), "unknown");
  EXPECT_EQ(trit(contains(Value("a"), Value(Json{"1"}))), "unknown");
  EXPECT_EQ(trit(contains(Value(int64_t{2}), Value(Json{"[1,2]"}))), "t");
  EXPECT_EQ(trit(contains(Value(int64_t{3}), Value(Json{"[1,2]"}))), "f");
  EXPECT_EQ(trit(contains(Value(int64_t{3}), Value(Json{"not json"}))), "unknown");
  EXPECT_EQ(trit(contains(Value("a"), Value("abc"))), "unknown");
  EXPECT_EQ(trit(contains(Value(Unknown{}), map)), "unknown");
  EXPECT_EQ(trit(contains(Value("a"), Value(Unknown{}))), "unknown");
}

TEST(Operations, MembersAndElementsThatAreNotThereAreUnknown) {
  const Value list(List{Value(int64_t{7})}), json(Json{"[7]"});
  EXPECT_EQ(element(list, Value(int64_t{0})).integer(), 7);
  EXPECT_EQ(element(json, Value(int64_t{0})).integer(), 7);
  for (const Value& of : {list, json}) {
    EXPECT_EQ(trit(element(of, Value(int64_t{1}))), "unknown");
    EXPECT_EQ(trit(element(of, Value(int64_t{-1}))), "unknown");
    EXPECT_EQ(trit(element(of, Value(0.0))), "unknown");
  }
  EXPECT_EQ(trit(element(Value("a"), Value(int64_t{0}))), "unknown");
  EXPECT_EQ(trit(element(Value("a"), Value("a"))), "unknown");
  EXPECT_EQ(trit(has_member(Value("a"), "a")), "unknown");
  EXPECT_EQ(trit(has_member(json, "a")), "unknown");
  EXPECT_EQ(trit(has_member(Value(Json{"{\"a\":null}"}), "a")), "t");
  EXPECT_EQ(trit(member(Value(Json{"{\"a\":1}"}), "b")), "unknown");
}

TEST(Operations, ConvertWhatConverts) {
  using Tag = Type::Tag;
  EXPECT_EQ(trit(convert(Value("1x"), of(Tag::kFloat))), "unknown");
  EXPECT_EQ(trit(convert(Value("x"), of(Tag::kFloat))), "unknown");
  EXPECT_EQ(trit(convert(Value("1x"), of(Tag::kInt))), "unknown");
  EXPECT_EQ(convert(Value("1.5"), of(Tag::kFloat)).real(), 1.5);
  EXPECT_EQ(trit(convert(Value(true), of(Tag::kInt))), "unknown");
  EXPECT_EQ(trit(convert(Value(true), of(Tag::kFloat))), "unknown");
  EXPECT_EQ(trit(convert(Value(true), of(Tag::kDecimal))), "unknown");
  EXPECT_EQ(trit(convert(Value(1.5), of(Tag::kText))), "unknown");
  EXPECT_EQ(convert(Value(TimeOfDay{0}), of(Tag::kText)).text().substr(0, 8), "00:00:00");
  EXPECT_EQ(convert(Value(Timestamp{5}), of(Tag::kTimestamp)).timestamp(), Timestamp{5});
  EXPECT_EQ(convert(Value(Date{1}), of(Tag::kTimestamp)).timestamp(), Timestamp{86'400'000'000});
  EXPECT_EQ(convert(Value(Date{1}), of(Tag::kDate)).date(), Date{1});
  EXPECT_EQ(convert(Value(Uuid{}), of(Tag::kUuid)).uuid(), Uuid{});
  EXPECT_EQ(trit(convert(Value(Null{}), of(Tag::kInt))), "unknown");
}

TEST(Operations, ListsAreWrittenAsSqlStoresTheirElements) {
  using Tag = Type::Tag;
  EXPECT_EQ(stored(Value(List{Value(true), Value(false)}), of(Tag::kBool)), "[1,0]");
  EXPECT_EQ(stored(Value(List{Value(1.5), Value(int64_t{2})}), of(Tag::kFloat)), "[1.5,2]");
  EXPECT_EQ(stored(Value(List{Value(Decimal{15, 1})}), of(Tag::kDecimal, 2)), "[150]");
  EXPECT_EQ(stored(Value(List{Value(Timestamp{5})}), of(Tag::kTimestamp)), "[5]");
  EXPECT_EQ(stored(Value(List{Value(Duration{6})}), of(Tag::kDuration)), "[6]");
  EXPECT_EQ(stored(Value(List{Value(Bytes{"\x01\xFF"})}), of(Tag::kBytes)), "[\"01ff\"]");
  EXPECT_EQ(stored(Value(List{Value(Date{0})}), of(Tag::kDate)), "[\"1970-01-01\"]");
  EXPECT_EQ(stored(Value(List{Value(TimeOfDay{0})}), of(Tag::kTime)).substr(0, 10), "[\"00:00:00");
  EXPECT_EQ(stored(Value(List{Value("a\"\\\n")}), of(Tag::kText)), "[\"a\\\"\\\\\\u000a\"]");
  EXPECT_EQ(stored(Value(List{Value("a"), Value(Null{}), Value(int64_t{1})}), of(Tag::kText)),
            "[\"a\"]");
  const std::string id = "01020300-0000-0000-0000-000000000000";
  EXPECT_EQ(stored(Value(List{Value(id), Value("x"), Value(Uuid{{9}})}), of(Tag::kUuid)),
            "[\"01020300000000000000000000000000\",\"09000000000000000000000000000000\"]");
  EXPECT_EQ(stored(Value(List{Value(List{})}), of(Tag::kList)), "[]");
  EXPECT_EQ(stored(Value(Map{{"k", Value(true)}}), of(Tag::kText)), "[\"k\"]");
  EXPECT_EQ(stored(Value(Json{R"(["a",1])"}), of(Tag::kText)), "[\"a\"]");
  EXPECT_EQ(stored(Value(Json{R"({"k":1})"}), of(Tag::kText)), "[\"k\"]");
  EXPECT_EQ(stored(Value(Json{"1"}), of(Tag::kText)), "unknown");
  // Only texts are looked up among the names of members.
  EXPECT_EQ(stored(Value(Map{{"k", Value(true)}}), of(Tag::kInt)), "unknown");
  EXPECT_EQ(stored(Value(Json{R"({"k":1})"}), of(Tag::kInt)), "unknown");
  EXPECT_EQ(stored(Value(Json{"not json"}), of(Tag::kText)), "unknown");
  EXPECT_EQ(stored(Value("a"), of(Tag::kText)), "unknown");
}

}  // namespace
}  // namespace mettle::rules

#include "rules/rules_fixture.h"

namespace mettle::rules {
namespace {

class Evaluate : public testing::Test {
 protected:
  Evaluate() {
    Map row;
    row.emplace_back("id", test_id(1));
    row.emplace_back("a", Null{});
    row.emplace_back("b", int64_t{7});
    row.emplace_back("price", Decimal{1250, 2});
    row.emplace_back("cost", Decimal{33333, 4});
    row.emplace_back("f", 0.5);
    row.emplace_back("t", "Grüße");
    row.emplace_back("w", "a%b");
    row.emplace_back("s", "paid");
    row.emplace_back("flag", Null{});
    row.emplace_back("ok", true);
    row.emplace_back("ts", Timestamp{0});
    row.emplace_back("u", Null{});
    row.emplace_back("user_id", Null{});
    row.emplace_back("meta", Json{R"({"color":"red","n":3,"tags":["x",null],"none":null})"});
    bindings_.bind("row", Value(std::move(row)));
    Map auth;  // nobody: no id
    auth.emplace_back("signed_in", Value(false));
    auth.emplace_back("roles", Value(List{}));
    auth.emplace_back("claims", Value(Map{{"groups", Value(List{Value("ops")})}}));
    bindings_.bind("auth", Value(std::move(auth)));
    bindings_.bind("now", Timestamp{1'000'000});
    Map input;
    input.emplace_back("n", INT64_MAX);
    input.emplace_back("words", Value(List{Value("a"), Value("b")}));
    bindings_.bind("input", Value(std::move(input)));
  }

  Value value(const std::string& text) { return evaluate(*app_.must_compile(text), bindings_); }
  std::string trit(const std::string& text) {
    const Value v = value(text);
    if (v.is_unknown()) return "unknown";
    return v.kind() == Kind::kBool ? (v.boolean() ? "true" : "false") : "other";
  }

  TestApp app_;
  Bindings bindings_;
};

TEST_F(Evaluate, WhatAuthLacksIsUnknownAndNeverGrants) {
  EXPECT_EQ(trit("row.user_id == auth.id"), "unknown");  // null owner, nobody
  EXPECT_EQ(trit("row.user_id != auth.id"), "unknown");
  EXPECT_EQ(trit("!(row.user_id == auth.id)"), "unknown");
  EXPECT_EQ(trit("row.user_id == auth.id || true"), "true");
  EXPECT_EQ(trit("row.user_id == auth.id && false"), "false");
  EXPECT_EQ(trit("auth.id in [row.id]"), "unknown");
  EXPECT_EQ(trit("has(auth.id)"), "false");
}

TEST_F(Evaluate, ANameThatIsNotBoundIsUnknown) {
  const auto rule = app_.must_compile("row.b == 7");
  EXPECT_TRUE(evaluate(*rule, Bindings()).is_unknown());
}

TEST_F(Evaluate, EqualityIsNullSafe) {
  EXPECT_EQ(trit("row.a == null"), "true");
  EXPECT_EQ(trit("row.a != null"), "false");
  EXPECT_EQ(trit("row.a == row.b"), "false");
  EXPECT_EQ(trit("row.a != row.b"), "true");
  EXPECT_EQ(trit("row.a < row.b"), "unknown");
  EXPECT_EQ(trit("row.flag && row.ok"), "unknown");
  EXPECT_EQ(trit("row.a in [1, null]"), "true");
  EXPECT_EQ(trit("row.a in [1, 2]"), "false");
}

TEST_F(Evaluate, ErrorsAreUnknown) {
  EXPECT_EQ(trit("input.n + 1 > 0"), "unknown");
  EXPECT_EQ(trit("row.b / 0 == 1"), "unknown");
  EXPECT_EQ(trit("row.b % 0 == 1"), "unknown");
  EXPECT_EQ(trit("-9223372036854775808 / (row.b - 8) == 1"), "unknown");
  EXPECT_EQ(trit("row.f / 0.0 > 1.0"), "unknown");
  EXPECT_EQ(trit("1e308 * 10.0 > row.f"), "unknown");
  EXPECT_EQ(trit("row.ts - duration('80000000000s') > now"), "unknown");
  EXPECT_EQ(trit("(row.b / 0 == 1) || row.ok"), "true");
  EXPECT_EQ(trit("row.flag ? true : true"), "unknown");
}

TEST_F(Evaluate, DecimalsAreExact) {
  EXPECT_EQ(trit("row.price == decimal('12.5')"), "true");
  EXPECT_EQ(trit("row.price * 3 == decimal('37.50')"), "true");
  EXPECT_EQ(value("row.price * row.cost").decimal(), (Decimal{41666250, 6}));
  EXPECT_EQ(value("round(row.cost, 2)").decimal(), (Decimal{333, 2}));
  EXPECT_EQ(value("round(decimal('-0.125'), 2)").decimal(), (Decimal{-13, 2}));
  EXPECT_EQ(value("div(row.price, 3, 4)").decimal(), (Decimal{41667, 4}));
  EXPECT_EQ(trit("div(row.price, 0, 4) == 1"), "unknown");
  EXPECT_EQ(trit("row.price > 12 && row.price < decimal('12.501')"), "true");
}

TEST_F(Evaluate, NumbersOfDifferentKindsCompareExactly) {
  EXPECT_EQ(trit("9007199254740993 > 9007199254740992.0"), "true");
  EXPECT_EQ(trit("input.n < 9223372036854775808.0"), "true");
  EXPECT_EQ(trit("row.b == 7.0"), "true");
}

TEST_F(Evaluate, ConvertsAsTheSpecificationOfCelHasIt) {
  EXPECT_TRUE(value("int(-9223372036854775808.0)").is_unknown());
  EXPECT_EQ(value("int(-9223372036854774784.0)").integer(), -9'223'372'036'854'774'784);
  EXPECT_EQ(value("1e-324 / 2.0").real(), 0.0);
  EXPECT_EQ(value("string(timestamp('2009-02-13T23:31:30Z'))").text(), "2009-02-13T23:31:30Z");
  EXPECT_EQ(value("string(timestamp('2009-02-13T23:31:30.120+01:00'))").text(),
            "2009-02-13T22:31:30.12Z");
}

TEST_F(Evaluate, TextCountsCodePointsAndComparesBytes) {
  EXPECT_EQ(value("size(row.t)").integer(), 5);
  EXPECT_EQ(trit("row.w.startsWith('a%') && row.w.endsWith('%b') && row.w.contains('%')"), "true");
  EXPECT_EQ(trit("row.t.matches('^Gr.{2}e$')"), "true");
  EXPECT_EQ(trit("'Z' < 'a' && 'z' < 'ä'"), "true");
  EXPECT_EQ(value("string(row.b) + '!'").text(), "7!");
  EXPECT_EQ(value("string(row.price)").text(), "12.50");
  EXPECT_EQ(trit("int('12x') == 12"), "unknown");
}

TEST_F(Evaluate, JsonAndClaimsAreAskedAtRunTime) {
  EXPECT_EQ(trit("row.meta.color == 'red'"), "true");
  EXPECT_EQ(trit("row.meta.missing == 'red'"), "unknown");
  EXPECT_EQ(trit("row.meta.n == 'red'"), "unknown");
  EXPECT_EQ(trit("row.meta.n == 3 && row.meta.n < 3.5"), "true");
  EXPECT_EQ(trit("row.meta.none == null"), "true");
  EXPECT_EQ(trit("has(row.meta.none) && !has(row.meta.missing)"), "true");
  EXPECT_EQ(trit("row.meta.tags[0] == 'x' && row.meta.tags[1] == null"), "true");
  EXPECT_EQ(trit("row.meta['color'] == 'red'"), "true");
  EXPECT_EQ(trit("'x' in row.meta.tags"), "true");
  EXPECT_EQ(trit("'ops' in auth.claims.groups"), "true");
  EXPECT_EQ(trit("auth.claims.tenant == row.id"), "unknown");
}

// Of an object has() means a value, of json that the member is there.
TEST_F(Evaluate, HasOfAnObjectMeansAValue) {
  EXPECT_EQ(trit("has(input.n)"), "true");
  EXPECT_EQ(trit("has(input.x)"), "false");
  bindings_.bind("input", Value(Map{{"x", Null{}}, {"n", Unknown{}}}));
  EXPECT_EQ(trit("has(input.x)"), "false");
  EXPECT_EQ(trit("has(input.n)"), "false");
  EXPECT_EQ(value("size(auth.claims)").integer(), 1);
}

TEST_F(Evaluate, ExistsAndAllAreThreeValued) {
  EXPECT_EQ(trit("input.words.exists(w, w == 'b')"), "true");
  EXPECT_EQ(trit("input.words.all(w, w == 'b')"), "false");
  EXPECT_EQ(trit("input.words.all(w, size(w) == 1)"), "true");
  EXPECT_EQ(trit("[].exists(x, true)"), "false");
  EXPECT_EQ(trit("[].all(x, false)"), "true");
  EXPECT_EQ(trit("[1, 2].exists(x, x / (row.b - 7) == 1)"), "unknown");
  EXPECT_EQ(trit("[1, 2].exists(x, x == 2 || x / 0 == 1)"), "true");
  EXPECT_EQ(trit("[1, 2].all(x, x == 2 && x / 0 == 1)"), "false");
}

TEST_F(Evaluate, WorkIsBounded) {
  List many;
  for (int64_t i = 0; i < 5000; ++i) many.emplace_back(i);
  bindings_.bind("input", Value(Map{{"nums", Value(std::move(many))}}));
  EXPECT_EQ(trit("input.nums.all(x, input.nums.all(y, x + y >= 0))"), "unknown");
}

}  // namespace
}  // namespace mettle::rules

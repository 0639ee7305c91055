#include "rules/rules_fixture.h"

namespace mettle::rules {
namespace {

class Sql : public testing::Test {
 protected:
  std::string sql(const std::string& text, SqlContext context = SqlContext::kCondition) {
    const ExprRef expr = app_.must_compile(text);
    const auto out = to_sql(*expr, {{"row", TestApp::kItems, "t0"}}, db::sqlite_dialect(), context);
    if (!out) return "error: " + out.error().detail;
    parameters_ = out->parameters;
    return number(*out, db::sqlite_dialect(), 1);
  }
  std::string exact(const std::string& text) { return sql(text, SqlContext::kValue); }

  TestApp app_;
  std::vector<ExprRef> parameters_;
};

TEST_F(Sql, ConditionsCompareByPlainEqualitySoThatIndexesServe) {
  EXPECT_EQ(sql("row.user_id == auth.id"), "(t0.\"user_id\" = ?1)");
  EXPECT_EQ(sql("row.user_id == auth.id && row.b > 3"),
            "((t0.\"user_id\" = ?1) AND (t0.\"b\" > 3))");
  EXPECT_EQ(sql("row.id in input.ids"), "(t0.\"id\" IN (SELECT unhex(value) FROM json_each(?1)))");
  EXPECT_EQ(sql("row.s in ['paid', 'sent']"), "(t0.\"s\" IN (?1, ?2))");
  EXPECT_EQ(sql("row.a == null"), "(t0.\"a\" IS NULL)");
}

TEST_F(Sql, ValuesAreThreeValued) {
  EXPECT_EQ(exact("row.user_id == auth.id"),
            "(CASE WHEN (?1 IS NOT NULL) THEN (t0.\"user_id\" IS ?1) END)");
  EXPECT_EQ(sql("!(row.user_id == auth.id)"),
            "(NOT (CASE WHEN (?1 IS NOT NULL) THEN (t0.\"user_id\" IS ?1) END))");
  EXPECT_EQ(exact("row.b == 3"), "(t0.\"b\" = 3)");
}

TEST_F(Sql, WhatReadsNoRowIsOneParameter) {
  EXPECT_EQ(sql("row.b == input.n + 2 * 3 && ('admin' in auth.roles || now > row.ts)"),
            "((t0.\"b\" = ?1) AND (?2 OR (?3 > t0.\"ts\")))");
  ASSERT_EQ(parameters_.size(), 3u);
  Bindings bindings;
  bindings.bind("input", Value(Map{{"n", int64_t{4}}}));
  EXPECT_EQ(evaluate(*parameters_[0], bindings).integer(), 10);
  EXPECT_TRUE(evaluate(*parameters_[1], bindings).is_unknown());
  EXPECT_EQ(sql("'admin' in auth.roles"), "?1");
}

TEST_F(Sql, DecimalsComeToOneScaleAndLiteralsWhenCompiled) {
  EXPECT_EQ(sql("row.price > decimal('12.500')"), "(t0.\"price\" > ?1)");
  EXPECT_EQ(parameters_[0]->constant()->decimal(), (Decimal{1250, 2}));
  EXPECT_EQ(sql("row.price < 10"), "(t0.\"price\" < ?1)");
  EXPECT_EQ(parameters_[0]->constant()->decimal(), (Decimal{1000, 2}));
  EXPECT_EQ(sql("row.price < row.cost"),
            "(mt_within(mt_mul(t0.\"price\", 100), -999999999999999999, 999999999999999999) < "
            "t0.\"cost\")");
}

TEST_F(Sql, RelationsAreSubqueries) {
  EXPECT_EQ(sql("row.team.name == 'x'"),
            "((SELECT mt_1.\"name\" FROM \"teams\" AS mt_1 WHERE mt_1.\"id\" = t0.\"team_id\") = "
            "?1)");
  EXPECT_EQ(sql("row.team.members.exists(m, m.user_id == auth.id)"),
            "EXISTS (SELECT 1 FROM \"teams\" AS mt_1 JOIN \"members\" AS mt_2 ON mt_2.\"team_id\" "
            "= mt_1.\"id\" WHERE mt_1.\"id\" = t0.\"team_id\" AND (mt_2.\"user_id\" = ?1))");
  EXPECT_EQ(sql("kept.team.name == row.w"),
            "((SELECT mt_1.\"name\" FROM \"teams\" AS mt_1 WHERE mt_1.\"id\" = ?1) = t0.\"w\")");
  EXPECT_EQ(parameters_[0]->uses(), std::vector<std::string>{"kept"});
}

TEST_F(Sql, WhatSqlCannotSayIsAnErrorNotASilentFalse) {
  EXPECT_TRUE(sql("input.nums.exists(x, x == row.a)").starts_with("error: "));
  EXPECT_TRUE(sql("'x' in row.meta.tags").starts_with("error: "));
  // Null-safe equality that names each side more than once would grow without end.
  std::string nested = "(row.a > 1)";
  for (int i = 0; i < 40; ++i) nested = "(row.flag == " + nested + ")";
  EXPECT_TRUE(sql("!" + nested).starts_with("error: "));
}

TEST_F(Sql, LongChainsStayShallow) {
  std::string chain = "row.a == 0";
  for (int i = 1; i < 140; ++i) chain += " || row.a == " + std::to_string(i);
  const std::string out = sql(chain);
  int depth = 0, deepest = 0;
  for (char c : out) {
    if (c == '(') deepest = std::max(deepest, ++depth);
    if (c == ')') --depth;
  }
  EXPECT_LT(deepest, 12);
}

TEST_F(Sql, ParametersAreNumberedFromWhereTheStatementIs) {
  const auto out =
      to_sql(*app_.must_compile("row.b == input.n || row.t == input.word"),
             {{"row", TestApp::kItems, "x"}}, db::sqlite_dialect(), SqlContext::kCondition);
  const std::string text = number(*out, db::sqlite_dialect(), 10);
  EXPECT_NE(text.find("?10"), std::string::npos);
  EXPECT_EQ(text.find("?1)"), std::string::npos);
}

}  // namespace
}  // namespace mettle::rules

#include "rules/rules_fixture.h"
#include "rules/sql_writer.h"

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

TEST_F(Sql, TheFirstThingThatCannotBeSaidIsTheError) {
  EXPECT_TRUE(sql("'x' in row.meta.tags && row.a == 1").starts_with("error: `in` over json"));
  EXPECT_TRUE(sql("'x' in row.meta.tags || 'y' in row.meta.tags").starts_with("error: `in`"));
  EXPECT_TRUE(sql("auth.claims[row.t] == row.t").starts_with("error: a part of json"));
  EXPECT_TRUE(sql("auth.claims[row.t].x == 'a'").starts_with("error: a part of json"));
  EXPECT_TRUE(sql("auth.claims[row.t][0] == 'a'").starts_with("error: a part of json"));
  EXPECT_TRUE(sql("auth.claims[row.t] == null").starts_with("error: a part of json"));
  EXPECT_TRUE(sql("has(auth.claims[row.t].x)").starts_with("error: a part of json"));
  EXPECT_TRUE(sql("size([row.a]) == 1").starts_with("error: what lies in a json column"));
  EXPECT_TRUE(sql("[row.meta][0] == 'a'").starts_with("error: a part of json"));
  EXPECT_TRUE(sql("[row.ok][0]").starts_with("error: what lies in a json column"));
  EXPECT_TRUE(sql("[row.a][0] == 1").starts_with("error: what lies in a json column"));
}

TEST_F(Sql, MembershipSaysNullOnlyWhereNullMayBe) {
  EXPECT_EQ(sql("row.a in [null]"), "(CASE WHEN t0.\"a\" IS NULL THEN TRUE ELSE FALSE END)");
  EXPECT_EQ(sql("row.b in [row.b, 1]"), "((t0.\"b\" = t0.\"b\") OR (t0.\"b\" = 1))");
  EXPECT_NE(exact("row.t in auth.claims").find("CASE WHEN t0.\"t\" IS NULL"), std::string::npos);
  EXPECT_EQ(exact("row.ok ? row.ok : row.ok"),
            "(CASE t0.\"ok\" WHEN TRUE THEN t0.\"ok\" WHEN FALSE THEN t0.\"ok\" END)");
  EXPECT_NE(exact("(row.ok ? row.a : row.b) == null").find("IS NULL"), std::string::npos);
  EXPECT_NE(sql("size(row.data) == 1").find("length"), std::string::npos);
  EXPECT_NE(sql("int(row.a) == 1").find("t0.\"a\""), std::string::npos);
  EXPECT_NE(sql("int(row.b) == 1").find("t0.\"b\""), std::string::npos);
  EXPECT_NE(sql("decimal(row.price) == 1").find("t0.\"price\""), std::string::npos);
  EXPECT_NE(exact("row.cost == row.a").find("IS NULL OR"), std::string::npos);
}

TEST_F(Sql, EveryTypeOfValueHasItsKindInTheStore) {
  using Tag = Type::Tag;
  EXPECT_EQ(kind_of(Tag::kBytes), Kind::kBytes);
  EXPECT_EQ(kind_of(Tag::kDuration), Kind::kDuration);
  EXPECT_EQ(kind_of(Tag::kJson), Kind::kJson);
  EXPECT_EQ(kind_of(Tag::kTime), Kind::kTime);
  EXPECT_EQ(kind_of(Tag::kDate), Kind::kDate);
  EXPECT_EQ(kind_of(Tag::kRow), Kind::kNull);
}

// What the rule may name beside `row`: rows of the statement and rows in memory.
TEST_F(Sql, RowsInMemoryAndRowsOfTheStatementBothHaveRelations) {
  model::Column open;
  open.name = "open";
  open.shape.type = model::Type::kBool;
  app_.model().tables[TestApp::kTeams].columns.push_back(open);
  Environment environment = app_.environment();
  environment.declare("t", row_type(TestApp::kTeams));
  environment.declare("crew", row_type(TestApp::kTeams));
  Type list, maps, map;
  list.tag = Type::Tag::kList;
  list.element = std::make_shared<const Type>(row_type(TestApp::kItems));
  environment.declare("found", list);
  map.tag = maps.tag = Type::Tag::kMap;
  map.element = std::make_shared<const Type>();
  maps.element = std::make_shared<const Type>(map);
  environment.declare("maps", maps);
  Type flag, things;
  flag.tag = Type::Tag::kObject;
  flag.members = std::make_shared<const std::map<std::string, Type>>(
      std::map<std::string, Type>{{"ok", [] {
                                     Type type;
                                     type.tag = Type::Tag::kBool;
                                     return type;
                                   }()}});
  things.tag = Type::Tag::kList;
  things.element = std::make_shared<const Type>(flag);
  environment.declare("things", things);
  const auto text = [&](const std::string& rule, SqlContext context) {
    model::Faults faults;
    const ExprRef expr = compile({rule, {1, 1}}, environment, {}, "test", faults);
    if (!expr) return std::string("does not compile");
    const auto out = to_sql(*expr, {{"row", TestApp::kItems, "t0"}, {"t", TestApp::kTeams, "t1"}},
                            db::sqlite_dialect(), context);
    return out ? number(*out, db::sqlite_dialect(), 1) : "error: " + out.error().detail;
  };
  for (const SqlContext context : {SqlContext::kCondition, SqlContext::kValue}) {
    EXPECT_NE(text("t.members.all(m, m.level > 1)", context).find("\"members\""),
              std::string::npos);
    EXPECT_NE(text("crew.members.all(m, m.level > row.b)", context).find("?1 IS NOT NULL"),
              std::string::npos);
    EXPECT_NE(text("row.team.open", context).find("\"open\""), std::string::npos);
    EXPECT_TRUE(text("found[row.b].b == 1", context).starts_with("error: a row that is chosen"));
    EXPECT_TRUE(text("found[row.b].team.members.exists(m, true)", context)
                    .starts_with("error: a row that is chosen"));
    EXPECT_TRUE(text("maps[row.w]['x'] == 'a'", context).starts_with("error: a part of json"));
    EXPECT_TRUE(text("things[row.b].ok", context).starts_with("error: what lies in a json"));
  }
  EXPECT_EQ(columns_read(*app_.must_compile("row.team.members.all(m, true)"), "row"),
            std::vector<std::string>{"team_id"});
  model::Faults faults;
  EXPECT_EQ(
      columns_read(*compile({"t.members.all(m, m.level > 1)", {1, 1}}, environment, {}, "", faults),
                   "t"),
      std::vector<std::string>{"id"});
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

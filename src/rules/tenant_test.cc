// Rules of apps with tenants: `auth.tenant`, and related rows of one tenant alone.
#include "rules/rules_fixture.h"
#include "rules/sql_writer.h"

namespace mettle::rules {
namespace {

class TenantRules : public testing::Test {
 protected:
  TenantRules() {
    // Of the tables of the app: people lead teams, a team is its people's tenant; items and members
    // belong to one, users and teams do not.
    model::Table& users = app_.model().tables[TestApp::kUsers];
    model::Column tenant;
    tenant.name = "org_id";
    tenant.shape.type = model::Type::kReference;
    tenant.shape.references = TestApp::kTeams;
    tenant.shape.optional = true;
    users.columns.push_back(tenant);
    app_.model().auth.tenant = static_cast<int>(users.columns.size()) - 1;
    for (const int table : {TestApp::kItems, TestApp::kMembers}) {
      model::Table& own = app_.model().tables[static_cast<size_t>(table)];
      own.tenant = own.find_column("team_id");
    }
  }
  std::string sql(const std::string& text, SqlContext context = SqlContext::kCondition) {
    const ExprRef expr = app_.must_compile(text);
    const auto out = to_sql(*expr, {{"row", TestApp::kItems, "t0"}}, db::sqlite_dialect(), context);
    if (!out) return "error: " + out.error().detail;
    parameters_ = out->parameters;
    return number(*out, db::sqlite_dialect(), 1);
  }

  TestApp app_;
  std::vector<ExprRef> parameters_;
};

TEST_F(TenantRules, TheCallersTenantIsNeverNull) {
  EXPECT_EQ(sql("row.team_id == auth.tenant"), "(t0.\"team_id\" = ?1)");
  const ExprRef expr = app_.must_compile("auth.tenant");
  EXPECT_FALSE(expr->type().nullable);
  Bindings bindings;
  bindings.bind("auth", Value(Map{{"signed_in", Value(true)}}));
  EXPECT_TRUE(evaluate(*expr, bindings).is_unknown());
  bindings.bind("auth", Value(Map{{"tenant", Value(test_id(7))}}));
  EXPECT_EQ(evaluate(*expr, bindings).uuid(), test_id(7));
}

TEST_F(TenantRules, AnAppWithoutTenantsKnowsNone) {
  app_.model().auth.tenant = -1;
  model::Faults faults;
  EXPECT_EQ(app_.compile("row.team_id == auth.tenant", faults), nullptr);
  EXPECT_TRUE(faults.has_errors());
}

TEST_F(TenantRules, RelatedRowsAreOfTheCallersTenant) {
  EXPECT_EQ(
      sql("row.team.members.exists(m, m.level > 2)"),
      "EXISTS (SELECT 1 FROM \"teams\" AS mt_1 JOIN \"members\" AS mt_2 ON mt_2.\"team_id\" = "
      "mt_1.\"id\" AND likelihood((mt_2.\"team_id\" = ?1), 0.01) WHERE mt_1.\"id\" = "
      "t0.\"team_id\" AND "
      "(mt_2.\"level\" > 2))");
  ASSERT_EQ(parameters_.size(), 1u);
  Bindings bindings;
  bindings.bind("auth", Value(Map{{"tenant", Value(test_id(7))}}));
  EXPECT_EQ(evaluate(*parameters_[0], bindings).uuid(), test_id(7));
  // Teams are everybody's.
  EXPECT_EQ(
      sql("row.team.size > 2"),
      "((SELECT mt_1.\"size\" FROM \"teams\" AS mt_1 WHERE mt_1.\"id\" = t0.\"team_id\") > 2)");
}

TEST_F(TenantRules, LeaveTheIndexToOthers) {
  const ExprRef many = true_of_many(app_.must_compile("row.team_id == auth.tenant"));
  const std::vector<SqlRow> rows = {{"row", TestApp::kItems, "t0"}};
  const auto begins = [&](SqlContext context, std::string_view text) {
    return to_sql(*many, rows, db::sqlite_dialect(), context)->sql.starts_with(text);
  };
  EXPECT_TRUE(begins(SqlContext::kCondition, "likelihood((t0.\"team_id\" = "));
  EXPECT_TRUE(begins(SqlContext::kValue, "likelihood((CASE"));
}

TEST_F(TenantRules, AllOfSeveralConditionsIsOneThatKeepsItsPlace) {
  const ExprRef a = app_.must_compile("row.b > 1"), b = app_.must_compile("row.a > 2");
  const ExprRef both = all_of({a, b}, {"written", {7, 3}});
  EXPECT_EQ(both->source().pos, (model::Pos{7, 3}));
  EXPECT_EQ(
      to_sql(*both, {{"row", TestApp::kItems, "t0"}}, db::sqlite_dialect(), SqlContext::kCondition)
          ->sql,
      "((t0.\"b\" > 1) AND (t0.\"a\" > 2))");
  const ExprRef one = all_of({a}, {"written", {7, 3}});
  EXPECT_EQ(one->root_ref(), a->root_ref());
  EXPECT_EQ(one->source().text, "written");
}

}  // namespace
}  // namespace mettle::rules

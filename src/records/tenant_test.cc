// Rows of tenants at the door: whoever acts, and whatever the rules leave out.
#include "records/tenant.h"

#include <gtest/gtest.h>

#include "records/sqlite_records_fixture.h"

namespace mettle::records {
namespace {

constexpr const char* kApp = R"(mettle: 1
app: t
auth: {table: users, tenant: org_id, roles: [clerk], registration: closed}
tables:
  orgs: {columns: {name: {type: text}}}
  users: {tenant: org_id, columns: {org_id: {references: orgs, optional: true}}}
  teams:
    tenant: org_id
    columns: {org_id: {references: orgs}, name: {type: text, unique: true}}
    access: {read: "true", create: "true", update: "new.name != row.name", delete: "true"}
  notes:
    owner: user_id
    tenant: org_id
    columns:
      org_id:   {references: orgs}
      user_id:  {references: users, optional: true}
      team_id:  {references: teams, optional: true}
      other_id: {references: notes, optional: true, inverse: others}
      n:        {type: int, default: 0}
    checks: [{check: "row.team.name != 'closed'", message: "the team is closed"}]
    access: {create: "row.team.name != 'shut' || row.team_id == null"}
  locked:
    tenant: org_id
    columns: {org_id: {references: orgs, write: "false"}, n: {type: int}}
    access: {read: "'clerk' in auth.roles || row.n > 0", create: "true", write: "false"}
)";

class TenantTest : public DoorTest {
 protected:
  void SetUp() override {
    serve(kApp);
    for (int org = 1; org <= 2; ++org) {
      operate("orgs", fmt::format(R"({{"id":"{}","name":"o{}"}})", id(org), org));
      for (int k = 0; k < 2; ++k) {
        const int user = org * 10 + k;
        operate("users", fmt::format(R"({{"id":"{}","email":"u{}@x.example","org_id":"{}"}})",
                                     id(user), user, id(org)));
      }
      operate("teams",
              fmt::format(R"({{"id":"{}","org_id":"{}","name":"blue"}})", id(100 + org), id(org)));
      operate("notes", fmt::format(R"({{"id":"{}","org_id":"{}","user_id":"{}","n":{}}})",
                                   id(50 + org), id(org), id(org * 10), org));
    }
    sign_in_at(1, 10);
  }
  static std::string id(int number) { return format_uuid(user_id(number)); }
  void sign_in_at(int org, int user, std::vector<std::string> roles = {}) {
    sign_in(user, std::move(roles));
    if (org > 0) who_.tenant = Value(user_id(org));
  }
  void operate(std::string_view table, const std::string& json) {
    const Principal who = std::exchange(who_, {});
    const Result<Answer> done = insert(table, json, Authority::kOperator);
    ASSERT_TRUE(done) << told(done);
    who_ = who;
  }
  std::string of_app(std::string_view table, const std::string& json) {
    return cut(told(insert(table, json, Authority::kApp)));
  }
  // A body begins with the row's id, which is new each time.
  static std::string cut(const std::string& text) { return text.starts_with('{') ? "made" : text; }
  std::string listed(std::string_view name) {
    Query query;
    query.table = table(name).index;
    query.limit = 10;
    const Result<Page> page = list(query);
    return page ? std::to_string(page->rows) : std::string(page.error().name());
  }
  Result<Answer> step(Work work) { return commit(std::move(work)); }

  static Task<Result<Answer>> count_where(WriteScope& scope, const TableInfo& table,
                                          rules::ExprRef where) {
    CO_TRY(const auto rows, co_await scope.where(table, where, scope.bindings(), 100));
    Answer answer;
    answer.body = std::to_string(rows.size());
    co_return answer;
  }
  static Task<Result<Answer>> count_matching(WriteScope& scope, const TableInfo& table,
                                             const Filter& filter) {
    CO_TRY(const auto rows, co_await scope.matching(table, filter, 100, Authority::kApp));
    Answer answer;
    answer.body = std::to_string(rows.size());
    co_return answer;
  }
};

TEST_F(TenantTest, HoldsEveryRuleToTheCallersTenant) {
  EXPECT_EQ(listed("teams"), "1");
  EXPECT_EQ(listed("notes"), "1");  // the owner's, too
  sign_in_at(2, 10);                // the owner of a row of another tenant
  EXPECT_EQ(listed("notes"), "0");
  sign_in_at(0, 10);
  EXPECT_EQ(listed("teams"), "forbidden");
  EXPECT_EQ(told(insert("teams", R"({"name":"x"})")), "invalid /org_id:required");
  sign_out();
  EXPECT_EQ(listed("teams"), "unauthenticated");
}

TEST_F(TenantTest, KeepsARowInItsTenantWhetherTheRuleSpeaksOfTheNewRowOrNot) {
  const std::string away = fmt::format(R"({{"org_id":"{}","name":"red"}})", id(2));
  EXPECT_EQ(told(patch("teams", user_id(101), away)), "forbidden /org_id:not_writable");
  const std::string gone = fmt::format(R"({{"org_id":"{}"}})", id(2));
  EXPECT_EQ(told(patch("notes", user_id(51), gone)), "forbidden /org_id:not_writable");
  EXPECT_EQ(told(patch("teams", user_id(102), R"({"name":"red"})")), "not_found");
  EXPECT_EQ(told(remove("teams", user_id(102))), "not_found");
  EXPECT_EQ(cut(told(patch("teams", user_id(101), R"({"name":"red"})"))), "made");
}

TEST_F(TenantTest, KeepsWhatTheAppSaysOfTheColumn) {
  sign_in_at(1, 10, {"clerk"});
  EXPECT_EQ(told(insert("locked", fmt::format(R"({{"n":1,"org_id":"{}"}})", id(1)))),
            "forbidden /org_id:not_writable");
  EXPECT_EQ(cut(told(insert("locked", R"({"n":1})"))), "made");
  EXPECT_EQ(listed("locked"), "1");
  sign_in_at(2, 20, {"clerk"});
  EXPECT_EQ(listed("locked"), "0");
}

TEST_F(TenantTest, LetsTheAppActInTheCallersTenant) {
  EXPECT_EQ(of_app("notes", R"({"n":1})"), "made");
  EXPECT_EQ(of_app("notes", fmt::format(R"({{"n":1,"org_id":"{}"}})", id(2))), "forbidden");
  EXPECT_EQ(told(patch("notes", user_id(52), R"({"n":5})", Authority::kApp)), "not_found");
  EXPECT_EQ(told(patch("notes", user_id(51), fmt::format(R"({{"org_id":"{}"}})", id(2)),
                       Authority::kApp)),
            "forbidden");
  EXPECT_EQ(cut(told(patch("notes", user_id(51), R"({"n":5})", Authority::kApp))), "made");
  EXPECT_EQ(told(remove("notes", user_id(52), Authority::kApp)), "not_found");
  model::Faults faults;
  rules::Environment environment = rules::Environment::base(catalog_->model());
  environment.declare("row", rules::row_type(table("notes").index));
  rules::Type want;
  want.tag = rules::Type::Tag::kBool;
  const rules::ExprRef all = rules::compile({"row.n >= 0", {1, 1}}, environment, want, "", faults);
  const TableInfo& notes = table("notes");
  EXPECT_EQ(told(step([&](WriteScope& scope) { return count_where(scope, notes, all); })), "2");
  const Filter none;
  EXPECT_EQ(told(step([&](WriteScope& scope) { return count_matching(scope, notes, none); })), "2");
  sign_in_at(0, 10);
  EXPECT_EQ(told(step([&](WriteScope& scope) { return count_where(scope, notes, all); })), "0");
  EXPECT_EQ(of_app("notes", R"({"n":1})"), "invalid /org_id:required");
  EXPECT_EQ(of_app("users", R"({"email":"x@x.example"})"), "forbidden");
}

TEST_F(TenantTest, LetsNoRowReferToOneOfAnotherTenantWhoeverWritesIt) {
  for (const Authority authority : {Authority::kCaller, Authority::kApp, Authority::kOperator}) {
    const std::string own = fmt::format(R"({{"org_id":"{}","team_id":"{}"}})", id(1), id(101));
    EXPECT_EQ(cut(told(insert("notes", own, authority))), "made");
    for (const int team : {102, 199}) {  // of another, and of nobody
      const std::string astray =
          fmt::format(R"({{"org_id":"{}","team_id":"{}"}})", id(1), id(team));
      EXPECT_EQ(
          told(insert("notes", astray, authority)),
          authority == Authority::kCaller ? "forbidden" : "invalid /team_id:reference_missing");
      EXPECT_EQ(told(patch("notes", user_id(51), fmt::format(R"({{"team_id":"{}"}})", id(team)),
                           authority)),
                "invalid /team_id:reference_missing");
    }
  }
}

TEST_F(TenantTest, LetsARowReferToItself) {
  const std::string self = fmt::format(R"({{"id":"{0}","other_id":"{0}","n":1}})", id(77));
  EXPECT_EQ(cut(told(insert("notes", self))), "made");
  EXPECT_EQ(told(insert("notes", fmt::format(R"({{"other_id":"{}"}})", id(52)))),
            "invalid /other_id:reference_missing");
}

TEST_F(TenantTest, AsksOnlyOfReferencesThatChange) {
  // As it may have been before the table had tenants.
  must(write("UPDATE notes SET team_id = (SELECT id FROM teams ORDER BY id DESC) WHERE n = 1"));
  EXPECT_EQ(cut(told(patch("notes", user_id(51), R"({"n":9})"))), "made");
}

TEST_F(TenantTest, ChecksAnOperatorsRowAmongThoseOfItsTenant) {
  operate("teams", fmt::format(R"({{"id":"{}","org_id":"{}","name":"closed"}})", id(103), id(1)));
  sign_out();
  EXPECT_EQ(told(insert("notes", fmt::format(R"({{"org_id":"{}","team_id":"{}"}})", id(1), id(103)),
                        Authority::kOperator)),
            "invalid :check_failed");
}

// Each tenant has many rows, and what a reference leads to is few: whatever index was made last.
TEST_F(TenantTest, LeavesTheIndexToWhatIsAskedBesides) {
  const auto plan = [this](const std::string& sql) {
    return rows("EXPLAIN QUERY PLAN " + sql).rows.at(0).at(3).text();
  };
  must(write("CREATE INDEX of_team ON notes (team_id, id)"));
  must(write("CREATE INDEX of_org ON notes (org_id, id)"));
  const std::string org = catalog_->dialect().true_of_many("(org_id = x'01')");
  EXPECT_NE(
      plan("SELECT * FROM notes WHERE " + org + " AND team_id = x'02' ORDER BY id").find("of_team"),
      std::string::npos);
  EXPECT_NE(plan("SELECT * FROM notes WHERE " + org + " ORDER BY id").find("of_org"),
            std::string::npos);
}

TEST_F(TenantTest, IsFoundByTheIdOfAPerson) {
  Context ctx = context();
  const auto tenant = [&](int user) {
    return run_task(core_, door_->tenant_of(ctx, Value(user_id(user))));
  };
  EXPECT_EQ(tenant(10)->uuid(), user_id(1));
  EXPECT_EQ(tenant(21)->uuid(), user_id(2));
  EXPECT_TRUE(tenant(99)->is_unknown());
  operate("users", fmt::format(R"({{"id":"{}","email":"free@x.example"}})", id(30)));
  EXPECT_TRUE(tenant(30)->is_unknown());
}

TEST_F(TenantTest, SaysOfAUniqueValueWhichColumnItIs) {
  EXPECT_EQ(told(insert("teams", R"({"name":"blue"})")), "unique_violation /name:unique_violation");
  EXPECT_EQ(cut(told(insert("teams", R"({"name":"green"})"))), "made");
}

}  // namespace
}  // namespace mettle::records

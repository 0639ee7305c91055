// What changes do under rules: who may, what is checked, what is set, what a broken constraint
// says.
#include <gtest/gtest.h>

#include "records/explain.h"
#include "records/sqlite_records_fixture.h"

namespace mettle::records {
namespace {

constexpr const char* kApp = R"(mettle: 1
app: t
auth: {table: users, roles: [clerk, boss]}
tables:
  teams:
    columns: {name: {type: text, unique: true}}
    access: {read: "true", write: "true"}
  notes:
    owner: user_id
    columns:
      user_id: {references: users}
      title:   {type: text, min: 1, max: 5}
      state:   {type: enum, values: [open, done], default: open}
      locked:  {type: bool, default: false}
      secret:
        {type: text, optional: true, read: "'boss' in auth.roles", write: "'boss' in auth.roles"}
      grade:   {type: int, optional: true, write: "!row.locked"}
      team_id: {references: teams, optional: true}
    access:
      read: "row.user_id == auth.id || 'clerk' in auth.roles"
      create: "auth.signed_in && new.user_id == auth.id"
  orders:
    columns:
      n:    {type: int}
      note: {type: text, optional: true}
    checks: [{check: "row.n != 13", message: "not thirteen"}, {check: "row.n < 100"}]
    access:
      read: "row.n > 0"
      create: "auth.signed_in"
      update: "new.n >= row.n"
      delete: "row.n == 1"
  members:
    columns:
      team_id: {references: teams}
      name:    {type: text}
    access: {read: "true", create: "row.team.name != 'closed'", update: "true", delete: "true"}
  lines:
    id: int
    columns: {text: {type: text}}
    access: {read: "true", create: "new.id < 3 || 'boss' in auth.roles"}
)";

class WriteScopeTest : public DoorTest {
 protected:
  void SetUp() override {
    serve(kApp);
    for (int i = 1; i <= 3; ++i) add_user(i);
    sign_in(1);
  }
  void add_user(int number) {
    sign_in(number);
    const std::string json = fmt::format(R"({{"id":"{}","email":"u{}@example.com"}})",
                                         format_uuid(user_id(number)), number);
    const auto made = insert("users", json, Authority::kApp);
    ASSERT_TRUE(made) << told(made);
  }
  Uuid id_of(const Result<Answer>& answer) {
    const auto document = JsonDocument::parse(answer->body);
    return *parse_uuid(document->root().find("id")->text());
  }
  int64_t count(const std::string& table) {
    return number(fmt::format("SELECT count(*) FROM {}", table));
  }
  std::string member(const Result<Answer>& answer, std::string_view name) {
    if (!answer) return told(answer);
    const auto document = JsonDocument::parse(answer->body);
    const auto found = document->root().find(name);
    return found ? found->minified() : "absent";
  }
};

TEST_F(WriteScopeTest, SetsWhatTheServerSets) {
  const auto made = insert("notes", R"({"title":"a"})");
  ASSERT_TRUE(made) << told(made);
  EXPECT_EQ(member(made, "user_id"), '"' + format_uuid(user_id(1)) + '"');
  EXPECT_EQ(member(made, "state"), "\"open\"");
  EXPECT_EQ(member(made, "version"), "1");
  EXPECT_EQ(member(made, "created_at"), member(made, "updated_at"));
  const auto again = patch("notes", id_of(made), R"({"title":"b"})");
  EXPECT_EQ(member(again, "version"), "2");
  EXPECT_EQ(member(again, "title"), "\"b\"");
  EXPECT_EQ(member(again, "created_at"), member(made, "created_at"));
  EXPECT_GE(member(again, "updated_at"), member(made, "updated_at"));
}

TEST_F(WriteScopeTest, MovesTheVersionOnAlsoWhenNothingDiffers) {
  const auto made = insert("notes", R"({"title":"a"})");
  EXPECT_EQ(member(patch("notes", id_of(made), R"({"title":"a"})"), "version"), "2");
}

TEST_F(WriteScopeTest, KeepsWhatTheServerSetsFromCallers) {
  EXPECT_EQ(told(insert("notes", R"({"title":"a","version":4})")), "invalid /version:not_writable");
  const auto made = insert("notes", R"({"title":"a"})");
  EXPECT_EQ(told(patch("notes", id_of(made), R"({"version":7})")), "invalid /version:not_writable");
  EXPECT_EQ(member(patch("notes", id_of(made), R"({"version":1})"), "version"), "2");
}

TEST_F(WriteScopeTest, LetsNobodyCreateForAnother) {
  const std::string other = format_uuid(user_id(2));
  EXPECT_EQ(told(insert("notes", fmt::format(R"({{"title":"a","user_id":"{}"}})", other))),
            "forbidden");
  EXPECT_EQ(count("notes"), 0);
  sign_out();
  EXPECT_EQ(told(insert("notes", R"({"title":"a"})")), "invalid /user_id:required");
}

TEST_F(WriteScopeTest, LetsNobodyGiveARowAway) {
  const auto made = insert("notes", R"({"title":"a"})");
  const std::string other = format_uuid(user_id(2));
  EXPECT_EQ(told(patch("notes", id_of(made), fmt::format(R"({{"user_id":"{}"}})", other))),
            "forbidden");
  EXPECT_EQ(member(patch("notes", id_of(made), R"({"title":"b"})"), "version"), "2");
}

TEST_F(WriteScopeTest, TellsARowThatMayNotBeReadFromOneThatMayNotBeWritten) {
  const auto made = insert("notes", R"({"title":"a"})");
  const Uuid id = id_of(made);
  sign_in(2);
  EXPECT_EQ(told(patch("notes", id, R"({"title":"b"})")), "not_found");
  EXPECT_EQ(told(remove("notes", id)), "not_found");
  sign_in(2, {"clerk"});
  EXPECT_EQ(told(patch("notes", id, R"({"title":"b"})")), "forbidden");
  EXPECT_EQ(told(remove("notes", id)), "forbidden");
  sign_in(1);
  EXPECT_EQ(told(remove("notes", id)), "");
  EXPECT_EQ(count("notes"), 0);
}

TEST_F(WriteScopeTest, RefusesARuleBeforeItTellsOfOtherRows) {
  // Somebody who may not create at all must not learn which values are taken.
  const std::string id = format_uuid(user_id(9));
  sign_in(1);
  ASSERT_TRUE(insert("orders", fmt::format(R"({{"id":"{}","n":1}})", id)));
  sign_out();
  EXPECT_EQ(told(insert("orders", fmt::format(R"({{"id":"{}","n":1}})", id))), "unauthenticated");
  sign_in(1);
  EXPECT_EQ(told(insert("orders", fmt::format(R"({{"id":"{}","n":1}})", id))),
            "unique_violation /id:unique_violation");
}

TEST_F(WriteScopeTest, LetsARuleOnNewSayHowBeforeAndAfterDiffer) {
  const auto made = insert("orders", R"({"n":5})");
  EXPECT_EQ(told(patch("orders", id_of(made), R"({"n":4})")), "forbidden");
  EXPECT_EQ(member(patch("orders", id_of(made), R"({"n":6})"), "n"), "6");
}

TEST_F(WriteScopeTest, HidesARowThatTheChangeMadeUnreadable) {
  EXPECT_EQ(told(insert("orders", R"({"n":0})")), "hidden");
  EXPECT_EQ(count("orders"), 1);
}

TEST_F(WriteScopeTest, TellsEveryCheckThatDoesNotHold) {
  EXPECT_EQ(told(insert("orders", R"({"n":13})")), "invalid :check_failed");
  EXPECT_EQ(told(insert("orders", R"({"n":100})")), "invalid :check_failed");
  EXPECT_EQ(count("orders"), 0);
  const auto made = insert("orders", R"({"n":12})");
  const auto refused = patch("orders", id_of(made), R"({"n":13})");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().faults[0].detail, "not thirteen");
  EXPECT_EQ(number("SELECT n FROM orders"), 12);
}

TEST_F(WriteScopeTest, TellsAllFaultsOfABodyAtOnce) {
  EXPECT_EQ(told(insert("notes", R"({"state":"opne","locked":1,"titel":"x"})")),
            "invalid /state:not_in_enum /locked:wrong_type /titel:unknown_column /title:required");
}

TEST_F(WriteScopeTest, KeepsColumnsFromThoseWhoMayNotWriteThem) {
  EXPECT_EQ(told(insert("notes", R"({"title":"a","secret":"s"})")),
            "forbidden /secret:not_writable");
  sign_in(1, {"boss"});
  const auto made = insert("notes", R"({"title":"a","secret":"s"})");
  EXPECT_EQ(member(made, "secret"), "\"s\"");
  sign_in(1);
  EXPECT_EQ(member(patch("notes", id_of(made), R"({"title":"b"})"), "secret"), "absent");
  EXPECT_EQ(rows("SELECT secret FROM notes").rows[0][0].text(), "s");
}

TEST_F(WriteScopeTest, HoldsAColumnsRuleBeforeAndAfter) {
  const auto made = insert("notes", R"({"title":"a","grade":1})");
  const Uuid id = id_of(made);
  EXPECT_EQ(member(patch("notes", id, R"({"grade":2})"), "grade"), "2");
  EXPECT_EQ(told(patch("notes", id, R"({"grade":3,"locked":true})")),
            "forbidden /grade:not_writable");
  ASSERT_TRUE(patch("notes", id, R"({"locked":true})"));
  EXPECT_EQ(told(patch("notes", id, R"({"grade":3})")), "forbidden /grade:not_writable");
  EXPECT_EQ(member(patch("notes", id, R"({"grade":2,"title":"c"})"), "title"), "\"c\"");
}

TEST_F(WriteScopeTest, WritesForTheAppWithoutRules) {
  const std::string other = format_uuid(user_id(2));
  const auto made =
      insert("notes", fmt::format(R"({{"title":"a","secret":"s","user_id":"{}"}})", other),
             Authority::kApp);
  EXPECT_EQ(told(made), "hidden");
  EXPECT_EQ(count("notes"), 1);
}

TEST_F(WriteScopeTest, AsksTheDatabaseWhereARuleWalksToAnotherRow) {
  const auto closed = insert("teams", R"({"name":"closed"})");
  const auto open = insert("teams", R"({"name":"open"})");
  const auto member_of = [](const Uuid& id) {
    return fmt::format(R"({{"name":"x","team_id":"{}"}})", format_uuid(id));
  };
  EXPECT_EQ(told(insert("members", member_of(id_of(closed)))), "forbidden");
  EXPECT_EQ(count("members"), 0);
  EXPECT_TRUE(insert("members", member_of(id_of(open))));
}

TEST_F(WriteScopeTest, AsksARuleOfTheNumberThatTheRowGets) {
  EXPECT_EQ(member(insert("lines", R"({"text":"a"})"), "id"), "1");
  EXPECT_EQ(member(insert("lines", R"({"text":"b"})"), "id"), "2");
  EXPECT_EQ(told(insert("lines", R"({"text":"c"})")), "forbidden");
  EXPECT_EQ(count("lines"), 2);
}

TEST_F(WriteScopeTest, NamesTheColumnsThatAreTaken) {
  ASSERT_TRUE(insert("teams", R"({"name":"a"})"));
  const auto refused = insert("teams", R"({"name":"a"})");
  EXPECT_EQ(told(refused), "unique_violation /name:unique_violation");
  EXPECT_EQ(refused.error().detail, "another row of teams has this name");
}

TEST_F(WriteScopeTest, NamesTheReferenceThatLeadsNowhere) {
  const std::string body =
      fmt::format(R"({{"title":"a","team_id":"{}"}})", format_uuid(user_id(77)));
  const auto refused = insert("notes", body);
  EXPECT_EQ(told(refused), "invalid /team_id:reference_missing");
  EXPECT_EQ(refused.error().faults[0].detail, "there is no such row in teams");
}

TEST_F(WriteScopeTest, NamesTheTableThatStillRefersToARow) {
  const auto team = insert("teams", R"({"name":"a"})");
  ASSERT_TRUE(
      insert("members", fmt::format(R"({{"name":"x","team_id":"{}"}})", format_uuid(id_of(team)))));
  const auto refused = remove("teams", id_of(team));
  EXPECT_EQ(told(refused), "reference_restricted");
  EXPECT_EQ(refused.error().detail, "rows of members still refer to this row of teams");
}

TEST_F(WriteScopeTest, MakesEachStatementOnce) {
  // A statement made anew for each request would be prepared anew by each connection.
  const auto made = insert("notes", R"({"title":"a"})");
  patch("notes", id_of(made), R"({"title":"b"})");
  const auto first = catalog_->find_cached(fmt::format("F{},0?f", table("notes").index));
  ASSERT_NE(first, nullptr);
  patch("notes", id_of(made), R"({"title":"c"})");
  EXPECT_EQ(catalog_->find_cached(fmt::format("F{},0?f", table("notes").index)), first);
}

TEST(ConstraintColumns, AreTheNamesBehindThePoint) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(constraint_columns("products.sku"), Names({"sku"}));
  EXPECT_EQ(constraint_columns("lines.order_id, lines.product_id"),
            Names({"order_id", "product_id"}));
  EXPECT_EQ(constraint_columns("lines.order_id,product_id"), Names({"order_id", "product_id"}));
  EXPECT_EQ(constraint_columns(""), Names());
}

class CatalogTest : public DoorTest {};

TEST_F(CatalogTest, RefusesARuleThatNoStatementCanSay) {
  const std::string said = compile(
      "mettle: 1\napp: t\ntables:\n  a:\n    columns: {tags: {type: json}, name: {type: text}}\n"
      "    access: {read: \"row.name in row.tags\"}\n");
  EXPECT_NE(said.find("rule_not_sql"), std::string::npos) << said;
}

TEST_F(CatalogTest, DecidesWhatTheCallerAloneDecides) {
  ASSERT_EQ(compile(kApp), "");
  const Rule& read = table("notes").read;
  Principal clerk;
  clerk.kind = Principal::Kind::kUser;
  clerk.id = Value(user_id(1));
  clerk.roles = {"clerk"};
  EXPECT_EQ(catalog_->grant(read, base_bindings(clerk, {})), Grant::kAlways);
  Principal user = clerk;
  user.roles.clear();
  const Judged judged = catalog_->judge(read, base_bindings(user, {}));
  EXPECT_EQ(judged.grant, Grant::kDepends);
  EXPECT_EQ(judged.outcomes, "f");
  EXPECT_TRUE(rules::switches(*judged.left).empty());
  EXPECT_EQ(catalog_->judge(read, base_bindings(user, {})).left, judged.left);
  // Nobody owns a row whose owner is null.
  EXPECT_EQ(catalog_->grant(read, base_bindings(Principal(), {})), Grant::kNever);
}

TEST_F(CatalogTest, StartsItsCacheOverWhenItIsFull) {
  ASSERT_EQ(compile(kApp), "");
  for (int i = 0; i < 5000; ++i) {
    catalog_->put_cached(fmt::format("x{}", i), std::make_shared<const int>(i));
  }
  EXPECT_EQ(catalog_->find_cached("x0"), nullptr);
  EXPECT_NE(catalog_->find_cached("x4999"), nullptr);
}

}  // namespace
}  // namespace mettle::records

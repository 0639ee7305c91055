#include "features/queries/queries.h"

#include <gtest/gtest.h>

#include "engine/sqlite_app_fixture.h"

namespace mettle::queries {
namespace {

class QueriesTest : public engine::AppTest {
 protected:
  engine::Features features() override {
    engine::Features out;
    out.push_back(make_feature());
    return out;
  }

  static std::string app(const std::string& query) {
    return "mettle: 1\napp: t\n"
           "auth: {table: users, roles: [boss]}\n"
           "tables:\n"
           "  sales:\n"
           "    columns:\n"
           "      what: {type: text}\n"
           "      n: {type: int}\n"
           "      price: {type: decimal, precision: 12, scale: 2}\n"
           "      due: {type: date, optional: true}\n"
           "      user_id: {references: users, optional: true}\n"
           "queries:\n"
           "  q:\n" +
           query;
  }
  void with_query(const std::string& query) {
    serve(app(query));
    row("01", "lamp", 2, 1250, "2026-02-03", 1'770'076'800'000'000);   // 2026-02-03T00:00:00Z
    row("02", "desk", 1, 10000, "2026-02-04", 1'770'163'199'999'999);  // the day's last microsecond
    row("03", "lamp", 5, 1300, "2026-02-05", 1'770'163'200'000'000);   // 2026-02-04T00:00:00Z
  }
  void row(const std::string& id, const std::string& what, int n, int cents, const std::string& due,
           int64_t at) {
    must(
        write(fmt::format("INSERT INTO sales(id, created_at, updated_at, version, what, n, price, "
                          "due) VALUES(x'{:0>32}', {}, 1, 1, '{}', {}, {}, '{}')",
                          id, at, what, n, cents, due)));
  }
  std::string ask(const std::string& query = {}) {
    const net::Response response = get("/api/v1/queries/q", query);
    return std::to_string(response.status) + " " + response.body +
           (response.status >= 500 ? " // " + inside_ : "");
  }
};

TEST_F(QueriesTest, ComparesADateWithATimestampAsItsMidnight) {
  with_query(
      "    input: {since: {type: date}}\n"
      "    access: \"true\"\n"
      "    sql: SELECT what, n FROM sales WHERE created_at >= :since ORDER BY n\n"
      "    returns: {what: text, n: int}\n");
  EXPECT_EQ(ask("since=2026-02-04"), R"(200 {"items":[{"what":"lamp","n":5}]})");
  EXPECT_EQ(ask("since=2026-02-03").substr(0, 31), R"(200 {"items":[{"what":"desk","n)");
  EXPECT_EQ(ask("since=2027-01-01"), R"(200 {"items":[]})");
}

TEST_F(QueriesTest, ComparesADateWithADateAsText) {
  with_query(
      "    input: {since: {type: date}}\n"
      "    access: \"true\"\n"
      "    sql: SELECT n FROM sales s WHERE s.due BETWEEN :since AND :since\n"
      "    returns: {n: int}\n");
  EXPECT_EQ(ask("since=2026-02-04"), R"(200 {"items":[{"n":1}]})");
}

TEST_F(QueriesTest, BindsTheCallersTenantWhereRowsBelongToTenants) {
  const auto faults = [this](const std::string& sql) {
    return check(
        "mettle: 1\napp: t\nauth: {table: users, tenant: org_id, registration: closed}\ntables:\n"
        "  orgs: {columns: {name: {type: text}}}\n"
        "  users: {tenant: org_id, columns: {org_id: {references: orgs}}}\n"
        "queries:\n  q:\n    access: \"auth.signed_in\"\n    sql: " +
        sql + "\n    returns: {n: int}\n");
  };
  const std::string forgotten = faults("SELECT count(*) AS n FROM users");
  EXPECT_NE(forgotten.find("sql_without_tenant"), std::string::npos) << forgotten;
  EXPECT_NE(forgotten.find("org_id = :auth.tenant"), std::string::npos) << forgotten;
  EXPECT_EQ(faults("SELECT count(*) AS n FROM users WHERE org_id = :auth.tenant"), "");
  EXPECT_EQ(faults("SELECT count(*) AS n FROM orgs"), "");
}

TEST_F(QueriesTest, RefusesADateWhoseMeaningCannotBeTold) {
  const std::string faults =
      check(app("    input: {since: {type: date}}\n"
                "    access: \"true\"\n"
                "    sql: SELECT n FROM sales GROUP BY n HAVING max(created_at) >= :since\n"
                "    returns: {n: int}\n"));
  EXPECT_NE(faults.find("sql_parameter_form"), std::string::npos) << faults;
  EXPECT_NE(faults.find("CAST(:since AS text)"), std::string::npos) << faults;
}

TEST_F(QueriesTest, ScalesANumberToTheDecimalItMeets) {
  with_query(
      "    input: {least: {type: int}}\n"
      "    access: \"true\"\n"
      "    sql: SELECT what, price FROM sales WHERE price > :least ORDER BY price\n"
      "    returns: {what: text, price: {type: decimal, scale: 2}}\n");
  EXPECT_EQ(ask("least=13"), R"(200 {"items":[{"what":"desk","price":"100.00"}]})");
}

TEST_F(QueriesTest, RefusesAParameterOfAnotherTypeThanItsColumn) {
  const std::string faults =
      check(app("    input: {id: {type: text}}\n"
                "    access: \"true\"\n"
                "    sql: SELECT n FROM sales WHERE id = :id\n"
                "    returns: {n: int}\n"));
  EXPECT_NE(faults.find(":id is a text and stands beside id, a uuid"), std::string::npos) << faults;
}

TEST_F(QueriesTest, ReadsNeitherHiddenColumnsNorTablesOfOthers) {
  for (const char* sql :
       {"SELECT password AS x FROM users", "SELECT value AS x FROM mettle_secrets",
        "SELECT rid AS x FROM sales", "SELECT password AS x FROM main.users",
        "SELECT name AS x FROM sqlite_schema", "DELETE FROM sales RETURNING what AS x",
        "PRAGMA user_version", "SELECT 1 AS x; SELECT 2", "SELECT ? AS x"}) {
    const std::string faults = check(app("    access: \"true\"\n    sql: \"" + std::string(sql) +
                                         "\"\n    returns: {x: text}\n"));
    EXPECT_NE(faults.find("error:"), std::string::npos) << sql;
  }
}

TEST_F(QueriesTest, WantsBothDialectsWhereDecimalsAreComputed) {
  const std::string tail = "\n    returns: {x: int}\n";
  const std::string head = "    access: \"true\"\n    sql: ";
  for (const char* sql :
       {"SELECT sum(price * n) AS x FROM sales", "SELECT avg(s.price) AS x FROM sales s"}) {
    EXPECT_NE(check(app(head + sql + tail)).find("sql_decimal"), std::string::npos) << sql;
  }
  EXPECT_EQ(check(app(head + "SELECT sum(price) AS x FROM sales" + tail)), "");
}

TEST_F(QueriesTest, NamesTheColumnsThatTheStatementGives) {
  const std::string faults =
      check(app("    access: \"true\"\n    sql: SELECT what, n AS m FROM sales\n"
                "    returns: {what: text, n: int}\n"));
  EXPECT_NE(faults.find("what, m"), std::string::npos) << faults;
}

TEST_F(QueriesTest, AnswersNotModifiedToWhoHasTheAnswer) {
  with_query(
      "    access: \"true\"\n    sql: SELECT count(*) AS n FROM sales\n    returns: {n: int}\n");
  const net::Response first = get("/api/v1/queries/q");
  ASSERT_EQ(first.status, 200) << first.body;
  const std::string etag = first.headers.at(0).second;
  EXPECT_EQ(get("/api/v1/queries/q", "", {{"If-None-Match", etag}}).status, 304);
  EXPECT_EQ(get("/api/v1/queries/q", "", {{"If-None-Match", "\"other\""}}).status, 200);
}

TEST_F(QueriesTest, KeepsToItsAccessAndItsParameters) {
  with_query(
      "    input: {n: {type: int}}\n    access: \"'boss' in auth.roles\"\n"
      "    sql: SELECT what FROM sales WHERE n = :n\n    returns: {what: text}\n");
  EXPECT_EQ(get("/api/v1/queries/q", "n=x").status, 401);
  sign_in("01900000-0000-7000-8000-000000000001");
  EXPECT_EQ(get("/api/v1/queries/q", "n=x").status, 403);
  sign_in("01900000-0000-7000-8000-000000000001", {"boss"});
  EXPECT_EQ(get("/api/v1/queries/q", "n=x").status, 400);
  EXPECT_EQ(get("/api/v1/queries/q", "").status, 400);
  EXPECT_EQ(get("/api/v1/queries/q", "n=1&m=2").status, 400);
  EXPECT_EQ(ask("n=1"), R"(200 {"items":[{"what":"desk"}]})");
}

TEST_F(QueriesTest, ServesTheExamples) {
  for (const char* name : {"shop", "shortener", "hiring", "todo"}) {
    EXPECT_EQ(check(example(name)).find("error:"), std::string::npos) << check(example(name));
  }
}

TEST_F(QueriesTest, RanksTheShopsProducts) {
  serve(example("shop"));
  sign_in("01900000-0000-7000-8000-000000000001", {"clerk"});
  for (const char* query : {"top_products", "revenue_by_day"}) {
    const net::Response response =
        get(std::string("/api/v1/queries/") + query,
            "since=2026-01-01T00:00:00Z" +
                std::string(query[0] == 'r' ? "&until=2027-01-01T00:00:00Z" : ""));
    EXPECT_EQ(response.body, R"({"items":[]})") << query << inside_;
  }
}

}  // namespace
}  // namespace mettle::queries

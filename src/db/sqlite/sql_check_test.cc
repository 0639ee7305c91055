#include "db/sqlite/sql_check.h"

#include <gtest/gtest.h>

namespace mettle::db {
namespace {

class SqlCheckerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = SqlChecker::open(
        {"CREATE TABLE orders (id INTEGER PRIMARY KEY, total INTEGER) STRICT",
         "CREATE TABLE mettle_keys (id INTEGER PRIMARY KEY) STRICT",
         "CREATE TRIGGER touch AFTER INSERT ON orders BEGIN INSERT INTO mettle_keys VALUES (NULL);"
         " END"},
        {});
    ASSERT_TRUE(opened.has_value());
    checker_ = std::move(*opened);
  }
  std::string refused(const std::string& sql) {
    auto checked = checker_->check(sql);
    return checked ? "" : checked.error().detail;
  }
  std::unique_ptr<SqlChecker> checker_;
};

TEST_F(SqlCheckerTest, DescribesAStatement) {
  auto read = checker_->check(
      "SELECT id, sum(total) AS sold FROM orders WHERE id > :since AND id < :input.until GROUP BY "
      "1");
  ASSERT_FALSE(read.has_value());  // a path is not SQL: whoever compiles it replaces it first
  read =
      checker_->check("SELECT id, sum(total) AS sold FROM orders WHERE id > :since GROUP BY 1 ;");
  ASSERT_TRUE(read.has_value()) << read.error().detail;
  EXPECT_TRUE(read->read_only);
  EXPECT_EQ(read->parameters, std::vector<std::string>{":since"});
  EXPECT_EQ(read->columns, (std::vector<std::string>{"id", "sold"}));
  EXPECT_EQ(read->tables, std::vector<std::string>{"orders"});

  auto write = checker_->check("UPDATE orders SET total = ?1 RETURNING id");
  ASSERT_TRUE(write.has_value());
  EXPECT_FALSE(write->read_only);
  EXPECT_EQ(write->columns, std::vector<std::string>{"id"});
}

TEST_F(SqlCheckerTest, RefusesWhatIsNotTheApps) {
  for (const char* sql : {"PRAGMA foreign_keys=OFF",
                          "ATTACH 'x' AS y",
                          "DETACH main",
                          "BEGIN",
                          "COMMIT",
                          "ROLLBACK",
                          "SAVEPOINT a",
                          "RELEASE a",
                          "SELECT * FROM mettle_keys",
                          "DELETE FROM mettle_keys",
                          "SELECT * FROM sqlite_schema",
                          "SELECT * FROM pragma_table_info('orders')",
                          "SELECT (SELECT count(*) FROM mettle_keys) FROM orders",
                          "CREATE TABLE x (id INTEGER)",
                          "DROP TABLE orders",
                          "ALTER TABLE orders ADD COLUMN x INTEGER",
                          "VACUUM",
                          "REINDEX",
                          "ANALYZE",
                          "CREATE TEMP TABLE x (id INTEGER)",
                          "EXPLAIN SELECT 1",
                          "EXPLAIN QUERY PLAN SELECT 1",
                          "SELECT 1; SELECT 2",
                          "SELECT 1; DROP TABLE orders",
                          "",
                          "-- nothing"}) {
    EXPECT_NE(refused(sql), "") << sql;
  }
}

TEST_F(SqlCheckerTest, TakesACommentAfterTheStatement) {
  EXPECT_EQ(refused("SELECT 1 -- the end"), "");
  EXPECT_EQ(refused("SELECT 1; /* the end */ "), "");
}

TEST_F(SqlCheckerTest, LetsTriggersDoTheirWork) {
  EXPECT_EQ(refused("INSERT INTO orders VALUES (1, 2)"), "");
}

TEST_F(SqlCheckerTest, KnowsTheFunctionsOfTheServer) {
  EXPECT_EQ(refused("SELECT mt_add(total, 1) FROM orders"), "");
  EXPECT_EQ(refused("SELECT value FROM json_each('[1]')"), "");
}

TEST_F(SqlCheckerTest, SaysWhereAStatementIsWrong) {
  auto checked = checker_->check("SELECT nope FROM orders");
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().detail, "no such column: nope");
  EXPECT_EQ(checked.error().offset, 7u);
}

}  // namespace
}  // namespace mettle::db

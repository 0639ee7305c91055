// The SQL functions of the door, called as statements call them.
#include "records/sqlite_functions.h"

#include <gtest/gtest.h>

#include "records/constraint.h"
#include "records/shape.h"
#include "records/sqlite_records_fixture.h"

namespace mettle::records {
namespace {

class SqliteFunctions : public DoorTest {
 protected:
  void SetUp() override {
    serve("mettle: 1\napp: t\ntables:\n  things: {columns: {n: {type: int}}}\n");
  }
  static Task<Result<Answer>> explained_as_failure(WriteScope& scope, Error error) {
    co_return fail(co_await explained_check(scope.tx(), std::move(error), "/3"));
  }
  std::string text(const std::string& sql) {
    const db::Rows out = rows("SELECT " + sql);
    if (out.rows.size() != 1) return "no row";
    const Value& value = out.rows[0][0];
    switch (value.kind()) {
      case Kind::kText:
        return value.text();
      case Kind::kInt:
        return std::to_string(value.integer());
      case Kind::kFloat:
        return fmt::format("{}", value.real());
      default:
        return "NULL";
    }
  }
};

TEST_F(SqliteFunctions, WalkIntoJson) {
  const std::string json = R"('{"a":{"b":[1,"two",null,12345678901234567890]},"1":true,"x":1.50}')";
  struct Case {
    const char* function;
    const char* path;
    const char* made;
  };
  const Case cases[] = {
      {"mt_json_text", R"(["a","b",1])", "two"},
      {"mt_json_text", R"(["a","b",0])", "1"},
      {"mt_json_text", R"(["a","b",-1])", "12345678901234567890"},
      {"mt_json_text", R"(["a","b",2])", "NULL"},
      {"mt_json_text", R"(["a","b",9])", "NULL"},
      {"mt_json_text", R"(["a","b",-9])", "NULL"},
      {"mt_json_text", R"(["a",0])", "NULL"},
      {"mt_json_text", R"(["1"])", "true"},
      {"mt_json_text", R"(["nope","b"])", "NULL"},
      {"mt_json_part", R"(["a","b",1])", "\"two\""},
      {"mt_json_part", R"(["x"])", "1.50"},
      {"mt_json_part", R"(["a","b"])", R"([1,"two",null,12345678901234567890])"},
      {"mt_json_number", R"(["x"])", "1.5"},
      {"mt_json_number", R"(["a","b",1])", "NULL"},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(text(fmt::format("{}({}, '{}')", each.function, json, each.path)), each.made)
        << each.path;
  }
  EXPECT_EQ(text(R"(mt_json_text(NULL, '["a"]'))"), "NULL");
  EXPECT_EQ(text(R"(mt_json_text('no json', '["a"]'))"), "NULL");
}

TEST_F(SqliteFunctions, SumWithoutOverflowOnTheWay) {
  const std::string of = " FROM (VALUES (9223372036854775807), (1), (-1), (NULL))";
  EXPECT_EQ(text("mt_sum(column1)" + of), "9223372036854775807");
  EXPECT_EQ(text("mt_sum(column1) FROM (VALUES (9223372036854775807), (1))"), "NULL");
  EXPECT_EQ(text("mt_sum(column1) FROM (VALUES (NULL))"), "NULL");
}

TEST_F(SqliteFunctions, RoundTheMeanHalfAwayFromZero) {
  EXPECT_EQ(text("mt_avg(column1, 0) FROM (VALUES (1), (2))"), "2");
  EXPECT_EQ(text("mt_avg(column1, 0) FROM (VALUES (-1), (-2))"), "-2");
  EXPECT_EQ(text("mt_avg(column1, 0) FROM (VALUES (1), (1), (2))"), "1");
  EXPECT_EQ(text("mt_avg(column1, 2) FROM (VALUES (1), (1), (2), (NULL))"), "133");
  EXPECT_EQ(text("mt_avg(column1, 4) FROM (VALUES (9223372036854775807))"), "NULL");
  EXPECT_EQ(text("mt_avg(column1, 0) FROM (VALUES (NULL))"), "NULL");
}

TEST_F(SqliteFunctions, RefuseToRenderWithoutAShape) {
  db::Rows out;
  EXPECT_FALSE(read(db::sql("SELECT mt_row(1, 2)"), {}, out));
  EXPECT_FALSE(read(db::sql("SELECT mt_rows(1, 2)"), {}, out));
}

TEST_F(SqliteFunctions, NameTheColumnOfABrokenCheck) {
  must(write("INSERT INTO mettle_columns VALUES (12, 'things', 'n')"));
  struct Case {
    const char* constraint;
    const char* told;
  };
  for (const Case& each :
       {Case{"mt_min_12", "invalid /3/n:too_small"}, Case{"mt_json_12", "invalid /3/n:wrong_type"},
        Case{"mt_min_99", "check_failed"}, Case{"mt_odd_12", "check_failed"},
        Case{"mt_min_", "check_failed"}, Case{"", "check_failed"},
        Case{"somebody_elses", "check_failed"}}) {
    Error error = make_error(Code::kCheckFailed, "");
    error.inside = each.constraint;
    const auto refused =
        commit([&](WriteScope& scope) { return explained_as_failure(scope, error); });
    EXPECT_EQ(told(refused), each.told) << each.constraint;
  }
}

TEST(Render, WritesEveryKindAsTheWireHasIt) {
  const Kind kinds[] = {Kind::kNull, Kind::kBool,  Kind::kInt,  Kind::kFloat,
                        Kind::kText, Kind::kBytes, Kind::kUuid, Kind::kTimestamp,
                        Kind::kDate, Kind::kTime,  Kind::kJson, Kind::kDecimal};
  const std::vector<Value> values = {Value(),
                                     Value(true),
                                     Value(int64_t{INT64_MIN}),
                                     Value(0.1),
                                     Value("a\"\n"),
                                     Value(Bytes{"x"}),
                                     Value(Uuid{}),
                                     Value(Timestamp{1}),
                                     Value(Date{0}),
                                     Value(TimeOfDay{0}),
                                     Value(Json{"{\"n\":1.0}"}),
                                     Value(Decimal{-5, 2})};
  Shape shape;
  for (int i = 0; i < static_cast<int>(values.size()); ++i) {
    shape.fields.push_back({fmt::format("\"{}\":", i), i, kinds[i], 2, false, -1});
  }
  std::string json;
  render(shape, MemoryRow(values), json);
  EXPECT_EQ(json, R"({"0":null,"1":true,"2":-9223372036854775808,"3":0.1,"4":"a\"\n","5":"eA==",)"
                  R"("6":"00000000-0000-0000-0000-000000000000","7":"1970-01-01T00:00:00.000001Z",)"
                  R"("8":"1970-01-01","9":"00:00:00.000000","10":{"n":1.0},"11":"-0.05"})");
}

TEST(Render, LeavesOutWhatItsGuardRefuses) {
  const std::vector<Value> values = {Value(int64_t{1}), Value(false), Value(int64_t{2}),
                                     Value(true),       Value(),      Value(Unknown{})};
  Shape shape;
  shape.fields.push_back({"\"a\":", 0, Kind::kInt, 0, false, 1});
  shape.fields.push_back({"\"b\":", 2, Kind::kInt, 0, false, 3});
  shape.fields.push_back({"\"c\":", 0, Kind::kInt, 0, false, 4});
  shape.fields.push_back({"\"l\":", 4, Kind::kJson, 0, true, -1});
  shape.fields.push_back({"\"u\":", 5, Kind::kText, 0, false, -1});
  std::string json;
  render(shape, MemoryRow(values), json);
  EXPECT_EQ(json, R"({"b":2,"l":[],"u":null})");
  shape.fields.resize(1);
  json.clear();
  render(shape, MemoryRow(values), json);
  EXPECT_EQ(json, "{}");
}

}  // namespace
}  // namespace mettle::records

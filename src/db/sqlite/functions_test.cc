#include "db/sqlite/functions.h"

#include "db/sqlite/like.h"
#include "db/sqlite/store_fixture.h"

namespace mettle::db {
namespace {

void double_it(FunctionCall& call) {
  call.result_int64(call.int64(0) * 2);
}

// Joins the texts of a group with what its attachment says.
struct Separator {
  std::string text;
};
class Join final : public AggregateState {
 public:
  void step(FunctionCall& call) override {
    auto* separator = static_cast<const Separator*>(call.pointer(1, "separator"));
    if (separator == nullptr) return call.result_error("no separator");
    if (!out_.empty()) out_ += separator->text;
    out_ += call.text(0);
  }
  void finish(FunctionCall& call) override { call.result_text(out_); }

 private:
  std::string out_;
};
std::unique_ptr<AggregateState> make_join() {
  return std::make_unique<Join>();
}

constexpr FunctionFlags kDirect{true, true};

Result<> add_functions(FunctionRegistry& registry) {
  TRY_VOID(registry.add(ScalarFunction{"double_it", 1, double_it, {}}));
  return registry.add(AggregateFunction{"test_join", 2, make_join, kDirect});
}

class FunctionsTest : public StoreTest {
 protected:
  void SetUp() override {
    SqliteOptions o = options();
    o.functions.push_back(add_functions);
    open(o);
  }
  // The value of an expression over ?1, ?2 …
  Value value(const std::string& expression, std::vector<Value> values = {}) {
    Rows out = rows("SELECT " + expression, values);
    return out.rows.at(0).at(0);
  }
  bool is_null(const std::string& expression) { return value(expression).is_null(); }
  int64_t integer(const std::string& expression) { return value(expression).integer(); }
};

TEST_F(FunctionsTest, ArithmeticIsExactOrUnknown) {
  EXPECT_EQ(integer("mt_add(40, 2)"), 42);
  EXPECT_EQ(integer("mt_sub(40, -2)"), 42);
  EXPECT_EQ(integer("mt_mul(6, 7)"), 42);
  EXPECT_EQ(integer("mt_div(-7, 2)"), -3);
  EXPECT_EQ(integer("mt_mod(-7, 2)"), -1);
  EXPECT_EQ(integer("mt_neg(-42)"), 42);
  const std::string max = "9223372036854775807", min = "(-9223372036854775807 - 1)";
  EXPECT_TRUE(is_null("mt_add(" + max + ", 1)"));
  EXPECT_TRUE(is_null("mt_sub(" + min + ", 1)"));
  EXPECT_TRUE(is_null("mt_mul(" + max + ", 2)"));
  EXPECT_TRUE(is_null("mt_div(1, 0)"));
  EXPECT_TRUE(is_null("mt_div(" + min + ", -1)"));
  EXPECT_TRUE(is_null("mt_mod(1, 0)"));
  EXPECT_TRUE(is_null("mt_mod(" + min + ", -1)"));
  EXPECT_TRUE(is_null("mt_neg(" + min + ")"));
  EXPECT_TRUE(is_null("mt_add(NULL, 1)"));
  EXPECT_TRUE(is_null("mt_add(1.5, 1)"));
  EXPECT_TRUE(is_null("mt_add('1', 1)"));
}

TEST_F(FunctionsTest, MatchesAnywhereWithRe2) {
  EXPECT_EQ(value("mt_match(?1, ?2)", {Value("SKU-12"), Value("[0-9]{2}$")}).integer(), 1);
  EXPECT_EQ(value("mt_match(?1, ?2)", {Value("SKU"), Value("^[0-9]")}).integer(), 0);
  EXPECT_TRUE(value("mt_match(?1, ?2)", {Value("a"), Value("(")}).is_null());
  EXPECT_TRUE(value("mt_match(?1, ?2)", {Value(Null{}), Value("a")}).is_null());
  // The same pattern over many rows, and another one per row.
  EXPECT_EQ(integer("(SELECT sum(mt_match(value, 'b')) FROM json_each('[\"ab\",\"b\",\"c\"]'))"),
            2);
  EXPECT_EQ(integer("(SELECT sum(mt_match('ab', value)) FROM json_each('[\"a\",\"c\",\"(\"]'))"),
            1);
}

TEST_F(FunctionsTest, LikeIsCaseSensitiveAndIlikeFoldsAscii) {
  EXPECT_EQ(integer("mt_like('Lamp', 'L%')"), 1);
  EXPECT_EQ(integer("mt_like('Lamp', 'l%')"), 0);
  EXPECT_EQ(integer("mt_ilike('LAMP', '%am%')"), 1);
  EXPECT_EQ(integer("mt_ilike('Ä', 'ä')"), 0);
  EXPECT_TRUE(is_null("mt_like(NULL, '%')"));
}

TEST(Like, MatchesTheWholeText) {
  auto like = [](std::string_view text, std::string_view pattern) {
    return matches_like(text, pattern, LikeCase::kExact);
  };
  EXPECT_TRUE(like("", ""));
  EXPECT_TRUE(like("", "%"));
  EXPECT_FALSE(like("", "_"));
  EXPECT_TRUE(like("abc", "a_c"));
  EXPECT_FALSE(like("abcd", "a_c"));
  EXPECT_TRUE(like("aXbXc", "a%b%c"));
  EXPECT_TRUE(like("aab", "%ab"));
  EXPECT_TRUE(like("mississippi", "%iss%ip%i"));
  EXPECT_FALSE(like("mississippi", "%iss%x%"));
  EXPECT_TRUE(like("é", "_"));  // one code point, two bytes
  EXPECT_TRUE(like("日本", "__"));
  EXPECT_TRUE(like("100%", "100\\%"));
  EXPECT_FALSE(like("100x", "100\\%"));
  EXPECT_TRUE(like("a_b", "a\\_b"));
  EXPECT_FALSE(like("axb", "a\\_b"));
  EXPECT_TRUE(like("a\\b", "a\\\\b"));
  EXPECT_FALSE(like("a", "a\\"));
  EXPECT_TRUE(like("abc", "%%c"));
}

TEST_F(FunctionsTest, OthersMayAddFunctions) {
  EXPECT_EQ(integer("double_it(21)"), 42);
}

TEST_F(FunctionsTest, AnAggregateTakesAnAttachment) {
  Separator separator{", "};
  auto statement = Statement::make("SELECT test_join(value, ?2) FROM json_each(?1)", {},
                                   {Attachment{&separator, "separator"}});
  Rows out;
  must(read(statement, {Value(Json{R"(["a","b","c"])"})}, out));
  EXPECT_EQ(out.rows[0][0].text(), "a, b, c");
  Rows empty;
  must(read(statement, {Value(Json{"[]"})}, empty));
  EXPECT_EQ(empty.rows[0][0].text(), "");
  // Of another type, or from SQL, it is not taken.
  auto wrong = Statement::make("SELECT test_join(value, ?2) FROM json_each(?1)", {},
                               {Attachment{&separator, "other"}});
  Rows none;
  EXPECT_FALSE(read(wrong, {Value(Json{R"(["a"])"})}, none).has_value());
}

TEST_F(FunctionsTest, DirectFunctionsCannotHideInTheSchema) {
  EXPECT_FALSE(migrate({"CREATE VIEW v AS SELECT test_join('a', 'b') AS x",
                        "CREATE TABLE t AS SELECT x FROM v"})
                   .has_value());
}

TEST_F(FunctionsTest, AWrongNumberOfValuesIsAnError) {
  Rows out;
  auto few = read(sql("SELECT ?1, ?2"), {Value(int64_t{1})}, out);
  ASSERT_FALSE(few.has_value());
  EXPECT_EQ(few.error().code, Code::kInternal);
  auto list = read(sql("SELECT ?1"), {Value(List{Value(int64_t{1})})}, out);
  ASSERT_FALSE(list.has_value());
}

}  // namespace
}  // namespace mettle::db

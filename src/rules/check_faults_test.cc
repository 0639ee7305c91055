// What the checker refuses, each with the words that a user gets.
#include "rules/rules_fixture.h"

namespace mettle::rules {
namespace {

class Refused : public testing::Test {
 protected:
  Refused() {
    model::Column notes;
    notes.name = "notes";
    notes.shape.type = model::Type::kJson;
    app_.model().tables[TestApp::kTeams].columns.push_back(notes);
  }

  // "code: message [fix]" of each error, the position's column before it where it is not 1.
  std::string fault(const std::string& text, const Type& want = {}) {
    Environment environment = app_.environment();
    Type maybe = row_type(TestApp::kUsers);
    maybe.nullable = true;
    environment.declare("maybe", maybe);
    Type rows;
    rows.tag = Type::Tag::kList;
    rows.element = std::make_shared<const Type>(row_type(TestApp::kItems));
    environment.declare("found", rows);
    model::Faults all;
    const ExprRef expr = compile({text, {1, 1}}, environment, want, "test", all);
    EXPECT_EQ(expr == nullptr, all.has_errors()) << text;
    std::string out;
    for (const model::FileFault& f : all.sorted()) {
      if (f.severity != model::FileFault::Severity::kError) continue;
      if (!out.empty()) out += " | ";
      if (f.pos.column != 1) out += std::to_string(f.pos.column) + " ";
      out += f.code + ": " + f.message;
      if (!f.fix.empty()) out += " [" + f.fix + "]";
    }
    return out;
  }
  static Type type(Type::Tag tag, int scale = 0) {
    Type out;
    out.tag = tag;
    out.scale = scale;
    return out;
  }
  static Type nullable(Type::Tag tag) {
    Type out = type(tag);
    out.nullable = true;
    return out;
  }
  static Type one_of(std::vector<std::string> values) {
    Type out = type(Type::Tag::kText);
    out.values = std::make_shared<const std::vector<std::string>>(std::move(values));
    return out;
  }

  using Tag = Type::Tag;
  TestApp app_;
};

TEST_F(Refused, MembersAndElementsOfWhatHasNone) {
  EXPECT_EQ(fault("input.nums.exists(x, y > 1)"),
            "22 rule_unknown_name: `y` is not a name here; there are: auth, found, input, kept, "
            "maybe, now, request, row, x");
  EXPECT_EQ(fault("input.nums.first"), "12 rule_type: a list of int has no member `first`");
  EXPECT_EQ(fault("row.a.first"), "7 rule_type: a int has no member `first`");
  EXPECT_EQ(fault("found.a"),
            "7 rule_type: these are many rows; say exists(x, …) or all(x, …) of them");
  EXPECT_EQ(fault("rwo[0]"),
            "rule_unknown_name: `rwo` is not a name here; there are: auth, found, input, kept, "
            "maybe, now, request, row [row]");
  EXPECT_EQ(fault("row.meta[rwo]"),
            "10 rule_unknown_name: `rwo` is not a name here; there are: auth, found, input, kept, "
            "maybe, now, request, row [row]");
  EXPECT_EQ(fault("row['b'] == 1"), "");
  EXPECT_EQ(fault("input['n'] == 1"), "");
  EXPECT_EQ(fault("auth.claims['team'] == 'x'"), "");
  EXPECT_EQ(fault("auth.claims[input.word] == 'x'"), "");
  EXPECT_EQ(fault("auth.claims[1] == 'x'"), "13 rule_type: a member of a map is named by a text");
  EXPECT_EQ(fault("row.a[0]"), "6 rule_type: a int has no elements to take by [ ]");
  EXPECT_EQ(fault("row.meta[\"a\\\"b\"]"),
            "10 rule_type: a json key here has no quotes or backslashes");
  EXPECT_EQ(fault("row.meta[\"a\\\\b\"]"),
            "10 rule_type: a json key here has no quotes or backslashes");
  EXPECT_EQ(fault("row.meta[\"a\\nb\"]"),
            "10 rule_type: a json key here has no quotes or backslashes");
  EXPECT_EQ(fault("row.meta[1.5]"),
            "10 rule_type: a part of json is named by a literal: a text, or an int from 0");
  EXPECT_EQ(fault("row.meta[-1]"),
            "11 rule_type: a part of json is named by a literal: a text, or an int from 0");
  EXPECT_EQ(fault("row.meta[input.n]"),
            "16 rule_type: a part of json is named by a literal: a text, or an int from 0");
  EXPECT_EQ(fault("input.nums[0] == 1"), "");
  EXPECT_EQ(fault("input.nums['x']"), "12 rule_type: an element of a list is named by an int");
  EXPECT_EQ(fault("found[0].a == 1"), "");
  EXPECT_EQ(fault("row.team.members[0]"),
            "17 rule_type: a list of row has no elements to take by [ ]");
  EXPECT_EQ(fault("row.team.notes.first == 'x'"), "");
}

TEST_F(Refused, ListsAndChoicesOfWhatDoesNotGoTogether) {
  EXPECT_EQ(fault("[rwo]"),
            "2 rule_unknown_name: `rwo` is not a name here; there are: auth, found, input, kept, "
            "maybe, now, request, row [row]");
  EXPECT_EQ(fault("[1, 'x']"), "5 rule_type: int and text do not go together [x]");
  EXPECT_EQ(fault("row.a in [null, 1]"), "");
  EXPECT_EQ(fault("row.price in [1, 2, decimal('1.5'), null]"), "");
  EXPECT_EQ(fault("row.flag ? row.meta.a : row.meta.b"),
            "10 rule_type: `? :` chooses between single values, not dyn");
  EXPECT_EQ(fault("row.flag ? row.meta.a : 'x'"), "");
  EXPECT_EQ(fault("row.flag ? row : row"),
            "10 rule_type: `? :` chooses between single values, not row");
  EXPECT_EQ(fault("row.flag ? input : input"),
            "10 rule_type: `? :` chooses between single values, not object");
  EXPECT_EQ(fault("row.flag ? input.nums : input.nums"),
            "10 rule_type: `? :` chooses between single values, not list of int");
  EXPECT_EQ(fault("row.flag ? input.nums : 1"),
            "18 rule_type: a list of int does not compare; use in, exists or all");
  EXPECT_EQ(fault("row.flag ? 1 : 'x'"), "16 rule_type: int and text do not go together [x]");
  EXPECT_EQ(fault("row.flag ? null : 1"), "");
  EXPECT_EQ(fault("row.flag ? 1.5 : 2"), "");
  EXPECT_EQ(fault("row.flag ? 1.5 : 2.5"), "");
  EXPECT_EQ(fault("row.flag ? rwo : 1"),
            "12 rule_unknown_name: `rwo` is not a name here; there are: auth, found, input, kept, "
            "maybe, now, request, row [row]");
  EXPECT_EQ(fault("row.flag ? 1 : rwo"),
            "16 rule_unknown_name: `rwo` is not a name here; there are: auth, found, input, kept, "
            "maybe, now, request, row [row]");
  EXPECT_EQ(fault("row.a ? 1 : 2"),
            "5 rule_type: a condition must stand here (true or false), and this is int");
  EXPECT_EQ(fault("rwo ? 1 : 2"),
            "rule_unknown_name: `rwo` is not a name here; there are: auth, found, input, kept, "
            "maybe, now, request, row [row]");
}

TEST_F(Refused, FunctionsThatAreNotThereOrTakeOtherArguments) {
  EXPECT_EQ(
      fault("foo(1)"),
      "rule_unknown_function: there is no function `foo`; there are: string, int, double, float, "
      "decimal, uuid, date, timestamp, duration, time, size, has, round, div, random_code");
  EXPECT_EQ(fault("exists(row.a)"),
            "rule_unknown_function: `exists` is written behind a value: x.exists(…)");
  EXPECT_EQ(fault("size(1, 2)"), "rule_arguments: size takes 1 argument, not 2");
  EXPECT_EQ(fault("round(1)"), "rule_arguments: round takes 2 arguments, not 1");
  EXPECT_EQ(fault("row.t.startsWith()"), "7 rule_arguments: startsWith takes 1 argument, not 0");
  EXPECT_EQ(fault("row.t.size(1)"), "7 rule_arguments: size takes 0 arguments, not 1");
  EXPECT_EQ(fault("row.t.size() == 1"), "");
  EXPECT_EQ(fault("rwo.startsWith('x')"),
            "rule_unknown_name: `rwo` is not a name here; there are: auth, found, input, kept, "
            "maybe, now, request, row [row]");
  EXPECT_EQ(fault("row.meta.x.startsWith('a')"), "");
  EXPECT_EQ(fault("row.a.startsWith('x')"),
            "7 rule_type: startsWith is for texts, and this is int");
  EXPECT_EQ(fault("auth.roles.contains('x')"),
            "12 rule_type: contains is for texts, and this is list of text [element in list]");
  EXPECT_EQ(fault("auth.roles.startsWith('x')"),
            "12 rule_type: startsWith is for texts, and this is list of text");
  EXPECT_EQ(fault("row.t.contains(rwo)"),
            "16 rule_unknown_name: `rwo` is not a name here; there are: auth, found, input, kept, "
            "maybe, now, request, row [row]");
  EXPECT_EQ(fault("row.t.contains(row.meta.x)"), "");
  EXPECT_EQ(fault("row.t.contains(1)"), "16 rule_type: a text must stand here, and this is int");
  EXPECT_EQ(fault("row.t.matches(1)"), "15 rule_pattern: the pattern of matches is a literal text");
  EXPECT_EQ(fault("row.t.matches('[')"),
            "15 rule_pattern: not a regular expression of RE2: missing ]: [");
}

TEST_F(Refused, QuantifiersOfWhatIsNoList) {
  EXPECT_EQ(fault("auth.roles.exists(x)"),
            "12 rule_arguments: exists takes a name and a condition: list.exists(x, x > 0)");
  EXPECT_EQ(fault("auth.roles.exists('x', true)"),
            "12 rule_arguments: exists takes a name and a condition: list.exists(x, x > 0)");
  EXPECT_EQ(fault("rwo.exists(x, true)"),
            "rule_unknown_name: `rwo` is not a name here; there are: auth, found, input, kept, "
            "maybe, now, request, row [row]");
  EXPECT_EQ(fault("row.a.exists(x, true)"),
            "7 rule_type: exists is for lists and relations, and this is int");
  EXPECT_EQ(fault("row.meta.tags.exists(x, x == 'a')"), "");
  EXPECT_EQ(fault("row.team.notes.exists(x, x == 'a')"),
            "16 rule_type: exists is for lists and relations, and this is json");
  EXPECT_EQ(fault("auth.roles.exists(x, auth.roles.exists(x, true))"),
            "40 rule_name_taken: `x` is a name already; take another");
  EXPECT_EQ(fault("auth.roles.exists(x, auth.roles.exists(y, x == y))"), "");
  EXPECT_EQ(fault("auth.roles.exists(row, true)"),
            "19 rule_name_taken: `row` is a name already; take another");
  EXPECT_EQ(fault("auth.roles.exists(x, x)"),
            "22 rule_type: a condition must stand here (true or false), and this is text");
}

TEST_F(Refused, HasAndSizeOfWhatIsNoMemberOrHasNone) {
  EXPECT_EQ(fault("has(row)"), "rule_arguments: has asks for a member: has(row.note)");
  EXPECT_EQ(fault("has(row.zz)"),
            "9 rule_unknown_column: table `items` has no column or relation `zz`");
  EXPECT_EQ(fault("has(row.meta)"), "");
  EXPECT_EQ(fault("has(row.team)"),
            "rule_type: has asks for a column or a member; of a relation say exists(x, true)");
  EXPECT_EQ(fault("size(rwo) == 1"),
            "6 rule_unknown_name: `rwo` is not a name here; there are: auth, found, input, kept, "
            "maybe, now, request, row [row]");
  EXPECT_EQ(fault("size(row.team.members) == 1"),
            "rule_type: related rows are not counted in rules; use exists or all");
  EXPECT_EQ(fault("size(row.data) == 1"), "");
  EXPECT_EQ(fault("size(auth.claims) == 1"), "");
  EXPECT_EQ(fault("size(found) == 1"), "");
  EXPECT_EQ(fault("size(row.meta) == 1"),
            "rule_type: size is for texts, bytes and lists, and this is json [size(string(x))]");
  EXPECT_EQ(fault("size(row.a) == 1"),
            "rule_type: size is for texts, bytes and lists, and this is int");
}

TEST_F(Refused, DigitsThatAreNoLiteralFrom0To18) {
  EXPECT_EQ(fault("round(row.price, row.a)"),
            "22 rule_arguments: the number of digits is a literal from 0 to 18");
  EXPECT_EQ(fault("round(row.price, 1.5)"),
            "18 rule_arguments: the number of digits is a literal from 0 to 18");
  EXPECT_EQ(fault("round(row.price, -1)"),
            "19 rule_arguments: the number of digits is a literal from 0 to 18");
  EXPECT_EQ(fault("round(row.price, 19)"),
            "18 rule_arguments: the number of digits is a literal from 0 to 18");
  EXPECT_EQ(fault("round(rwo, 1)"),
            "7 rule_unknown_name: `rwo` is not a name here; there are: auth, found, input, kept, "
            "maybe, now, request, row [row]");
  EXPECT_EQ(fault("round(3, 1) == 3"), "");
  EXPECT_EQ(fault("round(row.f, 1)"), "rule_type: round is for decimals, and this is float");
  EXPECT_EQ(fault("div(1, 2, row.a)"),
            "15 rule_arguments: the number of digits is a literal from 0 to 18");
  EXPECT_EQ(fault("div(rwo, 1, 1)"),
            "5 rule_unknown_name: `rwo` is not a name here; there are: auth, found, input, kept, "
            "maybe, now, request, row [row]");
  EXPECT_EQ(fault("div(1, rwo, 1)"),
            "8 rule_unknown_name: `rwo` is not a name here; there are: auth, found, input, kept, "
            "maybe, now, request, row [row]");
  EXPECT_EQ(fault("div(row.f, 1, 1)"),
            "9 rule_type: div is for decimals and ints, and this is float");
  EXPECT_EQ(fault("div(1, row.f, 1)"),
            "12 rule_type: div is for decimals and ints, and this is float");
  EXPECT_EQ(fault("random_code(3)"),
            "13 rule_arguments: the length of a code is a literal from 4 to 32 [random_code(8)]");
  EXPECT_EQ(fault("random_code(33)"),
            "13 rule_arguments: the length of a code is a literal from 4 to 32 [random_code(8)]");
  EXPECT_EQ(fault("random_code(row.a)"),
            "17 rule_arguments: the length of a code is a literal from 4 to 32 [random_code(8)]");
  EXPECT_EQ(fault("random_code('x')"),
            "13 rule_arguments: the length of a code is a literal from 4 to 32 [random_code(8)]");
}

TEST_F(Refused, ConversionsOfWhatDoesNotConvert) {
  EXPECT_EQ(fault("float(row.a) == 1.0"), "");
  EXPECT_EQ(fault("int(row.a) == 1"), "");
  EXPECT_EQ(fault("int(rwo)"),
            "5 rule_unknown_name: `rwo` is not a name here; there are: auth, found, input, kept, "
            "maybe, now, request, row [row]");
  EXPECT_EQ(fault("int(row.ok)"), "rule_type: int is not made of bool");
  EXPECT_EQ(fault("int(row.u)"), "rule_type: int is not made of uuid");
  EXPECT_EQ(fault("double(row.ok)"), "rule_type: double is not made of bool");
  EXPECT_EQ(fault("double(row.u)"), "rule_type: double is not made of uuid");
  EXPECT_EQ(fault("double(row.meta.x) > 1.0"), "");
  EXPECT_EQ(fault("string(row.d) == ''"), "");
  EXPECT_EQ(fault("string(row.u) == ''"), "");
  EXPECT_EQ(fault("string(row.ok) == ''"), "");
  EXPECT_EQ(fault("string(time('04:05:06')) == ''"), "");
  EXPECT_EQ(fault("string(row.f)"), "rule_type: string is not made of float");
  EXPECT_EQ(fault("string(row.data)"), "rule_type: string is not made of bytes");
  EXPECT_EQ(fault("decimal(row.a) == 1"), "");
  EXPECT_EQ(fault("decimal(row.f)"),
            "rule_type: decimal is not made of float; write it as decimal('12.50')");
  EXPECT_EQ(fault("decimal(row.t)"),
            "rule_type: decimal is not made of text; write it as decimal('12.50')");
  EXPECT_EQ(fault("uuid(row.t)"),
            "rule_type: uuid is not made of text; write it as "
            "uuid('0198c5a0-0000-7000-8000-000000000000')");
  EXPECT_EQ(fault("date(row.a)"),
            "rule_type: date is not made of int; write it as date('2026-02-03')");
  EXPECT_EQ(fault("date(row.meta.x)"), "rule_type: json holds no date");
  EXPECT_EQ(fault("time(row.t)"),
            "rule_type: time is not made of text; write it as time('04:05:06')");
  EXPECT_EQ(
      fault("timestamp(row.t)"),
      "rule_type: timestamp is not made of text; write it as timestamp('2026-02-03T04:05:06Z')");
  EXPECT_EQ(fault("timestamp(row.d) == now"), "");
  EXPECT_EQ(fault("duration(row.t)"),
            "rule_type: duration is not made of text; write it as duration('1h30m')");
  EXPECT_EQ(fault("decimal('x')"),
            "9 rule_literal: 'x' is not a decimal; write it as decimal('12.50')");
  EXPECT_EQ(fault("uuid('x')"),
            "6 rule_literal: 'x' is not a uuid; write it as "
            "uuid('0198c5a0-0000-7000-8000-000000000000')");
  EXPECT_EQ(fault("uuid('0198c5a0-0000-7000-8000-000000000001') == row.u"), "");
  EXPECT_EQ(fault("date('x')"),
            "6 rule_literal: 'x' is not a date; write it as date('2026-02-03')");
  EXPECT_EQ(fault("time('x')"), "6 rule_literal: 'x' is not a time; write it as time('04:05:06')");
  EXPECT_EQ(
      fault("timestamp('x')"),
      "11 rule_literal: 'x' is not a timestamp; write it as timestamp('2026-02-03T04:05:06Z')");
  EXPECT_EQ(fault("duration('x')"),
            "10 rule_literal: 'x' is not a duration; write it as duration('1h30m')");
}

TEST_F(Refused, ComparisonsOfDifferentThings) {
  EXPECT_EQ(fault("input == 1"), "rule_type: a object does not compare; use in, exists or all");
  EXPECT_EQ(fault("auth.claims == 1"),
            "6 rule_type: a map does not compare; use in, exists or all");
  EXPECT_EQ(fault("1 == input.nums"),
            "12 rule_type: a list of int does not compare; use in, exists or all");
  EXPECT_EQ(fault("'x' == row.a"), "rule_type: int and text do not go together [x]");
  EXPECT_EQ(fault("row.f == '1'"), "10 rule_type: float and text do not go together [1]");
  EXPECT_EQ(fault("row.price == '1.5'"),
            "14 rule_type: decimal(2) and text do not go together [decimal('1.5')]");
  EXPECT_EQ(fault("row.ts == 'x'"),
            "11 rule_type: timestamp and text do not go together [timestamp('x')]");
  EXPECT_EQ(fault("time('04:05:06') == '04:05:06'"),
            "21 rule_type: time and text do not go together [time('04:05:06')]");
  EXPECT_EQ(fault("row.ts - now == 'x'"),
            "17 rule_type: duration and text do not go together [duration('x')]");
  EXPECT_EQ(fault("row.ok == 'x'"), "11 rule_type: bool and text do not go together");
  EXPECT_EQ(fault("row.d == row.a"), "7 rule_type: date and int do not go together");
  EXPECT_EQ(
      fault("row.d == row.ts"),
      "7 rule_type: date and timestamp do not go together; take the timestamp's day by date(…)");
  EXPECT_EQ(
      fault("row.ts == row.d"),
      "8 rule_type: timestamp and date do not go together; take the timestamp's day by date(…)");
  EXPECT_EQ(fault("row.ts == row.a"), "8 rule_type: timestamp and int do not go together");
  EXPECT_EQ(fault("row.a == row.ts"), "7 rule_type: int and timestamp do not go together");
  EXPECT_EQ(fault("row.meta.x == row.meta"),
            "12 rule_type: of two json values the type is not known; say it of one: string(x), "
            "int(x), double(x)");
  EXPECT_EQ(fault("row.meta == row.meta"),
            "10 rule_type: of two json values the type is not known; say it of one: string(x), "
            "int(x), double(x)");
  EXPECT_EQ(fault("row.meta.x == row.ts"), "12 rule_type: json holds no timestamp");
  EXPECT_EQ(fault("row.ts == row.meta.x"), "8 rule_type: json holds no timestamp");
  EXPECT_EQ(fault("row.price == row.w"), "11 rule_type: decimal(2) and text do not go together");
  EXPECT_EQ(fault("row.price == row.f"),
            "18 rule_decimal_float: decimal does not mix with float, which is not exact");
  EXPECT_EQ(fault("row.w == row.price"), "7 rule_type: text and decimal(2) do not go together");
  EXPECT_EQ(fault("row.a == row.price"), "");
  EXPECT_EQ(fault("null == row.a"), "");
  EXPECT_EQ(fault("null < row.a"), "6 rule_type: null is neither less nor greater than anything");
  EXPECT_EQ(fault("null == null"), "");
  EXPECT_EQ(fault("row.u == row.ok"), "7 rule_type: uuid and bool do not go together");
  EXPECT_EQ(fault("row.a == row.t"), "7 rule_type: int and text do not go together");
  EXPECT_EQ(fault("row.u < row.u"), "7 rule_type: a uuid has no order");
  EXPECT_EQ(fault("row.meta.x < 1"), "");
  EXPECT_EQ(fault("row.meta == null"), "");
  EXPECT_EQ(fault("maybe == null"), "");
  EXPECT_EQ(fault("null != maybe"), "");
  EXPECT_EQ(fault("maybe == 1"), "rule_type: rows do not compare; name a column, as `.id`");
  EXPECT_EQ(fault("row == null"), "rule_type: rows do not compare; name a column, as `.id`");
  EXPECT_EQ(fault("null == row"), "9 rule_type: rows do not compare; name a column, as `.id`");
  EXPECT_EQ(fault("rwo == 1"),
            "rule_unknown_name: `rwo` is not a name here; there are: auth, found, input, kept, "
            "maybe, now, request, row [row]");
  EXPECT_EQ(fault("1 == rwo"),
            "6 rule_unknown_name: `rwo` is not a name here; there are: auth, found, input, kept, "
            "maybe, now, request, row [row]");
  EXPECT_EQ(fault("null == now"), "");
}

TEST_F(Refused, LookingUpWhereNothingIsLookedUp) {
  EXPECT_EQ(fault("row in [1]"), "rule_type: a row is not looked up in a list");
  EXPECT_EQ(fault("1 in row.team.members"),
            "3 rule_type: these are rows; say which column, by exists(x, …)");
  EXPECT_EQ(fault("1 in found"), "3 rule_type: these are rows; say which column, by exists(x, …)");
  EXPECT_EQ(fault("1 in 5"), "6 rule_type: a list must stand here, and this is int");
  EXPECT_EQ(fault("'x' in null"), "8 rule_type: a list must stand here, and this is null");
  EXPECT_EQ(fault("'x' in row.t"),
            "5 rule_type: a text has no elements; use contains [text.contains(part)]");
  EXPECT_EQ(fault("'x' in auth.claims"), "");
  EXPECT_EQ(fault("'x' in row.meta"), "");
  EXPECT_EQ(fault("row.meta.x in row.meta"),
            "10 rule_type: say the type: string(x), int(x) or double(x)");
  EXPECT_EQ(fault("row.meta.x in auth.claims"),
            "10 rule_type: say the type: string(x), int(x) or double(x)");
  EXPECT_EQ(fault("row.meta.x in input.words"), "");
  EXPECT_EQ(fault("1 in row.a"), "10 rule_type: a list must stand here, and this is int");
  EXPECT_EQ(fault("1 in input.words"), "3 rule_type: int and text do not go together");
  EXPECT_EQ(fault("row.a in input.nums"), "");
}

TEST_F(Refused, ArithmeticOnWhatDoesNotAddUp) {
  EXPECT_EQ(
      fault("row.price % 2"),
      "11 rule_type: a decimal is divided to a number of digits: div(x, y, digits) [div(x, y, 2)]");
  EXPECT_EQ(fault("row.cost * row.cost * row.cost * row.cost * row.cost"),
            "43 rule_type: the product would have 20 digits after the point, and 18 is the most; "
            "round(x, n) an operand");
  EXPECT_EQ(fault("row.price + row.f"),
            "17 rule_decimal_float: decimal does not mix with float, which is not exact");
  EXPECT_EQ(fault("row.price - row.t"), "11 rule_type: decimal(2) and text do not go together");
  EXPECT_EQ(fault("row.price * row.t"), "11 rule_type: decimal(2) and text do not go together");
  EXPECT_EQ(fault("row.price * row.f"),
            "17 rule_decimal_float: decimal does not mix with float, which is not exact");
  EXPECT_EQ(fault("1 + row.price == 3"), "");
  EXPECT_EQ(fault("2 * row.price == 3"), "");
  EXPECT_EQ(fault("row.f % 2.0"), "7 rule_type: `%` does not work on float and float");
  EXPECT_EQ(fault("row.t + 1"), "7 rule_type: `+` does not work on text and int");
  EXPECT_EQ(fault("row.t - row.t"), "7 rule_type: `-` does not work on text and text");
  EXPECT_EQ(fault("row.ts + now"), "8 rule_type: `+` does not work on timestamp and timestamp");
  EXPECT_EQ(fault("row.ts * duration('1h')"),
            "8 rule_type: `*` does not work on timestamp and duration");
  EXPECT_EQ(fault("duration('1h') + row.ts == now"), "");
  EXPECT_EQ(fault("duration('1h') - row.ts"),
            "16 rule_type: `-` does not work on duration and timestamp");
  EXPECT_EQ(fault("duration('1h') * duration('1h')"),
            "16 rule_type: `*` does not work on duration and duration");
  EXPECT_EQ(fault("duration('1h') + duration('2h') == duration('3h')"), "");
  EXPECT_EQ(fault("duration('2h') - duration('1h') == duration('1h')"), "");
  EXPECT_EQ(fault("duration('1h') + 1"), "16 rule_type: `+` does not work on duration and int");
  EXPECT_EQ(fault("row.ts - 1"), "8 rule_type: `-` does not work on timestamp and int");
  EXPECT_EQ(fault("row.ts - row.d"), "8 rule_type: `-` does not work on timestamp and date");
  EXPECT_EQ(fault("row.ts - duration('1h') == now"), "");
  EXPECT_EQ(fault("1 - row.ts"), "3 rule_type: `-` does not work on int and timestamp");
  EXPECT_EQ(fault("row.a + row.t"), "7 rule_type: `+` does not work on int and text");
  EXPECT_EQ(fault("row.a + 1.5"),
            "7 rule_type: `+` does not work on int and float; say double(x) of the int");
  EXPECT_EQ(fault("1.5 + row.a"),
            "5 rule_type: `+` does not work on float and int; say double(x) of the int");
  EXPECT_EQ(fault("row.meta.x + 1"),
            "10 rule_type: the type is not known here; say it: int(x), double(x) or string(x)");
  EXPECT_EQ(fault("1 + row.meta.x"),
            "14 rule_type: the type is not known here; say it: int(x), double(x) or string(x)");
  EXPECT_EQ(fault("-rwo"),
            "2 rule_unknown_name: `rwo` is not a name here; there are: auth, found, input, kept, "
            "maybe, now, request, row [row]");
  EXPECT_EQ(fault("-row.t"), "rule_type: `-` does not work on text");
  EXPECT_EQ(fault("-row.price == 1"), "");
  EXPECT_EQ(fault("-duration('1h') == duration('1h')"), "");
  EXPECT_EQ(fault("-row.f == 1.0"), "");
  EXPECT_EQ(fault("!rwo"),
            "2 rule_unknown_name: `rwo` is not a name here; there are: auth, found, input, kept, "
            "maybe, now, request, row [row]");
  EXPECT_EQ(fault("!row.a"),
            "6 rule_type: a condition must stand here (true or false), and this is int");
  EXPECT_EQ(fault("row.flag && rwo"),
            "13 rule_unknown_name: `rwo` is not a name here; there are: auth, found, input, kept, "
            "maybe, now, request, row [row]");
  EXPECT_EQ(fault("row.team.members"),
            "10 rule_type: these are many rows; say exists(x, …) or all(x, …) of them");
  EXPECT_EQ(fault("row.flag &&"), "12 rule_syntax: the rule ends where a value must stand");
}

TEST_F(Refused, ResultsThatAreNotWhatIsWanted) {
  EXPECT_EQ(fault("'2026-02-03'", type(Tag::kDate)), "");
  EXPECT_EQ(fault("'2026-02-30'", type(Tag::kDate)),
            "rule_type: a date is wanted here, and this is text");
  EXPECT_EQ(fault("'04:05:06'", type(Tag::kTime)), "");
  EXPECT_EQ(fault("'25:00:00'", type(Tag::kTime)),
            "rule_type: a time is wanted here, and this is text");
  EXPECT_EQ(fault("'2026-02-03T04:05:06Z'", type(Tag::kTimestamp)), "");
  EXPECT_EQ(fault("'2026-02-03'", type(Tag::kTimestamp)),
            "rule_type: a timestamp is wanted here, and this is text");
  EXPECT_EQ(fault("'abc'", type(Tag::kInt)), "rule_type: a int is wanted here, and this is text");
  EXPECT_EQ(fault("'x'", type(Tag::kJson)), "");
  EXPECT_EQ(fault("row.meta.x", type(Tag::kBool)), "");
  EXPECT_EQ(fault("row.meta.x", type(Tag::kText)), "");
  EXPECT_EQ(fault("row.meta.x", type(Tag::kUuid)), "");
  EXPECT_EQ(fault("row.meta.x", type(Tag::kInt)), "");
  EXPECT_EQ(fault("row.meta.x", type(Tag::kFloat)), "");
  EXPECT_EQ(fault("row.meta.x", type(Tag::kDate)), "10 rule_type: json holds no date");
  EXPECT_EQ(fault("null", type(Tag::kInt)), "rule_type: null must not stand here: a int is wanted");
  EXPECT_EQ(fault("null", nullable(Tag::kInt)), "");
  EXPECT_EQ(fault("'paid'", one_of({"paid", "sent"})), "");
  EXPECT_EQ(fault("'payed'", one_of({"paid", "sent"})),
            "rule_not_in_enum: 'payed' is not one of: paid, sent");
  EXPECT_EQ(fault("'0198c5a0-0000-7000-8000-000000000001'", type(Tag::kUuid)), "");
  EXPECT_EQ(fault("'x'", type(Tag::kUuid)), "rule_type: 'x' is not a uuid, and never equals one");
  EXPECT_EQ(fault("1", type(Tag::kDecimal, 2)), "");
  EXPECT_EQ(fault("99999999999999999", type(Tag::kDecimal, 2)),
            "rule_type: the number does not fit decimal(2)");
  EXPECT_EQ(fault("row.a", type(Tag::kDecimal, 2)), "");
  EXPECT_EQ(fault("row.price", type(Tag::kDecimal, 2)), "");
  EXPECT_EQ(fault("row.price", type(Tag::kDecimal, 3)), "");
  EXPECT_EQ(fault("row.cost", type(Tag::kDecimal, 3)),
            "5 rule_type: this has 4 digits after the point and 3 are wanted [round(x, 3)]");
  EXPECT_EQ(fault("decimal('1.25')", type(Tag::kDecimal, 1)),
            "rule_type: the number does not fit decimal(1)");
  EXPECT_EQ(fault("row.f", type(Tag::kDecimal, 2)),
            "5 rule_decimal_float: decimal does not mix with float, which is not exact");
  EXPECT_EQ(fault("row.t", type(Tag::kDecimal, 2)),
            "5 rule_type: a decimal(2) is wanted here, and this is text");
  EXPECT_EQ(fault("1", type(Tag::kFloat)), "");
  EXPECT_EQ(fault("row.t", type(Tag::kFloat)),
            "5 rule_type: a float is wanted here, and this is text");
  EXPECT_EQ(fault("row", type(Tag::kObject)), "");
  EXPECT_EQ(fault("auth.claims", type(Tag::kObject)), "");
  EXPECT_EQ(fault("row.a", type(Tag::kObject)),
            "5 rule_type: a object is wanted here, and this is int");
  EXPECT_EQ(fault("row.a", type(Tag::kText)),
            "5 rule_type: a text is wanted here, and this is int");
  EXPECT_EQ(fault("random_code(8)", type(Tag::kText)), "");
  EXPECT_EQ(
      fault("random_code(8) + row.team.name", type(Tag::kText)),
      "rule_type: random_code makes values: it stands in no condition and beside no related row");
  EXPECT_EQ(
      fault("random_code(8) == 'x'", type(Tag::kBool)),
      "rule_type: random_code makes values: it stands in no condition and beside no related row");
}

}  // namespace
}  // namespace mettle::rules

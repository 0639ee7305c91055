// The promise that a rule means the same in memory and as SQL: random rules over random rows,
// evaluated both ways. Relations are compared too: in memory the test nests the related rows inside
// the row and rewrites walks as members.
#include <algorithm>
#include <random>

#include "base/datetime.h"
#include "db/sqlite/store_fixture.h"
#include "rules/ast.h"
#include "rules/rules_fixture.h"

namespace mettle::rules {
namespace {

NodeRef walks_as_members(const NodeRef& node) {
  Node copy = *node;
  if (copy.op == Op::kReference || copy.op == Op::kRelated) copy.op = Op::kMember;
  for (NodeRef& arg : copy.args) arg = walks_as_members(arg);
  return share(std::move(copy));
}

// What the value is in the store, where Unknown is NULL.
Value stored(const Value& v) {
  switch (v.kind()) {
    case Kind::kUnknown:
      return Null{};
    case Kind::kBool:
      return Value(int64_t{v.boolean()});
    case Kind::kDecimal:
      return Value(v.decimal().units);
    case Kind::kTimestamp:
      return Value(v.timestamp().us);
    case Kind::kDuration:
      return Value(v.duration().us);
    case Kind::kDate:
      return Value(format_date(v.date()));
    case Kind::kUuid: {
      const auto& b = v.uuid().bytes;
      return Bytes{std::string(b.begin(), b.end())};
    }
    default:
      return v;
  }
}

bool same(const Value& a, const Value& b) {
  if (a.kind() == Kind::kFloat && b.kind() == Kind::kFloat) return a.real() == b.real();
  return a.storage() == b.storage();
}

std::string show(const Value& v) {
  switch (v.kind()) {
    case Kind::kBool:
      return v.boolean() ? "true" : "false";
    case Kind::kInt:
      return std::to_string(v.integer());
    case Kind::kFloat:
      return fmt::format("{}", v.real());
    case Kind::kText:
      return "'" + v.text() + "'";
    case Kind::kDecimal:
      return fmt::format("{}e-{}", v.decimal().units, v.decimal().scale);
    default:
      return std::string(kind_name(v.kind()));
  }
}

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  int below(int n) { return static_cast<int>(engine_() % static_cast<uint32_t>(n)); }
  bool one_in(int n) { return below(n) == 0; }
  template <class T>
  const T& of(const std::vector<T>& all) {
    return all[static_cast<size_t>(below(static_cast<int>(all.size())))];
  }

 private:
  std::mt19937 engine_;
};

// Rules that type-check, by type.
class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  std::string boolean(int depth) {
    if (depth <= 0) return leaf_boolean();
    switch (random_.below(16)) {
      case 0:
      case 1:
        return "(" + boolean(depth - 1) + " && " + boolean(depth - 1) + ")";
      case 2:
      case 3:
        return "(" + boolean(depth - 1) + " || " + boolean(depth - 1) + ")";
      case 4:
        return "!" + boolean(depth - 1);
      case 5:
        return "(" + boolean(depth - 1) + " ? " + boolean(depth - 1) + " : " + boolean(depth - 1) +
               ")";
      case 6:
        return "(" + boolean(depth - 1) + equality() + boolean(depth - 1) + ")";
      case 7:
        return quantified(depth);
      case 8:
        return membership(depth);
      default:
        return comparison(depth);
    }
  }

  std::string any(int depth) {
    switch (random_.below(7)) {
      case 0:
        return integer(depth);
      case 1:
        return decimal(depth);
      case 2:
        return real(depth);
      case 3:
        return text(depth);
      case 4:
        return timestamp(depth);
      case 5:
        return "date(" + timestamp(depth) + ")";
      default:
        return boolean(depth);
    }
  }

 private:
  std::string pick(const std::vector<std::string>& all) { return random_.of(all); }
  std::string equality() { return random_.one_in(2) ? " == " : " != "; }
  std::string compare() { return pick({" == ", " != ", " < ", " <= ", " > ", " >= "}); }
  // A row: of the statement, of memory, or at the end of a walk; or the variable of a relation.
  std::string item() { return random_.one_in(6) ? "kept" : "row"; }

  std::string leaf_boolean() {
    return pick({item() + ".flag", item() + ".ok", "true", "false", "auth.signed_in",
                 "has(" + item() + ".t)", "row.meta.yes", "'admin' in auth.roles",
                 "has(row.meta.n)", "row.meta.x == null", "row.t.matches('^a.*b')"});
  }
  std::string integer(int depth) {
    if (depth <= 0 || random_.one_in(3)) {
      return pick({item() + ".a", item() + ".b", "0", "1", "-1", "9223372036854775807", "input.n",
                   "input.x", "row.team.size", "row.user.age", "auth.aal", "7", "1000"});
    }
    switch (random_.below(5)) {
      case 0:
        return "size(" + text(depth - 1) + ")";
      case 1:
        return "int(" + pick({real(depth - 1), decimal(depth - 1), "row.meta.n", "row.w"}) + ")";
      case 2:
        return "(" + boolean(depth - 1) + " ? " + integer(depth - 1) + " : " + integer(depth - 1) +
               ")";
      case 3:
        return "-(" + integer(depth - 1) + ")";
      default:
        return "(" + integer(depth - 1) + pick({" + ", " - ", " * ", " / ", " % "}) +
               integer(depth - 1) + ")";
    }
  }
  std::string decimal(int depth) {
    if (depth <= 0 || random_.one_in(3)) {
      return pick({item() + ".price", item() + ".cost", "decimal('12.5')", "decimal('-0.001')",
                   "input.m", "decimal('999999999999999999')"});
    }
    switch (random_.below(5)) {
      case 0:
        return "round(" + decimal(depth - 1) + ", " + std::to_string(random_.below(5)) + ")";
      case 1:
        return "div(" + decimal(depth - 1) + ", " + pick({decimal(depth - 1), integer(depth - 1)}) +
               ", " + std::to_string(random_.below(7)) + ")";
      case 2:
        return "round(" + decimal(0) + " * " + decimal(0) + ", 2)";
      default:
        return "(" + decimal(depth - 1) + pick({" + ", " - "}) +
               pick({decimal(depth - 1), integer(depth - 1)}) + ")";
    }
  }
  std::string real(int depth) {
    if (depth <= 0 || random_.one_in(2))
      return pick({item() + ".f", "0.5", "0.0", "1e308", "-2.5"});
    if (random_.one_in(3)) {
      return "double(" + pick({integer(depth - 1), decimal(depth - 1), "row.meta.n"}) + ")";
    }
    return "(" + real(depth - 1) + pick({" + ", " - ", " * ", " / "}) + real(depth - 1) + ")";
  }
  std::string text(int depth) {
    if (depth <= 0 || random_.one_in(2)) {
      return pick({item() + ".t", item() + ".w", "'ab'", "''", "'a%'", "'ä'", "row.team.name",
                   "row.user.name", "input.word", "string(row.meta.color)", "row.s"});
    }
    if (random_.one_in(2)) return "(" + text(depth - 1) + " + " + text(depth - 1) + ")";
    return "string(" +
           pick({integer(depth - 1), decimal(depth - 1), timestamp(depth - 1), "row.u", "row.flag",
                 "row.d"}) +
           ")";
  }
  std::string duration() {
    return pick({"duration('1h')", "duration('-90s')", "(row.ts - now)", "(now - kept.ts)"});
  }
  std::string timestamp(int depth) {
    if (depth <= 0 || random_.one_in(2)) {
      return pick({item() + ".ts", "now", "timestamp('2026-02-03T04:05:06Z')", "timestamp(row.d)"});
    }
    return "(" + timestamp(depth - 1) + pick({" + ", " - "}) + duration() + ")";
  }
  std::string uuid() {
    return pick({"row.id", "row.u", "row.user_id", "row.team_id", "auth.id", "kept.user_id",
                 "row.team.id", "auth.claims.tenant", "row.meta.owner", "uuid(row.meta.owner)"});
  }

  std::string comparison(int depth) {
    const int d = depth - 1;
    switch (random_.below(10)) {
      case 0:
        return "(" + integer(d) + compare() + integer(d) + ")";
      case 1:
        return "(" + decimal(d) + compare() + pick({decimal(d), integer(d)}) + ")";
      case 2:
        return "(" + real(d) + compare() + pick({real(d), integer(d)}) + ")";
      case 3:
        return "(" + text(d) + compare() + text(d) + ")";
      case 4:
        return "(" + timestamp(d) + compare() + timestamp(d) + ")";
      case 5:
        return "(" + uuid() + equality() + uuid() + ")";
      case 6:
        return "(" +
               pick({"row.a", "row.t", "row.cost", "row.u", "row.user.name", "row.flag", "kept.a",
                     "row.meta", "row.meta.none", "input.x", "row.team.size"}) +
               equality() + "null)";
      case 7:
        return "(" + pick({"row.meta.n", "row.meta.color", "row.meta.list[0]", "row.meta.o.p"}) +
               pick({" == " + integer(d), " != " + real(d), " == " + text(d), " < " + integer(d)}) +
               ")";
      case 8:
        return text(d) + pick({".startsWith(", ".endsWith(", ".contains("}) + text(d) + ")";
      default:
        return "(" + pick({"row.d", "date(now)", "date('2026-02-03')", "date(row.ts)"}) +
               compare() + pick({"row.d", "kept.d", "date('1969-12-31')"}) + ")";
    }
  }
  std::string membership(int depth) {
    const int d = depth - 1;
    switch (random_.below(7)) {
      case 0:
        return "(" + uuid() + " in input.ids)";
      case 1:
        return "(row.s in ['paid', 'sent'])";
      case 2:
        return "(" + integer(d) + " in [" + integer(0) + ", " + integer(0) + ", null])";
      case 3:
        return "(" + text(d) + " in input.words)";
      case 4:
        return "(" + integer(d) + " in input.nums)";
      case 5:
        return "(" + pick({"row.t", "row.w", "row.user.name"}) + " in auth.claims.groups)";
      default:
        return "(" + decimal(d) + " in [decimal('12.50'), 3, " + decimal(0) + "])";
    }
  }
  std::string quantified(int depth) {
    if (in_relation_ > 1) return leaf_boolean();
    ++in_relation_;
    const std::string v = "m" + std::to_string(in_relation_);
    const std::string about =
        pick({v + ".user_id == auth.id", v + ".level > " + integer(0), v + ".user.name == row.t",
              v + ".level == row.a && " + boolean(depth - 2), v + ".level == null",
              v + ".user.age > 1", "true", "false", v + ".team.size == " + v + ".level",
              boolean(depth - 2) + " || " + v + ".level / row.b == 1"});
    const std::string out = pick({"row", "kept"}) + ".team.members" + pick({".exists(", ".all("}) +
                            v + ", " + about + ")";
    --in_relation_;
    return out;
  }

  Random random_;
  int in_relation_ = 0;
};

class SqlDifferential : public db::StoreTest {
 protected:
  void SetUp() override {
    open();
    must(migrate({
        "CREATE TABLE users (id BLOB PRIMARY KEY, name TEXT, age INTEGER) STRICT",
        "CREATE TABLE teams (id BLOB PRIMARY KEY, name TEXT NOT NULL, size INTEGER) STRICT",
        "CREATE TABLE members (id BLOB PRIMARY KEY, team_id BLOB, user_id BLOB, level INTEGER) "
        "STRICT",
        "CREATE TABLE items (n INTEGER PRIMARY KEY, id BLOB, a INTEGER, b INTEGER, price INTEGER, "
        "cost INTEGER, f REAL, t TEXT, w TEXT, s TEXT, flag INTEGER, ok INTEGER, ts INTEGER, "
        "d TEXT, u BLOB, data BLOB, meta TEXT, team_id BLOB, user_id BLOB) STRICT",
    }));
    fill();
    make_bindings();
  }

  Value maybe_null(Value v, int n = 4) { return random_.one_in(n) ? Value(Null{}) : v; }

  void insert(const std::string& table, const Map& row) {
    std::string names, marks;
    std::vector<Value> values;
    for (const auto& [name, value] : row) {
      if (value.kind() == Kind::kMap || value.kind() == Kind::kList) continue;
      values.push_back(value);
      names += (names.empty() ? "" : ", ") + name;
      marks += (marks.empty() ? "?" : ", ?") + std::to_string(values.size());
    }
    must(write("INSERT INTO " + table + " (" + names + ") VALUES (" + marks + ")", values));
  }

  void fill() {
    for (int i = 0; i < 4; ++i) {
      Map user{{"id", test_id(i)},
               {"name", maybe_null(Value(random_.of(texts_)))},
               {"age", maybe_null(random_.of(ints_))}};
      insert("users", user);
      users_.push_back(std::move(user));
    }
    for (int i = 0; i < 4; ++i) {
      Map team{{"id", test_id(10 + i)},
               {"name", Value(random_.of(texts_))},
               {"size", maybe_null(random_.of(ints_))}};
      insert("teams", team);
      teams_.push_back(std::move(team));
    }
    for (int i = 0; i < 9; ++i) {
      Map member{{"id", test_id(20 + i)}};
      const int team = random_.below(3);  // the last team has no members
      link(member, "team", teams_, team);
      link(member, "user", users_, random_.below(5));
      member.emplace_back("level", maybe_null(Value(int64_t{random_.below(3)})));
      insert("members", member);
      members_[team].emplace_back(std::move(member));
    }
    for (int t = 0; t < 4; ++t) {
      teams_[static_cast<size_t>(t)].emplace_back("members", Value(members_[t]));
    }
    for (int i = 0; i < 24; ++i) items_.push_back(item(i));
  }

  // The reference and, nested, the row it leads to; index `at` beyond the rows is null.
  void link(Map& row, const std::string& name, const std::vector<Map>& rows, int at) {
    const bool there = at < static_cast<int>(rows.size());
    row.emplace_back(name + "_id", there ? rows[static_cast<size_t>(at)][0].second : Value(Null{}));
    if (there) row.emplace_back(name, Value(rows[static_cast<size_t>(at)]));
  }

  Map item(int n) {
    Map row{{"n", Value(int64_t{n})}, {"id", test_id(n % 5)}};
    row.emplace_back("a", maybe_null(random_.of(ints_)));
    row.emplace_back("b", random_.of(ints_));
    row.emplace_back("price", Decimal{random_.of(units_), 2});
    row.emplace_back("cost", maybe_null(Decimal{random_.of(units_), 4}));
    row.emplace_back("f", maybe_null(random_.of(reals_)));
    row.emplace_back("t", maybe_null(Value(random_.of(texts_))));
    row.emplace_back("w", Value(random_.of(texts_)));
    row.emplace_back("s", maybe_null(Value(random_.of(states_))));
    row.emplace_back("flag", maybe_null(Value(random_.one_in(2))));
    row.emplace_back("ok", Value(random_.one_in(2)));
    row.emplace_back("ts", maybe_null(Timestamp{random_.of(times_)}));
    row.emplace_back("d", maybe_null(date_of(Timestamp{random_.of(times_)})));
    row.emplace_back("u", maybe_null(test_id(random_.below(5))));
    row.emplace_back("meta", maybe_null(Json{random_.of(jsons_)}, 8));
    link(row, "team", teams_, random_.below(5));
    link(row, "user", users_, random_.below(5));
    insert("items", row);
    return row;
  }

  void make_bindings() {
    for (int who = 0; who < 3; ++who) {
      Bindings b;
      Map auth{{"signed_in", Value(who > 0)}, {"aal", Value(int64_t{who})}};
      if (who > 0) auth.emplace_back("id", test_id(who));
      auth.emplace_back("roles", Value(who == 2 ? List{Value("admin")} : List{}));
      Map claims;
      if (who == 1) claims.emplace_back("groups", Value(List{Value("ab"), Value(Null{})}));
      if (who == 2) claims.emplace_back("groups", Value(List{}));
      if (who == 2) claims.emplace_back("tenant", Value(format_uuid(test_id(2))));
      auth.emplace_back("claims", Value(std::move(claims)));
      b.bind("auth", Value(std::move(auth)));
      b.bind("now", Timestamp{1'770'000'000'000'000});
      Map input{{"n", Value(random_.of(ints_))},
                {"x", maybe_null(random_.of(ints_))},
                {"word", maybe_null(Value(random_.of(texts_)))},
                {"m", Decimal{random_.of(units_), 3}}};
      input.emplace_back("ids", Value(List{test_id(1), test_id(3)}));
      input.emplace_back("words", Value(who == 0 ? List{} : List{Value("ab"), Value("a\"\\\n")}));
      input.emplace_back("nums", Value(List{Value(int64_t{0}), Value(INT64_MAX)}));
      b.bind("input", Value(std::move(input)));
      // The last has no kept row at all.
      b.bind("kept", who == 2 ? Value(Null{}) : Value(items_[static_cast<size_t>(who)]));
      bindings_.push_back(std::move(b));
    }
  }

  // One statement gives every row's value; 0 where the condition holds, too.
  void compare(const std::string& text, const ExprRef& expr, const Bindings& given) {
    const std::vector<SqlRow> rows = {{"row", TestApp::kItems, "t0"}};
    const db::Dialect& dialect = db::sqlite_dialect();
    const auto value = to_sql(*expr, rows, dialect, SqlContext::kValue);
    ASSERT_TRUE(value.has_value()) << text << ": " << value.error().detail;
    std::vector<Value> parameters;
    for (const ExprRef& p : value->parameters) parameters.push_back(evaluate(*p, given));
    std::string sql = "SELECT " + rules::number(*value, dialect, 1);
    const bool condition = expr->type().tag == Type::Tag::kBool;
    if (condition) {
      const auto where = to_sql(*expr, rows, dialect, SqlContext::kCondition);
      ASSERT_TRUE(where.has_value()) << text;
      sql += ", " + rules::number(*where, dialect, static_cast<int>(parameters.size()) + 1) +
             " IS TRUE";
      for (const ExprRef& p : where->parameters) parameters.push_back(evaluate(*p, given));
    }
    db::Rows got;
    const auto done = read(db::sql(sql + " FROM items AS t0 ORDER BY n"), parameters, got);
    ASSERT_TRUE(done.has_value()) << text << "\n" << sql << "\n" << done.error().inside;
    ASSERT_EQ(got.rows.size(), items_.size());
    const Expr in_memory(walks_as_members(expr->root_ref()));
    for (size_t i = 0; i < items_.size(); ++i) {
      Bindings bindings = given;
      bindings.bind("row", Value(items_[i]));
      const Value wanted = evaluate(in_memory, bindings);
      ++pairs_;
      if (wanted.is_true()) ++trues_;
      if (wanted.is_unknown()) ++unknowns_;
      if (!same(stored(wanted), got.rows[i][0])) {
        ++differences_;
        ADD_FAILURE() << text << "\nrow " << i << " in memory " << show(wanted) << ", in SQL "
                      << show(got.rows[i][0]) << "\n"
                      << sql;
      } else if (condition && wanted.is_true() != (got.rows[i][1].integer() != 0)) {
        ++differences_;
        ADD_FAILURE() << text << "\nrow " << i << " in memory " << show(wanted)
                      << ", as a condition " << show(got.rows[i][1]) << "\n"
                      << sql;
      }
    }
  }

  // The same after what the caller decides is decided.
  ExprRef resolved(const ExprRef& expr, const Bindings& given) {
    std::vector<Value> outcomes;
    for (const ExprRef& each : switches(*expr)) outcomes.push_back(evaluate(*each, given));
    return resolve(*expr, outcomes);
  }

  TestApp app_;
  Random random_{7};
  const std::vector<Value> ints_ = {int64_t{0},  int64_t{1},  int64_t{-1}, int64_t{2},
                                    int64_t{7},  INT64_MAX,   INT64_MIN,   int64_t{1000},
                                    int64_t{12}, int64_t{-40}};
  const std::vector<int64_t> units_ = {0,   1250,    -1250, 1,  -1, 333, 999'999'999'999'999'999,
                                       700, 1000000, 250,   50, -50};
  const std::vector<Value> reals_ = {0.0, 0.5, -2.5, 1e308, -1e308, 7.0, 9.3e18, 1e-300};
  const std::vector<std::string> texts_ = {"",     "ab", "a%b",        "Ab",     "ä",
                                           "a\nb", "12", "\U0001F600", "a\"\\\n"};
  const std::vector<std::string> states_ = {"draft", "paid", "sent"};
  const std::vector<int64_t> times_ = {
      0, -1, 1'770'000'000'000'000, kTimestampMax.us, kTimestampMin.us, 1'770'091'506'000'000};
  const std::vector<std::string> jsons_ = {
      "null",
      "{}",
      R"({"n":7,"color":"ab","yes":true,"none":null,"x":null,"o":{"p":1.5}})",
      R"({"n":1.5,"color":7,"yes":"true","list":[1,"a"],"o":[]})",
      R"({"n":9223372036854775808,"color":null,"yes":false,"list":["ab"]})",
      R"({"n":-0.0,"owner":"00000000-0000-7000-0000-000000000001","color":"\u00e4"})",
      "[1,2]"};
  std::vector<Map> users_, teams_, items_;
  List members_[4];
  std::vector<Bindings> bindings_;
  int pairs_ = 0, differences_ = 0, trues_ = 0, unknowns_ = 0;
};

TEST_F(SqlDifferential, RandomRulesMeanTheSameInMemoryAndInSql) {
  Generator generator(20260203);
  int compiled = 0, tried = 0;
  while (pairs_ < 40'000 && differences_ < 5 && tried < 4000) {
    ++tried;
    const std::string text = tried % 4 == 0 ? generator.any(3) : generator.boolean(3);
    model::Faults faults;
    const ExprRef expr = app_.compile(text, faults);
    if (!expr) {
      // A product of too many digits, or a sum of literals that is an error, is refused rightly.
      continue;
    }
    ++compiled;
    const Bindings& given = bindings_[static_cast<size_t>(tried) % bindings_.size()];
    compare(text, expr, given);
    if (tried % 3 == 0) compare(text + " (resolved)", resolved(expr, given), given);
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(differences_, 0);
  EXPECT_GE(pairs_, 20'000);
  EXPECT_GT(compiled * 10, tried * 8) << "the generator makes too few rules that compile";
  EXPECT_GT(trues_ * 10, pairs_);  // and the comparison means something
  EXPECT_GT(unknowns_ * 20, pairs_);
}

}  // namespace
}  // namespace mettle::rules

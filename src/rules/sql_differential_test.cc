// The promise that a rule means the same in memory and as SQL: random rules over random rows,
// evaluated both ways. Relations are compared too: in memory the test nests the related rows inside
// the row and rewrites walks as members.
#include <algorithm>
#include <map>
#include <random>

#include "base/datetime.h"
#include "base/differential_fixture.h"
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
    case Kind::kTime:
      return Value(format_time(v.time()));
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
    case Kind::kTimestamp:
      return format_timestamp(v.timestamp());
    case Kind::kDuration:
      return fmt::format("{} us", v.duration().us);
    case Kind::kDate:
      return format_date(v.date());
    case Kind::kJson:
      return v.json();
    case Kind::kUuid:
      return format_uuid(v.uuid());
    default:
      return std::string(kind_name(v.kind()));
  }
}

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  int below(int n) { return static_cast<int>(engine_() % static_cast<uint32_t>(n)); }
  int64_t bits() { return static_cast<int64_t>(engine_()); }
  bool one_in(int n) { return below(n) == 0; }
  template <class T>
  const T& of(const std::vector<T>& all) {
    return all[static_cast<size_t>(below(static_cast<int>(all.size())))];
  }

 private:
  std::mt19937_64 engine_;
};

// Rules that type-check, by type.
class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

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
    switch (random_.below(10)) {
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
        return date();
      case 6:
        return duration(depth);
      case 7:
        return pick({"row.id", "row.u", "row.user_id", "row.team.lead.id", "uuid(row.meta.owner)"});
      case 8:
        return pick({"row.data", "row.at", "row.s", "row.d"});
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
    return pick({item() + ".flag",
                 item() + ".ok",
                 "true",
                 "false",
                 "auth.signed_in",
                 "has(" + item() + ".t)",
                 "row.meta.yes",
                 "'admin' in auth.roles",
                 "has(row.meta.n)",
                 "row.meta.x == null",
                 "row.t.matches('^a.*b')",
                 "auth.kind == 'user'",
                 "'read' in auth.scopes",
                 "request.method == 'GET'",
                 "has(auth.claims.tenant)",
                 "'groups' in auth.claims",
                 "input.words.exists(e, e == kept.t)",
                 "input.nums.all(e, e / input.n < 5)",
                 "kept.meta.list.exists(e, e == 'a')",
                 "has(row.team.name)",
                 "row.team.lead.name.startsWith('a')",
                 "has(row.meta.o.p)"});
  }
  std::string integer(int depth) {
    if (depth <= 0 || random_.one_in(3)) {
      return pick({item() + ".a",
                   item() + ".b",
                   "0",
                   "1",
                   "-1",
                   "9223372036854775807",
                   "-9223372036854775808",
                   "input.n",
                   "input.x",
                   "row.team.size",
                   "row.user.age",
                   "row.team.lead.age",
                   "auth.aal",
                   "7",
                   "1000",
                   "input.nums[1]",
                   "input.nums[9]",
                   "size(auth.roles)",
                   "size(input.words)",
                   "size(row.data)"});
    }
    switch (random_.below(5)) {
      case 0:
        return "size(" + text(depth - 1) + ")";
      case 1:
        return "int(" +
               pick({real(depth - 1), decimal(depth - 1), text(depth - 1), "row.meta.n", "row.w",
                     "auth.claims['level']"}) +
               ")";
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
    switch (random_.below(6)) {
      case 0:
        return "round(" + decimal(depth - 1) + ", " + std::to_string(random_.below(5)) + ")";
      case 1:
        return "div(" + decimal(depth - 1) + ", " + pick({decimal(depth - 1), integer(depth - 1)}) +
               ", " + std::to_string(random_.below(7)) + ")";
      case 2:
        return "round(" + decimal(0) + " * " + decimal(0) + ", 2)";
      case 3:
        return random_.one_in(2) ? "-(" + decimal(depth - 1) + ")"
                                 : "decimal(" + integer(depth - 1) + ")";
      default:
        return "(" + decimal(depth - 1) + pick({" + ", " - "}) +
               pick({decimal(depth - 1), integer(depth - 1)}) + ")";
    }
  }
  std::string real(int depth) {
    if (depth <= 0 || random_.one_in(2))
      return pick({item() + ".f", "0.5", "0.0", "1e308", "-2.5", "9223372036854775807.0"});
    switch (random_.below(4)) {
      case 0:
      case 1:
        return "double(" + pick({integer(depth - 1), decimal(depth - 1), text(0), "row.meta.n"}) +
               ")";
      case 2:
        return "-(" + real(depth - 1) + ")";
      default:
        return "(" + real(depth - 1) + pick({" + ", " - ", " * ", " / "}) + real(depth - 1) + ")";
    }
  }
  std::string text(int depth) {
    if (depth <= 0 || random_.one_in(2)) {
      return pick({item() + ".t", item() + ".w", "'ab'", "''", "'a%'", "'ä'", "row.team.name",
                   "row.user.name", "row.team.lead.name", "input.word", "string(row.meta.color)",
                   "row.s", "request.path", "input.words[0]"});
    }
    if (random_.one_in(2)) return "(" + text(depth - 1) + " + " + text(depth - 1) + ")";
    return "string(" +
           pick({integer(depth - 1), decimal(depth - 1), timestamp(depth - 1), "row.u", "row.flag",
                 "row.d", "row.at", "auth.id"}) +
           ")";
  }
  std::string duration(int depth) {
    if (depth <= 0 || random_.one_in(2)) {
      return pick({"duration('1h')", "duration('-90s')", "duration('9000000000000s')",
                   "(row.ts - now)", "(now - kept.ts)"});
    }
    if (random_.one_in(4)) return "-(" + duration(depth - 1) + ")";
    return "(" + duration(depth - 1) + pick({" + ", " - "}) + duration(depth - 1) + ")";
  }
  std::string timestamp(int depth) {
    if (depth <= 0 || random_.one_in(2)) {
      return pick({item() + ".ts", "now", "timestamp('2026-02-03T04:05:06Z')", "timestamp(row.d)"});
    }
    if (random_.one_in(8)) return "(" + duration(depth - 1) + " + " + timestamp(depth - 1) + ")";
    return "(" + timestamp(depth - 1) + pick({" + ", " - "}) + duration(depth - 1) + ")";
  }
  std::string date() {
    return pick({"row.d", "kept.d", "date('1969-12-31')", "date('2026-02-03')", "date(now)",
                 "date(" + timestamp(1) + ")"});
  }
  std::string uuid() {
    return pick({"row.id", "row.u", "row.user_id", "row.team_id", "auth.id", "kept.user_id",
                 "row.team.id", "auth.claims.tenant", "row.meta.owner", "uuid(row.meta.owner)",
                 "row.team.lead_id", "row.team.lead.id",
                 "uuid('00000000-0000-7000-0000-000000000001')"});
  }

  std::string comparison(int depth) {
    const int d = depth - 1;
    switch (random_.below(13)) {
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
                     "row.meta", "row.meta.none", "input.x", "row.team.size", "row.data", "row.at",
                     "row.team.lead.age", "auth.claims.tenant", "auth.id"}) +
               equality() + "null)";
      case 7:
        return "(" +
               pick({"row.meta.n", "row.meta.color", "row.meta.list[0]", "row.meta.o.p",
                     "row.meta['n']", "auth.claims.level", "kept.meta.n"}) +
               pick({" == " + integer(d), " != " + real(d), " == " + text(d), " < " + integer(d)}) +
               ")";
      case 8:
        return text(d) + pick({".startsWith(", ".endsWith(", ".contains("}) + text(d) + ")";
      case 9:
        return "(" + duration(d) + compare() + duration(d) + ")";
      case 10:
        return "(" + pick({"row.at", "kept.at", "time('04:05')"}) + compare() +
               pick({"row.at", "time('23:59:59.999999')"}) + ")";
      case 11:
        return pick({"(row.data" + equality() + "kept.data)", "(row.s" + equality() + "'paid')",
                     "(row.s" + equality() + "kept.s)",
                     "row.w.matches('" + pick({"b$", "(?i)A", "^.$", "[%_]"}) + "')"});
      default:
        return "(" + date() + compare() + date() + ")";
    }
  }
  std::string membership(int depth) {
    const int d = depth - 1;
    switch (random_.below(9)) {
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
        return "(" +
               pick({"row.t", "row.w", "row.user.name", "row.a", "row.u", "row.ok", "row.f"}) +
               " in auth.claims.groups)";
      case 6:
        return "(" + timestamp(d) + " in [now, row.ts, " + timestamp(0) + "])";
      case 7:
        return "(" + date() + " in [" + date() + ", date('2026-02-03')])";
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
              boolean(depth - 2) + " || " + v + ".level / row.b == 1",
              "(" + boolean(depth - 2) + " ? " + v + ".level == 1 : " + v + ".user.age == null)"});
    const std::string out = pick({"row", "kept"}) + pick({".team.members", ".user.memberships"}) +
                            pick({".exists(", ".all("}) + v + ", " + about + ")";
    --in_relation_;
    return out;
  }

  Random random_;
  int in_relation_ = 0;
};

// What the compared rules consisted of: so that no operator or type is forgotten.
class Coverage {
 public:
  void count(const Node& node) {
    ++operators_[node.op];
    ++types_[node.type.tag];
    if (node.op == Op::kConvert) ++conversions_[{node.args[0]->type.tag, node.type.tag}];
    for (const NodeRef& arg : node.args) count(*arg);
  }
  void expect_all() const {
    for (int i = 0; i < static_cast<int>(Op::kRandomCode); ++i) {
      EXPECT_GT(at(operators_, static_cast<Op>(i)), 0)
          << "no rule has the operator of number " << i;
    }
    for (const Tag tag :
         {Tag::kDyn, Tag::kNull, Tag::kBool, Tag::kInt, Tag::kFloat, Tag::kDecimal, Tag::kText,
          Tag::kBytes, Tag::kUuid, Tag::kTimestamp, Tag::kDuration, Tag::kDate, Tag::kTime,
          Tag::kJson, Tag::kList, Tag::kRow, Tag::kObject, Tag::kMap}) {
      EXPECT_GT(at(types_, tag), 0)
          << "no rule has a part of the type of number " << static_cast<int>(tag);
    }
    using Pair = std::pair<Tag, Tag>;
    for (const Pair& pair : {Pair{Tag::kInt, Tag::kText},
                             {Tag::kBool, Tag::kText},
                             {Tag::kUuid, Tag::kText},
                             {Tag::kDecimal, Tag::kText},
                             {Tag::kTimestamp, Tag::kText},
                             {Tag::kDate, Tag::kText},
                             {Tag::kTime, Tag::kText},
                             {Tag::kFloat, Tag::kInt},
                             {Tag::kDecimal, Tag::kInt},
                             {Tag::kText, Tag::kInt},
                             {Tag::kInt, Tag::kFloat},
                             {Tag::kDecimal, Tag::kFloat},
                             {Tag::kText, Tag::kFloat},
                             {Tag::kInt, Tag::kDecimal},
                             {Tag::kTimestamp, Tag::kDate},
                             {Tag::kDate, Tag::kTimestamp}}) {
      EXPECT_GT(at(conversions_, pair), 0) << "no rule converts " << static_cast<int>(pair.first)
                                           << " to " << static_cast<int>(pair.second);
    }
  }

 private:
  using Tag = Type::Tag;
  template <class M>
  static int64_t at(const M& map, const typename M::key_type& key) {
    const auto it = map.find(key);
    return it == map.end() ? 0 : it->second;
  }
  std::map<Op, int64_t> operators_;
  std::map<Tag, int64_t> types_;
  std::map<std::pair<Tag, Tag>, int64_t> conversions_;
};

class SqlDifferential : public db::StoreTest {
 protected:
  void SetUp() override {
    open();
    must(migrate({
        "CREATE TABLE users (id BLOB PRIMARY KEY, name TEXT, age INTEGER) STRICT",
        "CREATE TABLE teams (id BLOB PRIMARY KEY, name TEXT NOT NULL, size INTEGER, lead_id BLOB) "
        "STRICT",
        "CREATE TABLE members (id BLOB PRIMARY KEY, team_id BLOB, user_id BLOB, level INTEGER) "
        "STRICT",
        "CREATE TABLE items (n INTEGER PRIMARY KEY, id BLOB, a INTEGER, b INTEGER, price INTEGER, "
        "cost INTEGER, f REAL, t TEXT, w TEXT, s TEXT, flag INTEGER, ok INTEGER, ts INTEGER, "
        "d TEXT, at TEXT, u BLOB, data BLOB, meta TEXT, team_id BLOB, user_id BLOB) STRICT",
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
    inserts_.push_back(
        {db::sql("INSERT INTO " + table + " (" + names + ") VALUES (" + marks + ")"), values});
  }

  void fill() {
    for (int i = 0; i < 4; ++i) {
      Map user{{"id", test_id(i)},
               {"name", maybe_null(Value(random_.of(texts_)))},
               {"age", maybe_null(integer())}};
      insert("users", user);
      users_.push_back(std::move(user));
    }
    for (int i = 0; i < 4; ++i) {
      Map team{{"id", test_id(10 + i)},
               {"name", Value(random_.of(texts_))},
               {"size", maybe_null(integer())}};
      link(team, "lead", users_, random_.below(6));
      insert("teams", team);
      teams_.push_back(std::move(team));
    }
    for (int i = 0; i < 9; ++i) {
      Map member{{"id", test_id(20 + i)}};
      const int team = random_.below(3);  // the last team has no members
      const int user = random_.below(6);
      link(member, "team", teams_, team);
      link(member, "user", users_, user);
      member.emplace_back("level", maybe_null(Value(int64_t{random_.below(3)})));
      insert("members", member);
      if (user < 4) memberships_[user].emplace_back(member);
      members_[team].emplace_back(std::move(member));
    }
    for (size_t i = 0; i < 4; ++i) {
      teams_[i].emplace_back("members", Value(members_[i]));
      users_[i].emplace_back("memberships", Value(memberships_[i]));
    }
    for (int i = 0; i < kRows; ++i) items_.emplace_back(item(i));
    must(write(std::make_shared<db::SqlUnit>(std::move(inserts_))));
  }

  // The reference and, nested, the row it leads to. Of the indexes beyond the rows the first is
  // null, the others lead to a row that is not there.
  void link(Map& row, const std::string& name, const std::vector<Map>& rows, int at) {
    const int beyond = at - static_cast<int>(rows.size());
    if (beyond < 0) {
      const Map& to = rows[static_cast<size_t>(at)];
      row.emplace_back(name + "_id", to[0].second);
      row.emplace_back(name, Value(to));
    } else {
      row.emplace_back(name + "_id", beyond == 0 ? Value(Null{}) : Value(test_id(99)));
    }
  }

  Value integer() {
    return random_.one_in(3) ? Value(random_.bits() >> random_.below(64)) : random_.of(ints_);
  }
  int64_t units() {
    return random_.one_in(3) ? random_.bits() % 1'000'000'000'000'000'000 >> random_.below(60)
                             : random_.of(units_);
  }

  Map item(int n) {
    Map row{{"n", Value(int64_t{n})}, {"id", test_id(n % 5)}};
    row.emplace_back("a", maybe_null(integer()));
    row.emplace_back("b", integer());
    row.emplace_back("price", Decimal{units(), 2});
    row.emplace_back("cost", maybe_null(Decimal{units(), 4}));
    row.emplace_back("f", maybe_null(random_.of(reals_)));
    row.emplace_back("t", maybe_null(Value(random_.of(texts_))));
    row.emplace_back("w", Value(random_.of(texts_)));
    row.emplace_back("s", maybe_null(Value(random_.of(states_))));
    row.emplace_back("flag", maybe_null(Value(random_.one_in(2))));
    row.emplace_back("ok", Value(random_.one_in(2)));
    row.emplace_back("ts", maybe_null(Timestamp{random_.of(times_)}));
    row.emplace_back("d", maybe_null(date_of(Timestamp{random_.of(times_)})));
    row.emplace_back("at", maybe_null(time_of(Timestamp{random_.of(times_)})));
    row.emplace_back("u", maybe_null(test_id(random_.below(5))));
    row.emplace_back("data", maybe_null(Bytes{random_.of(texts_)}));
    row.emplace_back("meta", maybe_null(Json{random_.of(jsons_)}, 8));
    link(row, "team", teams_, random_.below(6));
    link(row, "user", users_, random_.below(6));
    insert("items", row);
    return row;
  }

  void make_bindings() {
    for (int who = 0; who < 6; ++who) {
      Bindings b;
      Map auth{{"signed_in", Value(who > 0)}, {"aal", Value(int64_t{who})}};
      if (who > 0) auth.emplace_back("id", test_id(who));
      auth.emplace_back("kind", Value(who == 0 ? "nobody" : who == 1 ? "user" : "key"));
      auth.emplace_back("scopes", Value(who == 1 ? List{Value("read")} : List{}));
      auth.emplace_back("roles", Value(who == 2 ? List{Value("admin")} : List{}));
      Map claims;
      if (who == 1) claims.emplace_back("groups", Value(List{Value("ab"), Value(Null{})}));
      if (who == 2) claims.emplace_back("groups", Value(List{}));
      if (who == 3) claims.emplace_back("groups", Value(Map{{"ab", Value(true)}}));
      if (who == 4) {
        claims.emplace_back("groups", Value(List{int64_t{7}, Value(true), 0.5, Value(Null{}),
                                                 Value(format_uuid(test_id(1))), Value("ab")}));
      }
      if (who == 5) claims.emplace_back("groups", Value("ab"));
      if (who == 2) claims.emplace_back("tenant", Value(format_uuid(test_id(2))));
      if (who == 1) claims.emplace_back("level", Value(int64_t{7}));
      if (who == 2) claims.emplace_back("level", Value("7"));
      auth.emplace_back("claims", Value(std::move(claims)));
      b.bind("auth", Value(std::move(auth)));
      b.bind("request", Value(Map{{"method", Value(who == 0 ? "GET" : "POST")},
                                  {"path", Value(who == 0 ? "" : "/api/v1/ab")},
                                  {"id", Value("r1")}}));
      b.bind("now", Timestamp{1'770'000'000'000'000});
      Map input{{"n", integer()},
                {"x", maybe_null(integer())},
                {"word", maybe_null(Value(random_.of(texts_)))},
                {"m", Decimal{units(), 3}}};
      input.emplace_back("ids", Value(List{test_id(1), test_id(3)}));
      input.emplace_back("words", Value(who == 0 ? List{} : List{Value("ab"), Value("a\"\\\n")}));
      input.emplace_back("nums", Value(List{Value(int64_t{0}), Value(INT64_MAX)}));
      b.bind("input", Value(std::move(input)));
      // One has no kept row at all.
      b.bind("kept", who == 2 ? Value(Null{}) : items_[static_cast<size_t>(who)]);
      bindings_.push_back(std::move(b));
    }
  }

  // Both ways for every row; one statement gives each row's value and, of a condition, whether a
  // WHERE would take the row. false where SQL does not say it at all.
  struct Answers {
    std::vector<Value> memory;
    std::vector<std::vector<Value>> sql;
    std::string text;
  };
  Result<Answers> answers(const Expr& expr, Bindings& given) {
    const std::vector<SqlRow> rows = {{"row", TestApp::kItems, "t0"}};
    const db::Dialect& dialect = db::sqlite_dialect();
    TRY(const SqlExpr value, to_sql(expr, rows, dialect, SqlContext::kValue));
    std::vector<Value> parameters;
    for (const ExprRef& p : value.parameters) parameters.push_back(evaluate(*p, given));
    Answers out;
    out.text = "SELECT " + rules::number(value, dialect, 1);
    if (expr.type().tag == Type::Tag::kBool) {
      TRY(const SqlExpr where, to_sql(expr, rows, dialect, SqlContext::kCondition));
      out.text += ", " + rules::number(where, dialect, static_cast<int>(parameters.size()) + 1) +
                  " IS TRUE";
      for (const ExprRef& p : where.parameters) parameters.push_back(evaluate(*p, given));
    }
    out.text += " FROM items AS t0 ORDER BY n";
    db::Rows got;
    TRY_VOID(read(db::sql(out.text), parameters, got, {true, 60'000'000}));
    out.sql = std::move(got.rows);
    const Expr in_memory(walks_as_members(expr.root_ref()));
    for (const Value& item : items_) {
      given.bind("row", item);
      out.memory.push_back(evaluate(in_memory, given));
    }
    return out;
  }

  static bool differ(const Answers& answers, size_t row) {
    const Value& memory = answers.memory[row];
    const std::vector<Value>& sql = answers.sql[row];
    return !same(stored(memory), sql[0]) ||
           (sql.size() > 1 && memory.is_true() != (sql[1].integer() != 0));
  }

  void compare(const std::string& text, const ExprRef& expr, Bindings& given,
               const DifferentialRun& run) {
    const auto got = answers(*expr, given);
    ASSERT_TRUE(got.has_value()) << text << ": " << got.error().detail << got.error().inside
                                 << run.replay();
    ASSERT_EQ(got->sql.size(), items_.size());
    for (size_t i = 0; i < items_.size(); ++i) {
      count(got->memory[i]);
      if (!differ(*got, i)) continue;
      ++differences_;
      std::string row;
      for (const auto& [name, value] : items_[i].map()) row += " " + name + "=" + show(value);
      ADD_FAILURE() << text << "\nrow " << i << ":" << row << "\nin memory " << show(got->memory[i])
                    << ", in SQL " << show(got->sql[i][0])
                    << (got->sql[i].size() > 1 ? ", as a condition " + show(got->sql[i][1]) : "")
                    << "\n"
                    << got->text << "\nthe smallest part that differs: "
                    << shrunk(*expr, expr->root_ref(), given, i) << run.replay();
      return;  // one a rule
    }
  }

  // The deepest part of the rule that differs on the row by itself, as SQL.
  std::string shrunk(const Expr& whole, const NodeRef& node, Bindings& given, size_t row) {
    for (const NodeRef& arg : node->args) {
      if (std::string found = shrunk(whole, arg, given, row); !found.empty()) return found;
    }
    if (node->type.tag == Type::Tag::kRow || node->op == Op::kRelated) return {};
    std::vector<std::string> free;
    free_names(*node, free);
    for (const std::string& name : free) {
      if (given.find(name) == nullptr) return {};  // the variable of a relation
    }
    const auto part = answers(Expr(node), given);
    if (!part || !differ(*part, row)) return {};
    return fmt::format("in memory {}, in SQL {}: {}", show(part->memory[row]),
                       show(part->sql[row][0]), part->text);
  }

  void count(const Value& value) {
    ++pairs_;
    const std::string_view name = value.kind() != Kind::kBool ? kind_name(value.kind())
                                  : value.boolean()           ? "true"
                                                              : "false";
    ++outcomes_[name];
  }

  // The same after what the caller decides is decided.
  ExprRef resolved(const ExprRef& expr, const Bindings& given) {
    std::vector<Value> outcomes;
    for (const ExprRef& each : switches(*expr)) outcomes.push_back(evaluate(*each, given));
    return resolve(*expr, outcomes);
  }

  static constexpr int kRows = 100;
  TestApp app_;
  DifferentialRun run_{20260203};
  Random random_{run_.seed()};
  const std::vector<Value> ints_ = {int64_t{0},  int64_t{1},  int64_t{-1}, int64_t{2},
                                    int64_t{7},  INT64_MAX,   INT64_MIN,   int64_t{1000},
                                    int64_t{12}, int64_t{-40}};
  const std::vector<int64_t> units_ = {0,
                                       1250,
                                       -1250,
                                       1,
                                       -1,
                                       333,
                                       999'999'999'999'999'999,
                                       700,
                                       1000000,
                                       250,
                                       50,
                                       -50,
                                       -999'999'999'999'999'999};
  const std::vector<Value> reals_ = {0.0, -0.0,   0.5,    -2.5,   1e308,
                                     7.0, 9.3e18, -1e308, 1e-300, -9223372036854775808.0};
  const std::vector<std::string> texts_ = {
      "", "ab", "a%b", "Ab", "ä", "a\nb", "12", "\U0001F600", "a\"\\\n", "-7", "1.5", "b_", "\x7f"};
  const std::vector<std::string> states_ = {"draft", "paid", "sent"};
  const std::vector<int64_t> times_ = {0,
                                       -1,
                                       1'770'000'000'000'000,
                                       kTimestampMax.us,
                                       kTimestampMin.us,
                                       1'770'091'506'000'000,
                                       1'770'091'506'000'120};
  const std::vector<std::string> jsons_ = {
      "null",
      "{}",
      R"({"n":7,"color":"ab","yes":true,"none":null,"x":null,"o":{"p":1.5}})",
      R"({"n":1.5,"color":7,"yes":"true","list":[1,"a"],"o":[]})",
      R"({"n":9223372036854775808,"color":null,"yes":false,"list":["ab"]})",
      R"({"n":-0.0,"owner":"00000000-0000-7000-0000-000000000001","color":"\u00e4"})",
      R"({"n":9223372036854775807,"owner":"no uuid","list":[[1],{"p":2}],"o":{"p":null}})",
      "[1,2]"};
  std::vector<db::SqlUnit::Part> inserts_;
  std::vector<Map> users_, teams_;
  std::vector<Value> items_;
  List members_[4], memberships_[4];
  std::vector<Bindings> bindings_;
  int64_t pairs_ = 0, differences_ = 0;
  std::map<std::string_view, int64_t> outcomes_;
};

// A million pairs in CI: more than 7,000 rules, each over 100 rows.
TEST_F(SqlDifferential, RandomRulesMeanTheSameInMemoryAndInSql) {
  const int64_t wanted = run_.amount(1'000'000);
  Generator generator(run_.seed() + 1);
  Coverage coverage;
  int64_t compiled = 0, tried = 0;
  while (pairs_ < wanted && differences_ < 5) {
    ++tried;
    const std::string text = tried % 4 == 0 ? generator.any(3) : generator.boolean(3);
    model::Faults faults;
    const ExprRef expr = app_.compile(text, faults);
    if (!expr) {
      // A product of too many digits, or a sum of literals that is an error, is refused rightly.
      ASSERT_LT(tried, 100 + compiled * 2) << "too few of the rules compile: " << text;
      continue;
    }
    ++compiled;
    coverage.count(expr->root());
    Bindings& given = bindings_[static_cast<size_t>(tried) % bindings_.size()];
    compare(text, expr, given, run_);
    if (tried % 3 == 0) compare(text + " (resolved)", resolved(expr, given), given, run_);
    if (HasFatalFailure()) return;
  }
  std::cerr << "rules: seed " << run_.seed() << ", " << compiled << " rules, " << pairs_
            << " pairs, " << differences_ << " differences;";
  for (const auto& [name, count] : outcomes_) std::cerr << " " << name << " " << count;
  std::cerr << "\n";
  EXPECT_EQ(differences_, 0);
  EXPECT_GT(compiled * 10, tried * 8) << "the generator makes too few rules that compile";
  // And the comparison means something.
  EXPECT_GT(outcomes_["true"] * 10, pairs_);
  EXPECT_GT(outcomes_["false"] * 10, pairs_);
  EXPECT_GT(outcomes_["unknown"] * 20, pairs_);
  EXPECT_GT(outcomes_["null"] * 200, pairs_);
  coverage.expect_all();
}

}  // namespace
}  // namespace mettle::rules

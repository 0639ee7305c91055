#include "rules/rules_fixture.h"

namespace mettle::rules {
namespace {

class Check : public testing::Test {
 protected:
  // The faults as "column code: message [fix]", one a line; warnings too.
  std::string faults(const std::string& text, Type::Tag want = Type::Tag::kDyn, int scale = 0) {
    model::Faults all;
    Type type;
    type.tag = want;
    type.scale = scale;
    const ExprRef expr = app_.compile(text, all, type);
    EXPECT_EQ(expr == nullptr, all.has_errors()) << text;
    std::string out;
    for (const model::FileFault& f : all.sorted()) {
      if (!out.empty()) out += "\n";
      out += std::to_string(f.pos.column) + " " + f.code + ": " + f.message;
      if (!f.fix.empty()) out += " [" + f.fix + "]";
    }
    return out;
  }
  std::string type(const std::string& text) { return app_.must_compile(text)->type().to_string(); }

  TestApp app_;
};

TEST_F(Check, TypesFollowFromTheOperands) {
  EXPECT_EQ(type("row.a + 1"), "int");
  EXPECT_EQ(type("row.price * 3"), "decimal(2)");
  EXPECT_EQ(type("row.price + row.cost"), "decimal(4)");
  EXPECT_EQ(type("row.price * row.cost"), "decimal(6)");
  EXPECT_EQ(type("round(row.cost, 1)"), "decimal(1)");
  EXPECT_EQ(type("div(row.price, 3, 5)"), "decimal(5)");
  EXPECT_EQ(type("row.ts - now"), "duration");
  EXPECT_EQ(type("now + duration('1h30m')"), "timestamp");
  EXPECT_EQ(type("row.team.name"), "text");
  EXPECT_EQ(type("row.user_id"), "uuid");
  EXPECT_EQ(type("row.meta.color"), "dyn");
  EXPECT_EQ(type("auth.roles"), "list of text");
  EXPECT_EQ(type("row.flag ? 1 : 2.5"), "float");
  EXPECT_EQ(type("size(row.t)"), "int");
  EXPECT_EQ(type("date(now)"), "date");
  EXPECT_EQ(type("['a', row.t]"), "list of text");
}

TEST_F(Check, UnknownNamesComeWithTheNearestRightOne) {
  EXPECT_EQ(faults("rwo.a == 1"),
            "1 rule_unknown_name: `rwo` is not a name here; there are: auth, input, kept, now, "
            "request, row [row]");
  EXPECT_EQ(faults("row.prize > 1"),
            "5 rule_unknown_column: table `items` has no column or relation `prize` [price]");
  EXPECT_EQ(faults("row.team.nam == 'x'"),
            "10 rule_unknown_column: table `teams` has no column or relation `nam` [name]");
  EXPECT_EQ(faults("auth.singed_in"),
            "6 rule_unknown_name: there is no member `singed_in` here [signed_in]");
  EXPECT_EQ(faults("row.t.startswith('x')"),
            "7 rule_unknown_function: there is no method `startswith`; there are: size, "
            "startsWith, endsWith, contains, matches, exists, all [startsWith]");
  EXPECT_EQ(faults("row.aa == row.bb").substr(0, 2), "5 ");  // both sides are reported
  EXPECT_NE(faults("row.aa == row.bb").find("\n15 "), std::string::npos);
}

TEST_F(Check, HiddenColumnsAreNotThere) {
  app_.column(TestApp::kUsers, "name").hidden = true;
  EXPECT_NE(faults("row.user.name == 'x'"), "");
}

TEST_F(Check, EnumsAndRolesAreHeldToTheirValues) {
  EXPECT_EQ(faults("row.s == 'payed'"),
            "10 rule_not_in_enum: 'payed' is not one of: draft, paid, sent");
  EXPECT_EQ(faults("row.s in ['paid', 'snet']"),
            "10 rule_not_in_enum: 'snet' is not one of: draft, paid, sent [sent]");
  EXPECT_EQ(faults("'amdin' in auth.roles"),
            "1 rule_not_in_enum: 'amdin' is not one of: customer, clerk, admin [admin]");
  EXPECT_EQ(faults("auth.kind == 'robot'").substr(0, 20), "14 rule_not_in_enum:");
  EXPECT_EQ(faults("row.s == 'paid' && 'admin' in auth.roles"), "");
}

TEST_F(Check, DecimalsNeverMixWithFloats) {
  EXPECT_EQ(faults("row.price > 9.99"),
            "13 rule_decimal_float: decimal does not mix with float, which is not exact "
            "[decimal('9.99')]");
  EXPECT_EQ(faults("row.price * row.f").substr(0, 24), "17 rule_decimal_float: d");
  EXPECT_EQ(faults("row.price > 10 && row.price > decimal('9.99')"), "");
  EXPECT_EQ(faults("row.price / 2"),
            "11 rule_type: a decimal is divided to a number of digits: div(x, y, digits) "
            "[div(x, y, 2)]");
}

TEST_F(Check, OperandsMustGoTogether) {
  EXPECT_NE(faults("row.a == 'x'"), "");
  EXPECT_NE(faults("row.a + 1.5"), "");
  EXPECT_EQ(faults("row.a < 1.5"), "");  // numbers compare exactly
  EXPECT_NE(faults("row.d == row.ts"), "");
  EXPECT_NE(faults("row.u < row.u"), "");
  EXPECT_NE(faults("row.u == row.t"), "");
  EXPECT_NE(faults("row.u == 'not a uuid'"), "");
  EXPECT_EQ(faults("row.u == '0198c5a0-0000-7000-8000-000000000001'"), "");
  EXPECT_EQ(faults("row.d == '2026-02-03'"),
            "10 rule_type: date and text do not go together [date('2026-02-03')]");
  EXPECT_NE(faults("row.team == row.team"), "");
  EXPECT_NE(faults("row.a && true"), "");
  EXPECT_NE(faults("row.a < null"), "");
  EXPECT_NE(faults("row.meta.a == row.meta.b"), "");
  EXPECT_NE(faults("row.meta.a + 1 == 2"), "");
  EXPECT_NE(faults("row.team.members.name == 'x'"), "");
  EXPECT_NE(faults("row.team.members"), "");
  EXPECT_NE(faults("'x' in row.t"), "");
  EXPECT_EQ(faults("1 in auth.claims"), "1 rule_type: a member of a map is named by a text");
  EXPECT_NE(faults("row.t.matches(row.w)"), "");
  EXPECT_NE(faults("row.t.matches('(')"), "");
  EXPECT_NE(faults("row.team.members.exists(row, true)"), "");
  EXPECT_NE(faults("date('2026-02-30') == row.d"), "");
  EXPECT_NE(faults("size(1)"), "");
  EXPECT_NE(faults("round(row.price, 19)"), "");
}

TEST_F(Check, TheResultIsHeldToWhatIsWanted) {
  EXPECT_NE(faults("row.a", Type::Tag::kBool), "");
  EXPECT_EQ(faults("row.meta.ok", Type::Tag::kBool), "");
  EXPECT_EQ(faults("row.a + 1", Type::Tag::kDecimal, 2), "");
  EXPECT_EQ(faults("row.cost", Type::Tag::kDecimal, 2),
            "5 rule_type: this has 4 digits after the point and 2 are wanted [round(x, 2)]");
  EXPECT_EQ(faults("decimal('1.50')", Type::Tag::kDecimal, 1), "");
  EXPECT_NE(faults("decimal('1.55')", Type::Tag::kDecimal, 1), "");
  EXPECT_EQ(faults("'2026-02-03'", Type::Tag::kDate), "");
  EXPECT_NE(faults("null", Type::Tag::kInt), "");
  const ExprRef converted = app_.must_compile("12", [] {
    Type t;
    t.tag = Type::Tag::kDecimal;
    t.scale = 2;
    return t;
  }());
  EXPECT_EQ(converted->constant()->decimal(), (Decimal{1200, 2}));
}

TEST_F(Check, RulesThatDecideNothingAreWarnedOf) {
  const auto warning = [this](const std::string& text) {
    const std::string all = faults(text, Type::Tag::kBool);
    return all.empty() ? "" : all.substr(all.find(' ') + 1, all.find(':') - all.find(' ') - 1);
  };
  EXPECT_EQ(warning("true"), "");
  EXPECT_EQ(warning("false"), "");
  EXPECT_EQ(warning("row.a == 1"), "");
  EXPECT_EQ(warning("row.id == row.id"), "rule_always_true");
  EXPECT_EQ(warning("row.id == row.id || row.a == 1"), "rule_always_true");
  EXPECT_EQ(warning("row.id != null"), "rule_always_true");
  EXPECT_EQ(warning("1 == 1"), "rule_always_true");
  EXPECT_EQ(warning("'x' in []"), "rule_never_true");
  EXPECT_EQ(warning("row.s == 'paid' && row.s == 'sent'"), "rule_never_true");
  EXPECT_EQ(warning("row.s != 'paid' || row.s != 'sent'"), "rule_always_true");
  EXPECT_EQ(warning("row.flag && !row.flag"), "rule_never_true");
  EXPECT_EQ(warning("1 / 0 == 1"), "rule_never_true");
  EXPECT_EQ(warning("row.a < row.a"), "rule_never_true");
  EXPECT_EQ(warning("row.a <= row.a"), "rule_always_true");
  EXPECT_EQ(warning("row.a >= row.a"), "rule_always_true");
  EXPECT_EQ(warning("row.a > row.a"), "rule_never_true");
  EXPECT_EQ(warning("row.a < row.b"), "");
  EXPECT_EQ(warning("row.a == null"), "");
  EXPECT_EQ(warning("null != row.id"), "rule_always_true");
  EXPECT_EQ(warning("null == row.id"), "rule_never_true");
  EXPECT_EQ(warning("row.flag || !row.flag"), "rule_always_true");
  EXPECT_EQ(warning("!row.flag || row.ok"), "");
  EXPECT_EQ(warning("row.a == row.b && row.a == 1"), "");
  EXPECT_EQ(warning("row.a == 1 && row.b == 2"), "");
  EXPECT_EQ(warning("row.a == 1 && row.flag"), "");
  EXPECT_EQ(warning("row.a == 1 && row.a == 1"), "");
  EXPECT_EQ(warning("'paid' == row.s && row.s == 'sent'"), "rule_never_true");
  EXPECT_EQ(warning("row.a in [1]"), "");
  EXPECT_EQ(warning("row.a in []"), "rule_never_true");
  EXPECT_EQ(warning("row.a in input.nums"), "");
  EXPECT_EQ(warning("row.a in [1, null] && !(row.a in [1, 2])"), "");
  EXPECT_EQ(warning("row.a in [1, 2] && !(row.a in [1, 2])"), "rule_never_true");
  EXPECT_EQ(warning("row.b in [row.a] && !(row.b in [row.a, 1])"), "");
  EXPECT_EQ(warning("row.t.matches('a') && !row.t.matches('a')"), "rule_never_true");
  EXPECT_EQ(warning("row.t.matches('a') && !row.t.matches('b')"), "");
  EXPECT_EQ(warning("row.flag ? row.ok : false"), "");
  EXPECT_EQ(warning("row.flag ? false : row.ok"), "");
  EXPECT_EQ(warning("row.flag ? true : row.ok"), "");
  EXPECT_EQ(warning("row.flag ? row.ok : true"), "");
  EXPECT_EQ(warning("row.flag ? false : false"), "rule_never_true");
  EXPECT_EQ(warning("row.flag ? true : true"), "rule_always_true");
}

TEST_F(Check, AnalysisTellsWhatARuleReads) {
  const auto expr = app_.must_compile(
      "row.team.members.exists(m, m.user_id == auth.id) || row.a > 1 || row.price > kept.cost");
  EXPECT_EQ(columns_read(*expr, "row"), (std::vector<std::string>{"team_id", "a", "price"}));
  EXPECT_EQ(columns_read(*expr, "kept"), (std::vector<std::string>{"cost"}));
  EXPECT_EQ(columns_read(*app_.must_compile("row.a == row.a"), "row"),
            std::vector<std::string>{"a"});
  EXPECT_TRUE(expr->needs_sql());
  EXPECT_EQ(expr->uses(), (std::vector<std::string>{"row", "auth", "kept"}));
  EXPECT_FALSE(independent_of_rows(*expr));
  EXPECT_TRUE(independent_of_rows(*app_.must_compile("'admin' in auth.roles && input.n > 1")));
  EXPECT_FALSE(independent_of_rows(*app_.must_compile("row.a == 1")));
  EXPECT_TRUE(app_.must_compile("1 + 2 == 3")->constant()->is_true());
  EXPECT_FALSE(app_.must_compile("now == now")->constant().has_value());
}

TEST_F(Check, SwitchesAreThePartsThatTheCallerDecides) {
  const auto expr = app_.must_compile("row.user_id == auth.id || 'clerk' in auth.roles");
  ASSERT_EQ(switches(*expr).size(), 1u);
  EXPECT_TRUE(resolve(*expr, {Value(true)})->constant()->is_true());
  const auto left = resolve(*expr, {Value(false)});
  EXPECT_TRUE(left->uses_name("row"));
  EXPECT_EQ(switches(*left).size(), 0u);
  // Only conditions are switched, not the values that one chooses between.
  EXPECT_EQ(switches(*app_.must_compile("row.ok ? input.n : row.b")).size(), 0u);
}

}  // namespace
}  // namespace mettle::rules

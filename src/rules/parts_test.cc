#include "rules/parts.h"

#include "rules/ast.h"
#include "rules/rules_fixture.h"
#include "rules/watch.h"

namespace mettle::rules {
namespace {

class Parts : public testing::Test {
 protected:
  std::string again(const std::string& text) { return text_of(*app_.must_compile(text)); }
  TestApp app_;
};

TEST_F(Parts, WhatIsWrittenMeansTheSame) {
  for (const std::string text :
       {"row.user_id == auth.id || 'clerk' in auth.roles", "(row.ok || row.flag) && row.b > 3",
        "!(row.ok && row.flag)", "row.a == null", "row.a + 2 * (row.b - 1) >= 7",
        "row.a - (row.b - 1) > 0", "row.team.name == 'it\\'s'", "row.s in ['paid', 'sent']",
        "row.team.members.exists(m, m.user_id == auth.id && m.level > 2)",
        "row.t.startsWith('a') || size(row.t) < 9", "row.ok ? row.flag : !row.ok",
        "row.t.matches('^[a-z]+$')", "-row.b < 3", "row.t.contains('b') && row.t.endsWith('\\\\c')",
        "has(row.meta.a) && input.ids.all(i, i != row.id)"}) {
    const std::string made = again(text);
    EXPECT_EQ(made, text);
    EXPECT_TRUE(same_tree(app_.must_compile(made)->root(), app_.must_compile(text)->root()))
        << text << " became " << made;
  }
}

TEST_F(Parts, AreTheOperandsOfLogicAndWhatTheyCompare) {
  const ExprRef rule =
      app_.must_compile("row.user_id == auth.id || !row.ok && 'clerk' in auth.roles");
  std::string told;
  for (const Part& part : parts_of(*rule)) {
    told += std::string(static_cast<size_t>(part.depth) * 2, ' ') + part.text;
    for (const auto& [text, expr] : part.operands) told += " [" + text + "]";
    told += "\n";
  }
  EXPECT_EQ(told,
            "row.user_id == auth.id || !row.ok && 'clerk' in auth.roles\n"
            "  row.user_id == auth.id [row.user_id] [auth.id]\n"
            "  !row.ok && 'clerk' in auth.roles\n"
            "    !row.ok\n"
            "      row.ok\n"
            "    'clerk' in auth.roles [auth.roles]\n");
}

TEST_F(Parts, WhatOnlyRowsDecideIsOpenUntilThereIsOne) {
  const ExprRef rule = app_.must_compile("row.b > 3 || 'clerk' in auth.roles || row.team.size > 1");
  Bindings bindings;
  bindings.bind("auth", Value(Map{{"roles", List{Value("clerk")}}}));
  auto before = parts_asked(*rule, bindings, false);
  ASSERT_EQ(before.size(), 4u);
  EXPECT_FALSE(before[1].value);
  EXPECT_TRUE(before[2].value->is_true());
  EXPECT_EQ(open_parts(*rule, before).size(), 5u);  // the whole, two parts and what they compare
  bindings.bind("row", Value(Map{{"b", int64_t{2}}}));
  auto with_row = parts_asked(*rule, bindings, true);
  EXPECT_FALSE(with_row[1].value->is_true());
  EXPECT_FALSE(with_row[3].value);  // only SQL can tell
}

}  // namespace
}  // namespace mettle::rules

#include "rules/prejudge.h"

#include "rules/rules_fixture.h"

namespace mettle::rules {
namespace {

class Prejudged : public testing::Test {
 protected:
  // "true", "not true" or "depends", for an input of n, x and word; what is absent is unknown.
  std::string judge(const std::string& text, Map input) {
    Bindings bindings;
    bindings.bind("input", Value(std::move(input)));
    switch (Prejudge(*app_.must_compile(text)).judge(bindings)) {
      case Verdict::kTrue:
        return "true";
      case Verdict::kNotTrue:
        return "not true";
      case Verdict::kDepends:
        return "depends";
    }
    return "";
  }
  static Map of(int64_t n) { return Map{{"n", Value(n)}}; }

  TestApp app_;
};

TEST_F(Prejudged, WhatTheCallerAloneDecidesIsDecided) {
  EXPECT_EQ(judge("input.n == 1", of(1)), "true");
  EXPECT_EQ(judge("input.n == 1", of(2)), "not true");
  EXPECT_EQ(judge("input.n == 1", {}), "not true");
  EXPECT_EQ(judge("row.ok", of(1)), "depends");
  EXPECT_EQ(judge("row.team.name == 'x'", of(1)), "depends");
}

TEST_F(Prejudged, ConjunctionsAndDisjunctionsFollowKleene) {
  EXPECT_EQ(judge("input.n == 1 && row.ok", of(1)), "depends");
  EXPECT_EQ(judge("input.n == 1 && row.ok", of(2)), "not true");
  EXPECT_EQ(judge("input.n == 1 && row.ok", {}), "not true");
  EXPECT_EQ(judge("row.ok && input.n == 1", {}), "not true");
  EXPECT_EQ(judge("row.ok && (input.n == 1 || row.ok)", of(1)), "depends");
  EXPECT_EQ(judge("input.n == 1 || row.ok", of(1)), "true");
  EXPECT_EQ(judge("input.n == 1 || row.ok", of(2)), "depends");
  EXPECT_EQ(judge("input.n == 1 || row.ok", {}), "depends");
  EXPECT_EQ(judge("!(input.n == 1 || row.ok)", of(1)), "not true");
  EXPECT_EQ(judge("!(input.n == 1 || row.ok)", {}), "not true");
  // Unknown beside what is false whatever the row is.
  EXPECT_EQ(judge("(input.x == 1) && (row.ok && input.n == 1)", of(2)), "not true");
  EXPECT_EQ(judge("(row.ok && input.n == 1) && (input.x == 1)", of(2)), "not true");
}

TEST_F(Prejudged, ConditionalsTakeTheBranchesThatAreLeft) {
  EXPECT_EQ(judge("input.n == 1 ? true : row.ok", of(1)), "true");
  EXPECT_EQ(judge("input.n == 1 ? true : row.ok", of(2)), "depends");
  EXPECT_EQ(judge("input.n == 1 ? true : row.ok", {}), "not true");
  EXPECT_EQ(judge("row.ok ? input.n == 1 : input.n == 1", of(2)), "not true");
}

TEST_F(Prejudged, ComparisonsWithWhatIsUnknownAreNotTrue) {
  for (const char* op : {"==", "!=", "<", "<=", ">", ">="}) {
    const std::string rule = std::string("row.b ") + op + " input.n";
    EXPECT_EQ(judge(rule, {}), "not true") << rule;
    EXPECT_EQ(judge(rule, of(1)), "depends") << rule;
  }
}

}  // namespace
}  // namespace mettle::rules

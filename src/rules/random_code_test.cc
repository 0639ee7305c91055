#include <gtest/gtest.h>

#include "base/fake_seams.h"
#include "model/load.h"
#include "rules/rules.h"

namespace mettle::rules {
namespace {

class RandomCode : public testing::Test {
 protected:
  ExprRef compiled(std::string text, Type::Tag want = Type::Tag::kDyn) {
    faults_ = model::Faults();
    Type type;
    type.tag = want;
    return compile({std::move(text), {1, 1}}, Environment::base(app_), type, "x", faults_);
  }
  model::AppModel app_;
  model::Faults faults_;
};

TEST_F(RandomCode, DrawsLettersThatNobodyMistakesForAnother) {
  const ExprRef code = compiled("random_code(32)");
  ASSERT_NE(code, nullptr);
  FakeSeams seams;
  Bindings bindings;
  bindings.set_random(&seams.random);
  std::string all;
  for (int i = 0; i < 100; ++i) {
    const Value made = evaluate(*code, bindings);
    ASSERT_EQ(made.kind(), Kind::kText);
    EXPECT_EQ(made.text().size(), 32U);
    all += made.text();
  }
  EXPECT_EQ(all.find_first_not_of("abcdefghijkmnpqrstuvwxyz23456789"), std::string::npos);
  for (const char c : std::string_view("abcdefghijkmnpqrstuvwxyz23456789")) {
    EXPECT_NE(all.find(c), std::string::npos) << c;
  }
}

TEST_F(RandomCode, IsAnotherEachTimeAndNoConstant) {
  const ExprRef code = compiled("'x-' + random_code(8)");
  ASSERT_NE(code, nullptr);
  EXPECT_TRUE(code->random());
  EXPECT_EQ(code->constant(), std::nullopt);
  FakeSeams seams;
  Bindings bindings;
  bindings.set_random(&seams.random);
  EXPECT_NE(evaluate(*code, bindings).text(), evaluate(*code, bindings).text());
}

TEST_F(RandomCode, IsUnknownWithoutASourceOfRandomness) {
  EXPECT_TRUE(evaluate(*compiled("random_code(8)"), Bindings()).is_unknown());
}

TEST_F(RandomCode, StandsInNoCondition) {
  EXPECT_EQ(compiled("random_code(8) == 'aaaaaaaa'", Type::Tag::kBool), nullptr);
  EXPECT_TRUE(faults_.has_errors());
}

TEST_F(RandomCode, TakesALiteralLengthFromFourToThirtyTwo) {
  for (const char* text : {"random_code(3)", "random_code(33)", "random_code(size('abcd'))",
                           "random_code()", "random_code('8')"}) {
    EXPECT_EQ(compiled(text), nullptr) << text;
  }
  EXPECT_NE(compiled("random_code(4)"), nullptr);
}

}  // namespace
}  // namespace mettle::rules

#include "base/mutant.h"

#include <gtest/gtest.h>

#include <set>

namespace mettle {
namespace {

TEST(Mutants, AreNamedOnceAndSayWhatTheyBreakAndWhichTestFindsIt) {
  std::set<std::string_view> ids;
  for (const MutantInfo& one : all_mutants()) {
    EXPECT_TRUE(ids.insert(one.id).second) << one.id;
    EXPECT_EQ(one.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz-"), std::string_view::npos)
        << one.id;
    for (const std::string_view text : {one.fault, one.promise, one.test}) {
      EXPECT_FALSE(text.empty()) << one.id;
      EXPECT_EQ(text.find('|'), std::string_view::npos) << one.id;  // a cell of the table
    }
  }
}

TEST(Mutants, OfNoSuchNameAreWrongUsage) {
  const Result<> chosen = choose_mutant("no-such-mutant");
  ASSERT_FALSE(chosen);
  EXPECT_EQ(chosen.error().code, Code::kUsage);
}

}  // namespace
}  // namespace mettle

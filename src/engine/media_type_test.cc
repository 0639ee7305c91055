#include "engine/media_type.h"

#include <gtest/gtest.h>

namespace mettle::engine {
namespace {

const std::vector<std::string> kJson = {"application/json"};

bool acceptable(std::string_view accept, const std::vector<std::string>& produces) {
  return is_acceptable(std::span(&accept, 1), produces);
}

TEST(ContentType, IsTakenWhateverItsCaseAndParameters) {
  EXPECT_TRUE(is_consumed("application/json", kJson));
  EXPECT_TRUE(is_consumed("Application/JSON; charset=UTF-8", kJson));
  EXPECT_TRUE(is_consumed("application/json;charset=\"utf-8\"; profile=x", kJson));
  EXPECT_FALSE(is_consumed("application/json; charset=iso-8859-1", kJson));
  EXPECT_FALSE(is_consumed("text/plain", kJson));
  EXPECT_FALSE(is_consumed("application/jsonx", kJson));
  EXPECT_FALSE(is_consumed("json", kJson));
  EXPECT_FALSE(is_consumed("", kJson));
  EXPECT_TRUE(is_consumed("image/png", {"image/*"}));
  EXPECT_TRUE(is_consumed("a/b; charset=x", {"*/*"}));
}

TEST(Accept, IsMetByTheMostExactRange) {
  EXPECT_TRUE(acceptable("*/*", kJson));
  EXPECT_TRUE(acceptable("text/html, application/*;q=0.1", kJson));
  EXPECT_TRUE(acceptable("application/json;q=0.001", kJson));
  EXPECT_FALSE(acceptable("text/html", kJson));
  EXPECT_FALSE(acceptable("application/json;q=0, */*", kJson));
  EXPECT_FALSE(acceptable("application/*;q=0, */*;q=1", kJson));
  EXPECT_TRUE(acceptable("text/plain", {"application/openmetrics-text", "text/plain"}));
}

TEST(Accept, NeedsNothingToAcceptEverything) {
  EXPECT_TRUE(is_acceptable({}, kJson));
  EXPECT_TRUE(acceptable("", kJson));
  EXPECT_TRUE(acceptable("text/html", {}));
  EXPECT_TRUE(acceptable("text/html", {"*/*"}));
  // What cannot be read is no reason to refuse.
  EXPECT_TRUE(acceptable("text/html, ?!", kJson));
}

}  // namespace
}  // namespace mettle::engine

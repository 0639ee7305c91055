// A12: no link to a sign-in leads people to a place of whoever wrote it.
#include "features/oauth/return_to.h"

#include <gtest/gtest.h>

namespace mettle::oauth {
namespace {

const std::string kSite = "https://shop.example";
const std::vector<std::string> kAllowed{"https://app.example/in", "example.shop:/in"};

Result<ReturnTo> read(std::string_view text) {
  return read_return_to(text, kSite, kAllowed, "/home");
}

TEST(ReturnTo, IsAPathOfThisSiteOrWhatTheFileLists) {
  EXPECT_EQ(read("")->url, "/home");
  EXPECT_EQ(read("/shop?a=1&b=//x#y")->url, "/shop?a=1&b=//x#y");
  EXPECT_EQ(read("https://shop.example/shop")->url, "/shop");
  EXPECT_TRUE(read("/")->own_site);
  for (const std::string& one : kAllowed) {
    ASSERT_TRUE(read(one).has_value());
    EXPECT_EQ(read(one)->url, one);
    EXPECT_FALSE(read(one)->own_site);
  }
}

TEST(ReturnTo, IsNoPlaceOfSomebodyElse) {
  for (const std::string_view bad : {"https://evil.example/",
                                     "//evil.example",
                                     "///evil.example",
                                     "/\\evil.example",
                                     "\\\\evil.example",
                                     "/\t/evil.example",
                                     "/ /evil.example",
                                     "/\n/evil.example",
                                     "evil",
                                     "javascript:alert(1)",
                                     "data:text/html,x",
                                     "https:evil.example",
                                     "https:/evil.example",
                                     "https://shop.example",
                                     "https://shop.example.evil.example/",
                                     "https://shop.example@evil/",
                                     "https://shop.example:8443/",
                                     "https://shop.example//evil.example",
                                     "https://shop.example/\\evil.example",
                                     "http://shop.example/",
                                     "HTTPS://shop.example/x",
                                     "https://app.example/in?x=1",
                                     "https://app.example/in/../x",
                                     "https://app.example/",
                                     "example.shop:/other",
                                     "/a\\b",
                                     "?x",
                                     "#x",
                                     "./x",
                                     "..",
                                     "%2f%2fevil.example",
                                     "/caf\xc3\xa9"}) {
    const auto got = read(bad);
    EXPECT_FALSE(got.has_value()) << bad;
    if (!got) {
      EXPECT_EQ(got.error().parameter, "return_to");
    }
  }
  EXPECT_FALSE(read("/" + std::string(3000, 'a')).has_value());
}

TEST(ReturnTo, AParameterIsAddedToTheQuery) {
  EXPECT_EQ(with_parameter("/a", "x", "1 2"), "/a?x=1%202");
  EXPECT_EQ(with_parameter("/a?b", "x", "&"), "/a?b&x=%26");
  EXPECT_EQ(with_parameter("/a#f?g", "x", "1"), "/a?x=1#f?g");
  EXPECT_EQ(with_parameter("example.shop:/in", "x", "1"), "example.shop:/in?x=1");
}

}  // namespace
}  // namespace mettle::oauth

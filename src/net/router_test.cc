#include "net/router.h"

#include <gtest/gtest.h>

#include "net/query.h"

namespace mettle::net {
namespace {

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    add(Method::kGet, "/api/v1/{table}", 1);
    add(Method::kPost, "/api/v1/{table}", 2);
    add(Method::kGet, "/api/v1/{table}/{id}", 3);
    add(Method::kPost, "/api/v1/batch", 4);
    add(Method::kPost, "/api/v1/commands/{name}", 5);
    add(Method::kGet, "/", 6);
    add(Method::kGet, "/files/{path...}", 7);
    add(Method::kGet, "/a/{x}/c", 8);
    add(Method::kGet, "/a/b/d", 9);
  }
  void add(Method method, std::string_view path, int route) {
    const auto added = router_.add(method, path, route);
    ASSERT_TRUE(added.has_value()) << path;
  }
  // The route, or minus the HTTP status.
  int match(Method method, std::string_view path) {
    const auto route = router_.match(method, path, parameters_);
    return route ? *route : -route.error().status();
  }
  Router router_;
  PathParameters parameters_;
};

TEST_F(RouterTest, FindsRoutesAndTheirParameters) {
  EXPECT_EQ(match(Method::kGet, "/"), 6);
  EXPECT_EQ(match(Method::kGet, "/api/v1/orders"), 1);
  EXPECT_EQ(parameters_.count, 1u);
  EXPECT_EQ(parameters_.values[0], "orders");
  EXPECT_EQ(match(Method::kGet, "/api/v1/orders/17"), 3);
  EXPECT_EQ(parameters_.values[1], "17");
  EXPECT_EQ(match(Method::kHead, "/api/v1/orders/17"), 3);
}

TEST_F(RouterTest, PrefersLiteralsButReturnsToParameters) {
  EXPECT_EQ(match(Method::kPost, "/api/v1/batch"), 4);
  // The literal does not take GET, the template of tables does.
  EXPECT_EQ(match(Method::kGet, "/api/v1/batch"), 1);
  EXPECT_EQ(parameters_.values[0], "batch");
  EXPECT_EQ(match(Method::kGet, "/api/v1/commands/x"), 3);
  EXPECT_EQ(match(Method::kGet, "/a/b/c"), 8);
  EXPECT_EQ(parameters_.count, 1u);
  EXPECT_EQ(parameters_.values[0], "b");
}

TEST_F(RouterTest, DecodesEachSegmentByItself) {
  EXPECT_EQ(match(Method::kGet, "/api/v1/orders/a%2Fb%20c%C3%A4"), 3);
  EXPECT_EQ(parameters_.values[1], "a/b cä");
  EXPECT_EQ(match(Method::kGet, "/api/v1/orders/a+b"), 3);
  EXPECT_EQ(parameters_.values[1], "a+b");
}

TEST_F(RouterTest, TakesTheRestOfAPath) {
  EXPECT_EQ(match(Method::kGet, "/files/a/b%20c.txt"), 7);
  EXPECT_EQ(parameters_.values[0], "a/b c.txt");
  EXPECT_EQ(match(Method::kGet, "/files/"), 7);
  EXPECT_EQ(parameters_.values[0], "");
  EXPECT_EQ(match(Method::kGet, "/files"), -404);
}

TEST_F(RouterTest, TellsAnUnknownPathFromAnUnknownMethod) {
  EXPECT_EQ(match(Method::kGet, "/nothing"), -404);
  EXPECT_EQ(match(Method::kGet, "/api/v1/"), -404);
  EXPECT_EQ(match(Method::kGet, "/api/v1/orders/"), -404);
  EXPECT_EQ(match(Method::kGet, "/api/v1/orders/1/2"), -404);
  EXPECT_EQ(match(Method::kGet, "*"), -404);
  EXPECT_EQ(match(Method::kDelete, "/api/v1/orders"), -405);
  EXPECT_EQ(match(Method::kOther, "/api/v1/orders"), -405);
  EXPECT_EQ(router_.allowed("/api/v1/orders"), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(router_.allowed("/api/v1/batch"), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(router_.allowed("/nothing"), "");
}

TEST_F(RouterTest, RefusesPathsThatAreNoText) {
  for (const char* path :
       {"/api/v1/%zz", "/api/v1/%4", "/api/v1/%00", "/api/v1/%ff", "/api/v1/%C0%AF", "/a/../b",
        "/a/./b", "/a/%2e%2E/b", "/a/.%2e", "/files/..%2f..", "/.."}) {
    if (std::string_view(path) == "/files/..%2f..") {
      // An encoded slash does not part segments; whoever joins paths must look for itself.
      EXPECT_EQ(match(Method::kGet, path), 7);
      continue;
    }
    EXPECT_EQ(match(Method::kGet, path), -400) << path;
  }
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "/x";
  EXPECT_EQ(match(Method::kGet, deep), -404);
}

TEST_F(RouterTest, RefusesRoutesThatClashOrMakeNoSense) {
  for (const char* path : {"/api/v1/{other}", "api", "/a/{b}c", "/a/{", "/{a b}", "/{}",
                           "/{x...}/y", "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}"}) {
    const auto added = router_.add(Method::kGet, path, 99);
    EXPECT_FALSE(added.has_value()) << path;
  }
}

TEST(Query, KeepsOrderAndDecodes) {
  const auto got = parse_query("price=gte.100&or=(a.b%2Cc)&x&y=&name=a+b%2B&&price=1=2");
  ASSERT_TRUE(got.has_value());
  ASSERT_EQ(got->size(), 6u);
  EXPECT_EQ((*got)[0].name, "price");
  EXPECT_EQ((*got)[1].value, "(a.b,c)");
  EXPECT_EQ((*got)[2].name, "x");
  EXPECT_EQ((*got)[4].value, "a b+");
  EXPECT_EQ((*got)[5].value, "1=2");
  EXPECT_TRUE(parse_query("")->empty());
}

TEST(Query, NamesTheParameterItRefuses) {
  for (const char* query : {"a=1&b=%", "a=1&b=%2", "a=1&b=%zz", "a=1&b=%00", "a=1&b=%ff"}) {
    const auto got = parse_query(query);
    ASSERT_FALSE(got.has_value()) << query;
    EXPECT_EQ(got.error().code, Code::kInvalidParameter);
    EXPECT_EQ(got.error().parameter, "b");
  }
}

}  // namespace
}  // namespace mettle::net

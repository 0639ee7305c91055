#include "features/data/merge_patch.h"

#include <gtest/gtest.h>

namespace mettle::data {
namespace {

TEST(MergePatch, IsAsTheStandardHasIt) {
  struct Case {
    const char* target;
    const char* patch;
    const char* made;
  };
  // What RFC 7396 promises, one line a promise.
  const Case cases[] = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", R"({})"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
      {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
      {R"({"a":"foo"})", "null", "null"},
      {R"({"a":"foo"})", "\"bar\"", "\"bar\""},
      {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
      {"[1,2]", R"({"a":"b","c":null})", R"({"a":"b"})"},
      {"{}", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
      {"null", R"({"a":1})", R"({"a":1})"},
      // What stays keeps its source: numbers beyond a double, escapes, order.
      {R"({"n":12345678901234567890.10,"z":"\u0041","a":1})", R"({"a":1E300})",
       R"({"n":12345678901234567890.10,"z":"\u0041","a":1E300})"},
      {R"({"a":1})", R"({"\u0061":2})", R"({"a":2})"},
      {R"({"a":[null,{"b":null}]})", R"({"c":[null]})", R"({"a":[null,{"b":null}],"c":[null]})"},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(merge_patch(each.target, each.patch), each.made) << each.target << each.patch;
  }
}

TEST(MergePatch, FindsMembersOfLargeObjects) {
  std::string target = "{";
  std::string patch = "{";
  std::string made = "{";
  for (int i = 0; i < 20'000; ++i) {
    target += fmt::format("{}\"m{}\":{}", i > 0 ? "," : "", i, i);
    patch += fmt::format("{}\"m{}\":{}", i > 0 ? "," : "", i, i % 2 == 0 ? "null" : "0");
    if (i % 2 == 1) made += fmt::format("{}\"m{}\":0", i > 1 ? "," : "", i);
  }
  EXPECT_EQ(merge_patch(target + "}", patch + "}"), made + "}");
}

}  // namespace
}  // namespace mettle::data

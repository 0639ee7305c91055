#include "base/json_read.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/limits.h"

namespace mettle {
namespace {

JsonDocument parsed(std::string_view text) {
  auto document = JsonDocument::parse(text);
  EXPECT_TRUE(document) << text << ": " << document.error().detail;
  return std::move(document).value();
}

// The offset of the fault, and words that its detail must hold.
void expect_fault(std::string_view text, size_t offset, std::string_view words) {
  const auto document = JsonDocument::parse(text);
  ASSERT_FALSE(document) << text;
  const Error& error = document.error();
  EXPECT_EQ(error.code, Code::kMalformedJson);
  EXPECT_EQ(error.offset, offset) << text;
  EXPECT_NE(error.detail.find(words), std::string::npos) << error.detail;
  EXPECT_EQ(error.detail.find("at byte " + std::to_string(offset) + ": "), 0U) << error.detail;
}

std::string nested(size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

TEST(JsonDocument, GivesTheMembersInOrderWithTheirKinds) {
  const std::string text =
      R"( {"a": null, "b":true, "c": -1.50e+2, "d":"x", "e": [1, [2, 3], {}], "f": {"g":false}} )";
  const JsonDocument document = parsed(text);
  std::string seen;
  for (const auto member : document.root().members()) {
    seen += member.key.text() + ":" + std::string(json_kind_name(member.value.kind())) + " ";
  }
  EXPECT_EQ(seen, "a:null b:boolean c:number d:string e:array f:object ");
  EXPECT_EQ(document.root().size(), 6U);
  EXPECT_TRUE(document.root().find("b")->boolean());
  EXPECT_FALSE(document.root().find("f")->find("g")->boolean());
  EXPECT_FALSE(document.root().find("g"));
  EXPECT_FALSE(document.root().find("a")->find("b"));
}

TEST(JsonDocument, GivesTheElementsAcrossNestedOnes) {
  const JsonDocument document = parsed("[1,[2,[3,4]],{\"a\":[5]},6]");
  std::string seen;
  for (const JsonNode element : document.root().elements()) {
    seen += std::string(element.source()) + " ";
  }
  EXPECT_EQ(seen, "1 [2,[3,4]] {\"a\":[5]} 6 ");
  EXPECT_EQ(document.root().size(), 4U);
  for ([[maybe_unused]] const auto none : document.root().members()) FAIL();
  const JsonDocument scalar = parsed("1");
  for ([[maybe_unused]] const auto none : scalar.root().elements()) FAIL();
}

TEST(JsonDocument, KeepsNumbersAsTheTokensTheyWere) {
  const JsonDocument document = parsed(
      "[12.50, 1e2, -0, 9223372036854775807, 9223372036854775808,"
      "-9223372036854775808, 1.0]");
  std::vector<JsonNode> n;
  for (const JsonNode element : document.root().elements()) n.push_back(element);
  EXPECT_EQ(n[0].number(), "12.50");
  EXPECT_EQ(n[0].integer(), std::nullopt);
  EXPECT_EQ(n[0].real(), 12.5);
  EXPECT_EQ(n[1].integer(), std::nullopt);
  EXPECT_EQ(n[2].integer(), 0);
  EXPECT_TRUE(std::signbit(n[2].real()));
  EXPECT_EQ(n[3].integer(), INT64_MAX);
  EXPECT_EQ(n[4].integer(), std::nullopt);
  EXPECT_EQ(n[4].real(), 9223372036854775808.0);
  EXPECT_EQ(n[5].integer(), INT64_MIN);
  EXPECT_EQ(n[6].integer(), std::nullopt);
}

TEST(JsonDocument, RefusesNumbersBeyondAFiniteDouble) {
  expect_fault("[1e400]", 1, "out of range");
  expect_fault("-1e400", 0, "out of range");
  expect_fault("1" + std::string(400, '0'), 0, "out of range");
  expect_fault("1e99999999999999999999999", 0, "out of range");
  EXPECT_EQ(parsed("1e-400").root().real(), 0.0);
  EXPECT_EQ(parsed("0e400").root().real(), 0.0);
  EXPECT_EQ(parsed("0." + std::string(400, '0') + "1").root().real(), 0.0);
  EXPECT_EQ(parsed("0." + std::string(400, '0') + "1e401").root().real(), 1.0);
  EXPECT_EQ(parsed("1.7976931348623157e308").root().real(), 1.7976931348623157e308);
  EXPECT_EQ(parsed("5e-324").root().real(), 5e-324);
}

TEST(JsonDocument, UnescapesStringsOnlyWhereNeeded) {
  const JsonDocument document =
      parsed(R"(["plain", "a\"\\\/\b\f\n\r\tz", "\u00fc\u20AC\ud83d\ude00", "\u0000"])");
  std::vector<std::string> texts;
  for (const JsonNode element : document.root().elements()) texts.push_back(element.text());
  EXPECT_EQ(texts[0], "plain");
  EXPECT_EQ(texts[1], "a\"\\/\b\f\n\r\tz");
  EXPECT_EQ(texts[2], "\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_EQ(texts[3], std::string(1, '\0'));
  std::string scratch;
  EXPECT_EQ((*document.root().elements().begin()).text(scratch).data(),
            document.source().data() + 2);
}

TEST(JsonDocument, FindsMembersWhoseNamesAreEscaped) {
  const JsonDocument document = parsed(R"({"\u0061b": 1})");
  EXPECT_EQ(document.root().find("ab")->integer(), 1);
}

TEST(JsonDocument, KnowsWhereEachValueLies) {
  const std::string text = R"({"a": [ 1 , {"b" : "x y"} ]})";
  const JsonDocument document = parsed(text);
  const JsonNode list = document.root().find("a").value();
  EXPECT_EQ(list.offset(), 6U);
  EXPECT_EQ(list.source(), R"([ 1 , {"b" : "x y"} ])");
  EXPECT_EQ((*document.root().members().begin()).key.offset(), 1U);
}

TEST(JsonDocument, MinifiesANodeWithoutTouchingItsTokens) {
  const std::string text = "{ \"a b\" : [ 1.50 ,\n\t\"x \\\" y\\\\\" , { } ] , \"c\":\r null }";
  EXPECT_EQ(parsed(text).root().minified(), "{\"a b\":[1.50,\"x \\\" y\\\\\",{}],\"c\":null}");
  EXPECT_EQ(parsed(text).root().find("a b")->minified(), "[1.50,\"x \\\" y\\\\\",{}]");
  EXPECT_EQ(parsed(" \"\" ").root().minified(), "\"\"");
}

TEST(JsonDocument, RefusesTheSecondOfTwoEqualKeys) {
  expect_fault(R"({"a":1,"b":2,"a":3})", 13, "twice");
  expect_fault(R"([{"x":{"a":1,"\u0061":3}}])", 13, "twice");
  expect_fault(R"({"":1,"":1})", 6, "twice");
  parsed(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]})");
}

TEST(JsonDocument, RefusesEqualKeysInLargeObjectsToo) {
  std::string text = "{";
  for (int i = 0; i < 1000; ++i) text += "\"k" + std::to_string(i) + "\":[{}],";
  const std::string good = text + "\"last\":1}";
  EXPECT_EQ(parsed(good).root().size(), 1001U);
  EXPECT_EQ(parsed(good).root().find("k999")->size(), 1U);
  expect_fault(text + "\"k7\":1,\"k3\":1}", text.size(), "twice");
}

TEST(JsonDocument, BoundsTheDepth) {
  parsed(nested(limits::kJsonDepth));
  expect_fault(nested(limits::kJsonDepth + 1), limits::kJsonDepth, "more than 64");
  expect_fault(std::string(100'000, '['), limits::kJsonDepth, "more than 64");
}

TEST(JsonDocument, TellsWhereTheFaultLies) {
  expect_fault("", 0, "empty");
  expect_fault("  ", 2, "empty");
  expect_fault("1 2", 2, "nothing may follow");
  expect_fault("{}\n]", 3, "nothing may follow");
  expect_fault("\xEF\xBB\xBF{}", 0, "byte order mark");
  expect_fault("[1,]", 3, "a value is expected");
  expect_fault("[1 2]", 3, "a comma or ]");
  expect_fault("{\"a\":1 \"b\":2}", 7, "a comma or }");
  expect_fault("{\"a\" 1}", 5, "a colon");
  expect_fault("{a:1}", 1, "double quotes");
  expect_fault("{\"a\":1,}", 7, "double quotes");
  expect_fault("[1", 2, "an array is not closed");
  expect_fault("{\"a\":1", 6, "an object is not closed");
  expect_fault("{", 1, "an object is not closed");
  expect_fault("[", 1, "the text ends");
  expect_fault("\"abc", 0, "a string is not closed");
  expect_fault("\"abc\\", 4, "a string is not closed");
  expect_fault("[nul]", 1, "words are");
  expect_fault("-", 1, "a digit");
  expect_fault("[01]", 1, "leading zeros");
  expect_fault("[1.]", 3, "after the point");
  expect_fault("[1e+]", 4, "in the exponent");
  expect_fault("\"a\nb\"", 2, "control character");
  expect_fault("\"a\\x\"", 2, "no such escape");
  expect_fault("\"\\u12G4\"", 1, "four hexadecimal digits");
  expect_fault(std::string_view("\"a\0\"", 4), 2, "control character");
}

TEST(JsonDocument, RefusesIllFormedTextInsideStrings) {
  expect_fault("\"abcdefghijkl\xFF\"", 13, "UTF-8");
  expect_fault("{\"\xC0\xAF\":1}", 2, "UTF-8");
  expect_fault("\"\xED\xA0\x80\"", 1, "UTF-8");
  expect_fault("\"a\xE2\x82", 2, "UTF-8");
  expect_fault(R"("ab\ud800")", 3, "high surrogate");
  expect_fault(R"("\ud800\u0041")", 1, "high surrogate");
  expect_fault(R"("\ud800\ud800")", 1, "high surrogate");
  expect_fault(R"("\udc00")", 1, "low surrogate");
  EXPECT_EQ(parsed("\"\xEF\xBF\xBF gr\xC3\xBC\xC3\x9F\"").root().text(),
            "\xEF\xBF\xBF gr\xC3\xBC\xC3\x9F");
}

TEST(JsonDocument, OutlivesAMoveWithItsNodes) {
  std::optional<JsonDocument> first = parsed("[1,2]");
  const JsonNode root = first->root();
  const JsonDocument second = std::move(*first);
  first.reset();
  EXPECT_EQ(root.size(), 2U);
  EXPECT_EQ(second.root().source(), "[1,2]");
}

}  // namespace
}  // namespace mettle

#include "base/json_write.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/datetime.h"
#include "base/fake_seams.h"
#include "base/id.h"
#include "base/json_read.h"

namespace mettle {
namespace {

TEST(JsonWriter, PlacesCommasByItself) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("a");
  json.begin_array();
  json.integer(1);
  json.begin_object();
  json.end_object();
  json.begin_array();
  json.end_array();
  json.null();
  json.end_array();
  json.key_fragment("\"b\":");
  json.string("x:");
  json.key("c");
  json.raw("[1]");
  json.key("d");
  json.boolean(false);
  json.key("e");
  json.unsigned_integer(UINT64_MAX);
  json.end_object();
  EXPECT_EQ(out, R"({"a":[1,{},[],null],"b":"x:","c":[1],"d":false,"e":18446744073709551615})");
}

TEST(JsonWriter, GoesOnAfterTheTextWasTakenAway) {
  std::string out = "[already there] ";
  JsonWriter json(out);
  json.begin_array();
  json.integer(1);
  out.clear();
  json.integer(2);
  json.end_array();
  EXPECT_EQ(out, ",2]");
}

TEST(JsonWriter, EscapesWhatMustBeAndNothingElse) {
  std::string out;
  append_json_string(out,
                     "quote\" back\\slash \b\f\n\r\t \x01\x1f / \x7f \xC3\xBC\xF0\x9F\x98\x80");
  EXPECT_EQ(
      out,
      "\"quote\\\" back\\\\slash \\b\\f\\n\\r\\t \\u0001\\u001f / \x7f \xC3\xBC\xF0\x9F\x98\x80\"");
  EXPECT_EQ(json_key_fragment("ti\"tle"), "\"ti\\\"tle\":");
}

TEST(JsonWriter, StringsReadBackTheSame) {
  FakeRandom random(5);
  for (int i = 0; i < 5'000; ++i) {
    std::string text(random.next() % 40, '\0');
    for (char& c : text) c = static_cast<char>(random.next() % 128);
    std::string out;
    append_json_string(out, text);
    const auto document = JsonDocument::parse(out);
    ASSERT_TRUE(document) << out;
    ASSERT_EQ(document->root().text(), text);
  }
}

TEST(JsonWriter, WritesTheShortestNumberThatReadsBackTheSame) {
  EXPECT_EQ(to_json(Value(0.1)), "0.1");
  EXPECT_EQ(to_json(Value(5.0)), "5");
  EXPECT_EQ(to_json(Value(1e22)), "1e+22");
  EXPECT_EQ(to_json(Value(std::numeric_limits<double>::denorm_min())), "5e-324");
  EXPECT_EQ(to_json(Value(INT64_MIN)), "-9223372036854775808");
}

TEST(JsonWriterDeathTest, RefusesToWriteWhatIsNoNumber) {
  std::string out;
  JsonWriter json(out);
  EXPECT_DEATH(json.real(std::nan("")), "CHECK failed");
}

TEST(JsonWriter, GivesEachKindItsWireForm) {
  EXPECT_EQ(to_json(Value()), "null");
  EXPECT_EQ(to_json(Value(true)), "true");
  EXPECT_EQ(to_json(Value(Decimal{1250, 2})), "\"12.50\"");
  EXPECT_EQ(to_json(Value("a\"b")), "\"a\\\"b\"");
  EXPECT_EQ(to_json(Value(Bytes{"foob"})), "\"Zm9vYg==\"");
  EXPECT_EQ(to_json(Value(*parse_uuid("0190ABCD-EF01-7234-8567-89ABCDEF0123"))),
            "\"0190abcd-ef01-7234-8567-89abcdef0123\"");
  EXPECT_EQ(to_json(Value(Timestamp{0})), "\"1970-01-01T00:00:00.000000Z\"");
  EXPECT_EQ(to_json(Value(Duration{3'600'000'000})), "\"3600s\"");
  EXPECT_EQ(to_json(Value(Date{0})), "\"1970-01-01\"");
  EXPECT_EQ(to_json(Value(TimeOfDay{1})), "\"00:00:00.000001\"");
  EXPECT_EQ(to_json(Value(Json{"{\"a\":1.50}"})), "{\"a\":1.50}");
  EXPECT_EQ(to_json(Value(List{Value(int64_t{1}), Value("x"), Value()})), "[1,\"x\",null]");
  EXPECT_EQ(to_json(Value(Map{{"a", Value(int64_t{1})}, {"b\n", Value(Map{})}})),
            "{\"a\":1,\"b\\n\":{}}");
  EXPECT_EQ(to_json(Value(Unknown{})), "null");
  EXPECT_EQ(to_json(Value(HUGE_VAL)), "null");
}

}  // namespace
}  // namespace mettle

#include "records/cursor.h"

#include <gtest/gtest.h>

#include "base/crypto.h"
#include "base/text.h"
#include "records/etag.h"

namespace mettle::records {
namespace {

using Values = std::vector<std::optional<Value>>;

const std::string kKey(32, 'k');

Values some_values() {
  Values values;
  values.emplace_back(Value(true));
  values.emplace_back(Value(int64_t{INT64_MIN}));
  values.emplace_back(Value(Decimal{-1250, 2}));
  values.emplace_back(Value(-0.1));
  values.emplace_back(Value("a\xC3\xA4"));
  values.emplace_back(Value(Bytes{std::string("\0x", 2)}));
  values.emplace_back(Value(Uuid{{1, 2, 3}}));
  values.emplace_back(Value(Timestamp{-5}));
  values.emplace_back(Value(Date{19'000}));
  values.emplace_back(Value(TimeOfDay{1}));
  values.emplace_back(Value(Json{"[1]"}));
  values.emplace_back(std::nullopt);
  return values;
}

std::vector<db::ColumnKind> kinds_of(const Values& values) {
  std::vector<db::ColumnKind> kinds;
  for (const auto& value : values) {
    const Kind kind = value ? value->kind() : Kind::kInt;
    kinds.push_back({kind, kind == Kind::kDecimal ? 2 : 0});
  }
  return kinds;
}

TEST(Cursor, ComesBackAsItWent) {
  const Values values = some_values();
  const auto back = decode_cursor(kKey, CursorShape("shape"), kinds_of(values),
                                  encode_cursor(kKey, CursorShape("shape"), values));
  ASSERT_TRUE(back);
  ASSERT_EQ(back->size(), values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ((*back)[i].has_value(), values[i].has_value()) << i;
    if (values[i]) {
      EXPECT_TRUE((*back)[i]->storage() == values[i]->storage()) << i;
    }
  }
}

TEST(Cursor, IsOfOneQueryAndOneNode) {
  const Values values = some_values();
  const auto kinds = kinds_of(values);
  const std::string cursor = encode_cursor(kKey, CursorShape("shape"), values);
  for (const auto& refused :
       {decode_cursor(kKey, CursorShape("other"), kinds, cursor),
        decode_cursor(std::string(32, 'x'), CursorShape("shape"), kinds, cursor),
        decode_cursor(kKey, CursorShape("shape"), {}, cursor),
        decode_cursor(kKey, CursorShape("shape"), kinds, ""),
        decode_cursor(kKey, CursorShape("shape"), kinds, "no base64url!")}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kInvalidCursor);
    EXPECT_EQ(refused.error().parameter, "cursor");
  }
}

TEST(Cursor, IsRefusedWithAnyBitChanged) {
  const Values values = some_values();
  const auto kinds = kinds_of(values);
  const std::string bytes = *decode_base64url(encode_cursor(kKey, CursorShape("shape"), values));
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string changed = bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(decode_cursor(kKey, CursorShape("shape"), kinds, encode_base64url(changed)))
        << bit;
  }
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(decode_cursor(kKey, CursorShape("shape"), kinds,
                               encode_base64url(bytes.substr(0, length))));
  }
}

// One that knows the key still gets no value of another kind.
TEST(Cursor, HoldsOnlyValuesOfTheKeysKinds) {
  Values text;
  text.emplace_back(Value("2024-02-30"));
  const std::string cursor = encode_cursor(kKey, CursorShape("shape"), text);
  EXPECT_TRUE(decode_cursor(kKey, CursorShape("shape"), {{Kind::kText, 0}}, cursor));
  for (const Kind kind : {Kind::kDate, Kind::kTime, Kind::kInt, Kind::kUuid, Kind::kFloat}) {
    EXPECT_FALSE(decode_cursor(kKey, CursorShape("shape"), {{kind, 0}}, cursor));
  }
}

// What a node with the key could have written wrongly, or another version of the format.
TEST(Cursor, RefusesWhatIsSignedAndYetNotItsFormat) {
  const auto read = [](char format, const std::string& payload, db::ColumnKind kind) {
    std::string data(1, format);
    data += as_text(sha256("shape")).substr(0, 8);
    data += payload;
    data += as_text(hmac_sha256(kKey, data)).substr(0, 16);
    return decode_cursor(kKey, CursorShape("shape"), {kind}, encode_base64url(data)).has_value();
  };
  const std::string integer = std::string("\1", 1) + std::string(8, '\0');
  EXPECT_TRUE(read(1, integer, {Kind::kInt, 0}));
  EXPECT_FALSE(read(2, integer, {Kind::kInt, 0}));
  EXPECT_FALSE(read(1, "", {Kind::kInt, 0}));
  EXPECT_FALSE(read(1, integer.substr(0, 8), {Kind::kInt, 0}));
  EXPECT_FALSE(read(1, integer, {Kind::kText, 0}));
  EXPECT_FALSE(read(1, "\2\1", {Kind::kFloat, 0}));
  EXPECT_FALSE(read(1, "\2" + std::string(8, '\0'), {Kind::kInt, 0}));
  EXPECT_FALSE(read(1, "\3", {Kind::kText, 0}));
  EXPECT_FALSE(read(1, std::string("\3\0\0\0\5abc", 8), {Kind::kText, 0}));
  EXPECT_TRUE(read(1, std::string("\3\0\0\0\3abc", 8), {Kind::kText, 0}));
  EXPECT_FALSE(read(1, "\4", {Kind::kBytes, 0}));
  EXPECT_FALSE(read(1, std::string("\4\0\0\0\3abc", 8), {Kind::kText, 0}));
  EXPECT_FALSE(read(1, std::string("\4\0\0\0\3abc", 8), {Kind::kUuid, 0}));
  EXPECT_FALSE(read(1, "\5", {Kind::kInt, 0}));
}

TEST(Etag, OfARowIsItsVersionAndBirth) {
  EXPECT_EQ(row_etag(3, 36), "\"3-10\"");
  EXPECT_EQ(row_etag(1, 0), "\"1-0\"");
  EXPECT_NE(body_etag("a"), body_etag("b"));
  EXPECT_EQ(body_etag("a"), body_etag("a"));
}

TEST(Etag, IsNamedByAHeader) {
  const std::string tag = "\"3-10\"";
  EXPECT_TRUE(etag_matches(tag, tag, false));
  EXPECT_TRUE(etag_matches("\"1-0\", \"3-10\"", tag, false));
  EXPECT_TRUE(etag_matches(" * ", tag, false));
  EXPECT_FALSE(etag_matches("\"3-1\"", tag, false));
  EXPECT_FALSE(etag_matches("3-10", tag, false));
  EXPECT_FALSE(etag_matches("", tag, false));
  EXPECT_FALSE(etag_matches("W/\"3-10\"", tag, false));  // strong comparison
  EXPECT_TRUE(etag_matches("W/\"3-10\"", tag, true));
}

}  // namespace
}  // namespace mettle::records

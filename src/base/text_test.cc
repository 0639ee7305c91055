#include "base/text.h"

#include <gtest/gtest.h>

#include "base/fake_seams.h"

namespace mettle {
namespace {

TEST(Utf8, AcceptsWhatIsWellFormed) {
  for (const char* text : {"", "plain ascii, longer than eight bytes", "\xC2\x80", "\xDF\xBF",
                           "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF",
                           "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "gr\xC3\xBC\xC3\x9F dich"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
}

TEST(Utf8, TellsWhereTheFirstFaultLies) {
  EXPECT_EQ(utf8_fault("\x80"), 0U);
  EXPECT_EQ(utf8_fault("abcdefghij\xC3"), 10U);
  EXPECT_EQ(utf8_fault("a\xC0\xAF"), 1U);          // overlong
  EXPECT_EQ(utf8_fault("a\xE0\x9F\xBF"), 1U);      // overlong
  EXPECT_EQ(utf8_fault("a\xED\xA0\x80"), 1U);      // surrogate
  EXPECT_EQ(utf8_fault("a\xF0\x8F\xBF\xBF"), 1U);  // overlong
  EXPECT_EQ(utf8_fault("a\xF4\x90\x80\x80"), 1U);  // above U+10FFFF
  EXPECT_EQ(utf8_fault("a\xF5\x80\x80\x80"), 1U);
  EXPECT_EQ(utf8_fault("a\xFF"), 1U);
  EXPECT_EQ(utf8_fault("\xE2\x82x"), 0U);
}

TEST(Utf8, CountsCodePoints) {
  EXPECT_EQ(count_code_points(""), 0U);
  EXPECT_EQ(count_code_points("a\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80"), 4U);
}

TEST(Utf8, WritesEveryCodePointSoThatItIsValid) {
  for (uint32_t c = 1; c <= 0x10FFFF; c += 101) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text;
    append_code_point(text, c);
    ASSERT_TRUE(is_utf8(text)) << c;
    ASSERT_EQ(utf8_length(text), text.size()) << c;
    ASSERT_EQ(count_code_points(text), 1U);
  }
}

TEST(Utf8, ReplacesWhatIsIllFormed) {
  EXPECT_EQ(to_valid_utf8("a\xFF"
                          "b\xE2\x82"),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD");
  EXPECT_EQ(to_valid_utf8("fine"), "fine");
}

TEST(Base64, MatchesTheExamplesOfTheRfc) {
  const std::pair<const char*, const char*> examples[] = {{"", ""},
                                                          {"f", "Zg=="},
                                                          {"fo", "Zm8="},
                                                          {"foo", "Zm9v"},
                                                          {"foob", "Zm9vYg=="},
                                                          {"fooba", "Zm9vYmE="},
                                                          {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : examples) {
    EXPECT_EQ(encode_base64(bytes), text);
    EXPECT_EQ(decode_base64(text), bytes);
  }
  EXPECT_EQ(encode_base64url("\xFB\xFF"), "-_8");
  EXPECT_EQ(decode_base64url("-_8"), "\xFB\xFF");
}

TEST(Base64, DecodesNothingThatItWouldNotWrite) {
  for (const char* text : {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zg==Zg==", "Z g=", "Zg==\n",
                           "====", "=", "Zm9v=", "-_8=", "Zm8=Zm8="}) {
    EXPECT_FALSE(decode_base64(text)) << text;
  }
  for (const char* text : {"Zg==", "Z", "Zh", "+/8", "Zm9v "}) {
    EXPECT_FALSE(decode_base64url(text)) << text;
  }
}

TEST(Encodings, ReadBackRandomBytes) {
  FakeRandom random(3);
  for (size_t size = 0; size < 200; ++size) {
    std::string bytes(size, '\0');
    random.fill({reinterpret_cast<uint8_t*>(bytes.data()), size});
    ASSERT_EQ(decode_base64(encode_base64(bytes)), bytes);
    ASSERT_EQ(decode_base64url(encode_base64url(bytes)), bytes);
    ASSERT_EQ(decode_hex(encode_hex(bytes)), bytes);
    ASSERT_EQ(percent_decode(percent_encode(bytes)), bytes);
  }
}

TEST(Hex, IsWrittenLowerAndReadInEitherCase) {
  EXPECT_EQ(encode_hex("\x01\xAB"), "01ab");
  EXPECT_EQ(decode_hex("01Ab"), "\x01\xAB");
  EXPECT_FALSE(decode_hex("0"));
  EXPECT_FALSE(decode_hex("0g"));
}

TEST(PercentEncoding, LeavesTheUnreservedAndRefusesHalfDigits) {
  EXPECT_EQ(percent_encode("a-Z_0.~/ %\xC3"), "a-Z_0.~%2F%20%25%C3");
  EXPECT_EQ(percent_decode("a+b%2fc"), "a+b/c");
  EXPECT_EQ(form_decode("a+b%2Bc"), "a b+c");
  for (const char* text : {"%", "%4", "%4g", "a%"}) EXPECT_FALSE(percent_decode(text)) << text;
}

TEST(Ascii, ComparesWithoutCaseAndLeavesOtherBytes) {
  EXPECT_TRUE(iequals("Content-Type", "content-tYPE"));
  EXPECT_FALSE(iequals("a", "ab"));
  EXPECT_FALSE(iequals("@", "`"));
  EXPECT_FALSE(iequals("\xC3\x84", "\xC3\xA4"));
  EXPECT_EQ(to_ascii_lower("AZ[\xC3\x84"), "az[\xC3\x84");
  EXPECT_TRUE(istarts_with("Bearer x", "bearer "));
  EXPECT_FALSE(istarts_with("Be", "bearer"));
}

TEST(Split, GivesOnePartMoreThanSeparators) {
  EXPECT_EQ(split("", ','), (std::vector<std::string_view>{""}));
  EXPECT_EQ(split("a,,b,", ','), (std::vector<std::string_view>{"a", "", "b", ""}));
  EXPECT_EQ(split_once("a=b=c", '=').second, "b=c");
  EXPECT_EQ(split_once("a", '=').second, std::nullopt);
  EXPECT_EQ(trim_ascii(" \ta b\t"), "a b");
  EXPECT_EQ(trim_ascii("  "), "");
}

}  // namespace
}  // namespace mettle

#include "rules/lexer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace mettle::rules {
namespace {

// The tokens, or "offset: message [fix]".
std::string read(std::string_view text) {
  std::vector<Token> tokens;
  SyntaxFault fault;
  if (!tokenize(text, tokens, fault)) {
    return fmt::format("{}: {}{}", fault.offset, fault.message,
                       fault.fix.empty() ? "" : " [" + fault.fix + "]");
  }
  std::string out;
  for (const Token& token : tokens) {
    if (token.kind == Token::Kind::kEnd) break;
    if (!out.empty()) out += ' ';
    out += token.kind == Token::Kind::kText    ? "'" + token.text + "'"
           : token.kind == Token::Kind::kFloat ? fmt::format("{}f", token.real)
                                               : token.text;
  }
  return out;
}

TEST(Lexer, PassesOverBlanksAndComments) {
  EXPECT_EQ(read(" a\t\r\n\fb // to the end\n c"), "a b c");
  EXPECT_EQ(read("a // the rule ends here"), "a");
  EXPECT_EQ(read("a / b"), "a / b");
}

TEST(Lexer, ReadsNamesOfLettersDigitsAndUnderscores) {
  EXPECT_EQ(read("aZ_09 _ AZ az"), "aZ_09 _ AZ az");
  EXPECT_EQ(read("r R b B rx Rx bx Bx"), "r R b B rx Rx bx Bx");
}

TEST(Lexer, ReadsNumbersInEachForm) {
  EXPECT_EQ(read("0 12 0xaF 0XAf09"), "0 12 0xaF 0XAf09");
  EXPECT_EQ(read("1.5 .5 1e2 1E2 1e+2 1e-2 1.5E-1"), "1.5f 0.5f 100f 100f 100f 0.01f 0.15f");
  EXPECT_EQ(read("1.a"), "1 . a");
  EXPECT_EQ(read("1 .. 2"), "1 . . 2");
  EXPECT_EQ(read("1e"), "0: a number must not run into a name");
  EXPECT_EQ(read("1e+"), "0: a number must not run into a name");
  EXPECT_EQ(read("12ab"), "0: a number must not run into a name");
  EXPECT_EQ(read("0x"), "0: digits must follow `0x`");
  EXPECT_EQ(read("0xg"), "0: digits must follow `0x`");
  EXPECT_EQ(read("0xG"), "0: digits must follow `0x`");
  EXPECT_EQ(read("7U"), "0: unsigned numbers are not part of rules; ints have 64 bits [7]");
  EXPECT_EQ(read("7u"), "0: unsigned numbers are not part of rules; ints have 64 bits [7]");
  EXPECT_EQ(read("1e999"), "0: the number does not fit a float");
  EXPECT_EQ(read("1e-999"), "0f");
}

TEST(Lexer, ReadsTextInEachForm) {
  EXPECT_EQ(read(R"('a' "b" 'it"s' "it's")"), R"('a' 'b' 'it"s' 'it's')");
  EXPECT_EQ(read("'''a'b''c'''"), "'a'b''c'");
  EXPECT_EQ(read("\"\"\"a\"\nb\"\"\""), "'a\"\nb'");
  EXPECT_EQ(read("'' \"\""), "'' ''");
  EXPECT_EQ(read(R"(r'a\nb' R"c\d" r"e" R'f')"), R"('a\nb' 'c\d' 'e' 'f')");
  EXPECT_EQ(read(R"(r'a\'b\\')"), R"('a\'b\\')");
  for (const char* open : {"'a", "'a\nb'", "'a\rb'", "'''a''", "\"a'", "r'a\\"}) {
    EXPECT_TRUE(read(open).ends_with(": the text is not closed")) << open;
  }
  for (const char* bytes : {"b'a'", "B'a'", "b\"a\"", "B\"a\""}) {
    EXPECT_EQ(read(bytes), "0: literals of bytes are not part of rules");
  }
}

TEST(Lexer, ReadsEachEscape) {
  EXPECT_EQ(read(R"('\\\?\"\'\`')"), "'\\?\"'`'");
  EXPECT_EQ(read(R"('\a\b\f\n\r\t\v')"), "'\a\b\f\n\r\t\v'");
  EXPECT_EQ(read(R"('\101\377')"), "'A\xC3\xBF'");
  EXPECT_EQ(read(R"('\x41\X4a')"), "'AJ'");
  EXPECT_EQ(read(R"('\u00e4\u20AC\U0001F600\U0010ffff')"),
            "'\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF'");
  EXPECT_EQ(read(R"('\0')"), "1: an octal escape has three digits");
  EXPECT_EQ(read(R"('\18a')"), "1: an octal escape has three digits");
  EXPECT_EQ(read(R"('\1/1')"), "1: an octal escape has three digits");
  EXPECT_EQ(read(R"('\000')"), "1: text must not hold NUL");
  EXPECT_EQ(read(R"('\x4g')"), "1: the escape wants 2 hex digits");
  EXPECT_EQ(read(R"('\u12')"), "1: the escape wants 4 hex digits");
  EXPECT_EQ(read(R"('\U0011')"), "1: the escape wants 8 hex digits");
  EXPECT_EQ(read(R"('\U00110000')"), "1: the escape is not a code point");
  EXPECT_EQ(read(R"('\udfff')"), "1: the escape is not a code point");
  EXPECT_EQ(read(R"('\uE000')"), "'\xEE\x80\x80'");
  EXPECT_EQ(read(R"('\q')"), R"(1: the escape is not one of CEL's [\\])");
  EXPECT_EQ(read(R"('\4')"), R"(1: the escape is not one of CEL's [\\])");
  EXPECT_EQ(read("'\\"), R"(1: the escape is not one of CEL's [\\])");
  EXPECT_EQ(read("'\\!'"), R"(1: the escape is not one of CEL's [\\])");
}

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
TEST(Lexer, TakesTextThatIsUtf8Only) {
  for (const std::string text :
       {"\xC2\x80", "\xE0\xA0\x80", "\xE1\x80\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xF0\x90\x80\x80", "\xF1\x80\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_EQ(read("'" + text + "'"), "'" + text + "'");
  }
  for (const std::string text :
       {"\x80", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE2\x82(",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    EXPECT_EQ(read("'" + text + "'"), "1: the rule is not valid UTF-8");
  }
  EXPECT_EQ(read("'\xE2\x82"), "1: the rule is not valid UTF-8");
  EXPECT_EQ(read(std::string_view("'\0'", 3)), "1: text must not hold NUL");
}

TEST(Lexer, SaysWhatASymbolShouldHaveBeen) {
  EXPECT_EQ(read("== != <= >= && || < > ! + - * / % ? : . , ( ) [ ]"),
            "== != <= >= && || < > ! + - * / % ? : . , ( ) [ ]");
  EXPECT_EQ(read("a === b"), "2: `===` is not an operator [==]");
  EXPECT_EQ(read("a <> b"), "2: `<>` is not an operator [!=]");
  EXPECT_EQ(read("a = b"), "2: `=` does not compare [==]");
  EXPECT_EQ(read("a & b"), "2: `&` is not an operator [&&]");
  EXPECT_EQ(read("a | b"), "2: `|` is not an operator [||]");
  EXPECT_EQ(read("{}"), "0: maps and messages are not part of rules");
  EXPECT_EQ(read("a # b"), "2: `#` has no meaning in a rule");
  EXPECT_EQ(read("\xE2\x82\xAC"), "0: `\xE2\x82\xAC` has no meaning in a rule");
  EXPECT_EQ(read("\x01"), "0: a control character has no meaning");
  EXPECT_EQ(read("\x80"), "0: the rule is not valid UTF-8");
}

}  // namespace
}  // namespace mettle::rules

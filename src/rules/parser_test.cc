#include "rules/parser.h"

#include <gtest/gtest.h>

namespace mettle::rules {
namespace {

// The tree as text, every operation in parentheses.
std::string show(const Syntax& s) {
  using K = Syntax::Kind;
  const auto args = [&s](size_t from) {
    std::string out;
    for (size_t i = from; i < s.args.size(); ++i) out += (i > from ? "," : "") + show(*s.args[i]);
    return out;
  };
  switch (s.kind) {
    case K::kLiteral:
      switch (s.value.kind()) {
        case Kind::kNull:
          return "null";
        case Kind::kBool:
          return s.value.boolean() ? "true" : "false";
        case Kind::kInt:
          return std::to_string(s.value.integer());
        case Kind::kFloat:
          return fmt::format("{}f", s.value.real());
        default:
          return "'" + s.value.text() + "'";
      }
    case K::kName:
      return s.name;
    case K::kMember:
      return show(*s.args[0]) + "." + s.name;
    case K::kElement:
      return show(*s.args[0]) + "[" + show(*s.args[1]) + "]";
    case K::kCall:
      return s.name + "(" + args(0) + ")";
    case K::kMethod:
      return show(*s.args[0]) + "." + s.name + "(" + args(1) + ")";
    case K::kUnary:
      return "(" + s.name + show(*s.args[0]) + ")";
    case K::kBinary:
      return "(" + show(*s.args[0]) + " " + s.name + " " + show(*s.args[1]) + ")";
    case K::kLogic: {
      std::string out = "(";
      for (size_t i = 0; i < s.args.size(); ++i) {
        out += (i ? " " + s.name + " " : "") + show(*s.args[i]);
      }
      return out + ")";
    }
    case K::kConditional:
      return "(" + show(*s.args[0]) + " ? " + show(*s.args[1]) + " : " + show(*s.args[2]) + ")";
    case K::kList:
      return "[" + args(0) + "]";
  }
  return "?";
}

std::string parsed(std::string_view text) {
  SyntaxFault fault;
  const SyntaxRef tree = parse(text, fault);
  return tree ? show(*tree)
              : "fault at " + std::to_string(fault.offset) + ": " + fault.message +
                    (fault.fix.empty() ? "" : " [" + fault.fix + "]");
}

TEST(Parser, BindsAsTheCelSpecificationSays) {
  EXPECT_EQ(parsed("a || b && c"), "(a || (b && c))");
  EXPECT_EQ(parsed("a && b && c || d"), "((a && b && c) || d)");
  EXPECT_EQ(parsed("1 + 2 * 3 - 4"), "((1 + (2 * 3)) - 4)");
  EXPECT_EQ(parsed("a == b + 1 && !c"), "((a == (b + 1)) && (!c))");
  EXPECT_EQ(parsed("a ? b : c ? d : e"), "(a ? b : (c ? d : e))");
  EXPECT_EQ(parsed("-a.b[0] % 2"), "((-a.b[0]) % 2)");
  EXPECT_EQ(parsed("'x' in a.b || !!c"), "(('x' in a.b) || (!(!c)))");
  EXPECT_EQ(parsed("l.exists(x, x.y > size(z))"), "l.exists(x,(x.y > size(z)))");
  EXPECT_EQ(parsed("(a || b) && [1, 2,]"), "((a || b) && [1,2])");
  EXPECT_EQ(parsed("a // a comment\n == 1"), "(a == 1)");
}

TEST(Parser, ReadsEveryFormOfLiteral) {
  EXPECT_EQ(parsed("-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(parsed("0xFf"), "255");
  EXPECT_EQ(parsed("1.5e3"), "1500f");
  EXPECT_EQ(parsed(".5"), "0.5f");
  EXPECT_EQ(parsed("null"), "null");
  EXPECT_EQ(parsed(R"('a\n\x41\u00e9\U0001F600\101\'')"), "'a\nA\u00e9\U0001F600A''");
  EXPECT_EQ(parsed(R"(r'a\n')"), R"('a\n')");
  EXPECT_EQ(parsed("'''a'b\nc'''"), "'a'b\nc'");
  EXPECT_EQ(parsed(R"("it's")"), "'it's'");
}

TEST(Parser, SaysWhatMustBeWrittenInstead) {
  EXPECT_EQ(parsed("a = 1"), "fault at 2: `=` does not compare [==]");
  EXPECT_EQ(parsed("a and b"), "fault at 2: `and` is not an operator [&&]");
  EXPECT_EQ(parsed("not a"), "fault at 0: `not` is not an operator [!]");
  EXPECT_EQ(parsed("a <> b"), "fault at 2: `<>` is not an operator [!=]");
  EXPECT_EQ(parsed("a =="), "fault at 4: the rule ends where a value must stand");
  EXPECT_EQ(parsed("'a"), "fault at 0: the text is not closed");
  EXPECT_EQ(parsed("9223372036854775808"), "fault at 0: the number does not fit 64 bits");
  EXPECT_EQ(parsed("1u"),
            "fault at 0: unsigned numbers are not part of rules; ints have 64 bits [1]");
  EXPECT_EQ(parsed("a b"),
            "fault at 2: `b` stands where an operator or the end of the rule must stand");
  EXPECT_EQ(parsed("{'a': 1}"), "fault at 0: maps and messages are not part of rules");
  EXPECT_EQ(parsed("'\\ud800'"), "fault at 1: the escape is not a code point");
  EXPECT_EQ(parsed("''\xff"), "fault at 2: the rule is not valid UTF-8");
  EXPECT_EQ(parsed(""), "fault at 0: the rule ends where a value must stand");
}

TEST(Parser, SaysWhatIsMissingWhereItIsMissing) {
  EXPECT_EQ(parsed("a ? b"), "fault at 5: the rule ends where `:` must stand");
  EXPECT_EQ(parsed("a ? "), "fault at 4: the rule ends where a value must stand");
  EXPECT_EQ(parsed("a ? b : "), "fault at 8: the rule ends where a value must stand");
  EXPECT_EQ(parsed("a.'x'"), "fault at 2: a text stands where a name must stand");
  EXPECT_EQ(parsed("a.f(1"), "fault at 5: the rule ends where `,` or `)` must stand");
  EXPECT_EQ(parsed("a.f(,)"), "fault at 4: `,` stands where a value must stand");
  EXPECT_EQ(parsed("a[]"), "fault at 2: `]` stands where a value must stand");
  EXPECT_EQ(parsed("a[1"), "fault at 3: the rule ends where `]` must stand");
  EXPECT_EQ(parsed("(a"), "fault at 2: the rule ends where `)` must stand");
  EXPECT_EQ(parsed("()"), "fault at 1: `)` stands where a value must stand");
  EXPECT_EQ(parsed("[1 2]"), "fault at 3: `2` stands where `,` or `]` must stand");
  EXPECT_EQ(parsed("[1, "), "fault at 4: the rule ends where a value must stand");
  EXPECT_EQ(parsed("f(1,)"), "fault at 4: `)` stands where a value must stand");
  EXPECT_EQ(parsed("a && "), "fault at 5: the rule ends where a value must stand");
  EXPECT_EQ(parsed("!"), "fault at 1: the rule ends where a value must stand");
  EXPECT_EQ(parsed("a in in"), "fault at 5: `in` stands where a value must stand");
  EXPECT_EQ(parsed("NOT a"), "fault at 0: `NOT` is not an operator [!]");
  EXPECT_EQ(parsed("a is b"), "fault at 2: `is` is not an operator [==]");
  EXPECT_EQ(parsed("0XfF"), "255");
  EXPECT_EQ(parsed("-0x8000000000000000"), "-9223372036854775808");
  EXPECT_EQ(parsed("f() == []"), "(f() == [])");
}

TEST(Parser, BoundsLengthDepthAndParts) {
  EXPECT_EQ(parsed(std::string(4097, ' ')), "fault at 0: a rule has at most 4096 bytes");
  EXPECT_NE(parsed(std::string(2000, '(')).find("nested deeper"), std::string::npos);
  EXPECT_NE(parsed(std::string(2000, '!') + "a").find("nested deeper"), std::string::npos);
  std::string sum = "1";
  for (int i = 0; i < 100; ++i) sum += "+1";
  EXPECT_NE(parsed(sum).find("nested deeper"), std::string::npos);
  std::string wide = "a";
  for (int i = 0; i < 500; ++i) wide += "||a";
  EXPECT_TRUE(parsed(wide).starts_with("(a || a"));
  for (int i = 0; i < 200; ++i) wide += "||a";
  EXPECT_NE(parsed(wide).find("more than 600 parts"), std::string::npos);
  std::string list = "[0";
  for (int i = 0; i < 700; ++i) list += ",0";
  EXPECT_NE(parsed(list + "]").find("more than 600 parts"), std::string::npos);
  std::string members = "a";
  for (int i = 0; i < 100; ++i) members += ".a";
  EXPECT_NE(parsed(members).find("nested deeper"), std::string::npos);
}

}  // namespace
}  // namespace mettle::rules

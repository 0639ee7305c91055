#include "rules/parser.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/check.h"

namespace mettle::rules {
namespace {

class Parser {
 public:
  Parser(const std::vector<Token>& tokens, SyntaxFault& fault) : tokens_(tokens), fault_(fault) {}

  SyntaxRef run() {
    SyntaxRef tree = expression();
    if (!tree) return nullptr;
    if (now().kind != Token::Kind::kEnd) return unexpected("an operator or the end of the rule");
    return tree;
  }

 private:
  const Token& now() const { return tokens_[at_]; }
  bool is(std::string_view symbol) const {
    return now().kind == Token::Kind::kSymbol && now().text == symbol;
  }
  bool is_word(std::string_view word) const {
    return now().kind == Token::Kind::kName && now().text == word;
  }
  bool take(std::string_view symbol) {
    if (!is(symbol)) return false;
    ++at_;
    return true;
  }
  std::nullptr_t fail(uint32_t offset, std::string message, std::string fix = {}) {
    fault_ = {offset, std::move(message), std::move(fix)};
    return nullptr;
  }
  std::nullptr_t unexpected(std::string_view wanted) {
    static constexpr std::pair<std::string_view, std::string_view> kWords[] = {
        {"and", "&&"}, {"AND", "&&"}, {"or", "||"}, {"OR", "||"}, {"is", "=="}, {"IS", "=="}};
    if (now().kind == Token::Kind::kEnd) {
      return fail(now().offset, "the rule ends where " + std::string(wanted) + " must stand");
    }
    for (const auto& [word, fix] : kWords) {
      if (is_word(word)) {
        return fail(now().offset, "`" + std::string(word) + "` is not an operator",
                    std::string(fix));
      }
    }
    const std::string found = now().kind == Token::Kind::kText ? "a text" : "`" + now().text + "`";
    return fail(now().offset, found + " stands where " + std::string(wanted) + " must stand");
  }

  // Every node passes here, so the bounds hold for all trees.
  SyntaxRef make(Syntax::Kind kind, uint32_t offset, std::string name = {},
                 std::vector<SyntaxRef> args = {}) {
    if (++nodes_ > kRuleNodesMax) {
      return fail(offset, "the rule has more than " + std::to_string(kRuleNodesMax) + " parts");
    }
    auto node = std::make_unique<Syntax>();
    node->kind = kind;
    node->offset = offset;
    node->name = std::move(name);
    for (SyntaxRef& arg : args) {
      CHECK(arg != nullptr);  // a fault ends the parse where it is found
      node->depth = std::max(node->depth, arg->depth + 1);
    }
    if (node->depth > kRuleDepthMax) return too_deep(offset);
    node->args = std::move(args);
    return node;
  }
  SyntaxRef make(Syntax::Kind kind, uint32_t offset, std::string name, SyntaxRef a,
                 SyntaxRef b = nullptr, SyntaxRef c = nullptr) {
    std::vector<SyntaxRef> args;
    args.push_back(std::move(a));
    if (b) args.push_back(std::move(b));
    if (c) args.push_back(std::move(c));
    return make(kind, offset, std::move(name), std::move(args));
  }
  std::nullptr_t too_deep(uint32_t offset) {
    return fail(offset,
                "the rule is nested deeper than " + std::to_string(kRuleDepthMax) + " levels");
  }

  SyntaxRef expression() {
    if (++nesting_ > kRuleDepthMax) return too_deep(now().offset);
    SyntaxRef out = conditional();
    --nesting_;
    return out;
  }

  SyntaxRef conditional() {
    SyntaxRef condition = logic(true);
    if (!condition || !is("?")) return condition;
    const uint32_t offset = now().offset;
    ++at_;
    SyntaxRef then = logic(true);
    if (!then) return nullptr;
    if (!take(":")) return unexpected("`:`");
    SyntaxRef otherwise = expression();
    if (!otherwise) return nullptr;
    return make(Syntax::Kind::kConditional, offset, "?:", std::move(condition), std::move(then),
                std::move(otherwise));
  }

  SyntaxRef logic(bool is_or) {
    const std::string_view symbol = is_or ? "||" : "&&";
    SyntaxRef first = is_or ? logic(false) : relation();
    if (!first || !is(symbol)) return first;
    const uint32_t offset = now().offset;
    std::vector<SyntaxRef> args;
    args.push_back(std::move(first));
    while (take(symbol)) {
      args.push_back(is_or ? logic(false) : relation());
      if (!args.back()) return nullptr;
    }
    return make(Syntax::Kind::kLogic, offset, std::string(symbol), std::move(args));
  }

  bool binary_here(int level) const {
    if (level == 0) {
      return is("==") || is("!=") || is("<") || is("<=") || is(">") || is(">=") || is_word("in");
    }
    if (level == 1) return is("+") || is("-");
    return is("*") || is("/") || is("%");
  }
  SyntaxRef relation() { return binary(0); }
  SyntaxRef binary(int level) {
    SyntaxRef left = level == 2 ? unary() : binary(level + 1);
    while (left && binary_here(level)) {
      const Token& op = now();
      ++at_;
      SyntaxRef right = level == 2 ? unary() : binary(level + 1);
      if (!right) return nullptr;
      left = make(Syntax::Kind::kBinary, op.offset, op.text, std::move(left), std::move(right));
    }
    return left;
  }

  SyntaxRef unary() {
    if (!is("!") && !is("-")) return postfix(primary());
    const Token& op = now();
    ++at_;
    if (op.text == "-" && now().kind == Token::Kind::kInt) return postfix(integer(true));
    if (++nesting_ > kRuleDepthMax) return too_deep(op.offset);
    SyntaxRef operand = unary();
    --nesting_;
    if (!operand) return nullptr;
    return make(Syntax::Kind::kUnary, op.offset, op.text, std::move(operand));
  }

  SyntaxRef postfix(SyntaxRef base) {
    while (base) {
      if (take(".")) {
        if (now().kind != Token::Kind::kName) return unexpected("a name");
        const Token& name = now();
        ++at_;
        if (!take("(")) {
          base = make(Syntax::Kind::kMember, name.offset, name.text, std::move(base));
          continue;
        }
        std::vector<SyntaxRef> args;
        args.push_back(std::move(base));
        if (!list(")", args)) return nullptr;
        base = make(Syntax::Kind::kMethod, name.offset, name.text, std::move(args));
      } else if (is("[")) {
        const uint32_t offset = now().offset;
        ++at_;
        SyntaxRef index = expression();
        if (!index) return nullptr;
        if (!take("]")) return unexpected("`]`");
        base = make(Syntax::Kind::kElement, offset, {}, std::move(base), std::move(index));
      } else {
        return base;
      }
    }
    return nullptr;
  }

  // Expressions with commas up to `close`, which is taken.
  bool list(std::string_view close, std::vector<SyntaxRef>& out) {
    if (take(close)) return true;
    for (;;) {
      out.push_back(expression());
      if (!out.back()) return false;
      if (take(close)) return true;
      if (!take(",")) {
        unexpected("`,` or `" + std::string(close) + "`");
        return false;
      }
      if (close == "]" && take(close)) return true;  // CEL allows a comma after the last element
    }
  }

  SyntaxRef primary() {
    const Token& token = now();
    switch (token.kind) {
      case Token::Kind::kInt:
        return integer(false);
      case Token::Kind::kFloat:
        ++at_;
        return literal(token.offset, Value(token.real));
      case Token::Kind::kText:
        ++at_;
        return literal(token.offset, Value(token.text));
      case Token::Kind::kName:
        return name();
      default:
        break;
    }
    if (take("(")) {
      SyntaxRef inner = expression();
      if (!inner) return nullptr;
      if (!take(")")) return unexpected("`)`");
      return inner;
    }
    if (take("[")) {
      std::vector<SyntaxRef> elements;
      if (!list("]", elements)) return nullptr;
      return make(Syntax::Kind::kList, token.offset, {}, std::move(elements));
    }
    return unexpected("a value");
  }

  SyntaxRef name() {
    const Token& token = now();
    if (token.text == "in") return unexpected("a value");
    ++at_;
    if (token.text == "true") return literal(token.offset, Value(true));
    if (token.text == "false") return literal(token.offset, Value(false));
    if (token.text == "null") return literal(token.offset, Value(Null{}));
    if (token.text == "not" || token.text == "NOT") {
      return fail(token.offset, "`" + token.text + "` is not an operator", "!");
    }
    if (!take("(")) return make(Syntax::Kind::kName, token.offset, token.text);
    std::vector<SyntaxRef> args;
    if (!list(")", args)) return nullptr;
    return make(Syntax::Kind::kCall, token.offset, token.text, std::move(args));
  }

  SyntaxRef literal(uint32_t offset, Value value) {
    SyntaxRef node = make(Syntax::Kind::kLiteral, offset);
    if (node) node->value = std::move(value);
    return node;
  }

  // With its sign, since -9223372036854775808 is an int and 9223372036854775808 is not.
  SyntaxRef integer(bool negative) {
    const Token& token = now();
    ++at_;
    std::string digits = negative ? "-" : "";
    int base = 10;
    if (token.text.starts_with("0x") || token.text.starts_with("0X")) {
      base = 16;
      digits += token.text.substr(2);
    } else {
      digits += token.text;
    }
    int64_t value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    CHECK(end == digits.data() + digits.size());  // the lexer lets digits through only
    if (error != std::errc()) {
      return fail(token.offset, "the number does not fit 64 bits");
    }
    return literal(token.offset, Value(value));
  }

  const std::vector<Token>& tokens_;
  SyntaxFault& fault_;
  size_t at_ = 0;
  int nodes_ = 0;
  int nesting_ = 0;
};

}  // namespace

SyntaxRef parse(std::string_view text, SyntaxFault& fault) {
  fault = {};
  if (text.size() > kRuleBytesMax) {
    fault = {0, "a rule has at most " + std::to_string(kRuleBytesMax) + " bytes", {}};
    return nullptr;
  }
  std::vector<Token> tokens;
  if (!tokenize(text, tokens, fault)) return nullptr;
  return Parser(tokens, fault).run();
}

}  // namespace mettle::rules

#include "rules/lexer.h"

#include <array>
#include <cmath>
#include <cstdlib>

namespace mettle::rules {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_utf8(std::string& out, uint32_t c) {
  const auto add = [&out](uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    add(c);
  } else if (c < 0x800) {
    add(0xC0 | (c >> 6));
    add(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    add(0xE0 | (c >> 12));
    add(0x80 | ((c >> 6) & 0x3F));
    add(0x80 | (c & 0x3F));
  } else {
    add(0xF0 | (c >> 18));
    add(0x80 | ((c >> 12) & 0x3F));
    add(0x80 | ((c >> 6) & 0x3F));
    add(0x80 | (c & 0x3F));
  }
}

// The length of the UTF-8 sequence at `at`, 0 if it is not one.
size_t sequence_length(std::string_view s, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(s[i]); };
  const uint8_t lead = byte(at);
  if (lead < 0x80) return 1;
  const size_t n = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || at + n > s.size()) return 0;
  for (size_t i = 1; i < n; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  }
  const uint8_t second = byte(at + 1);
  if (lead == 0xE0 && second < 0xA0) return 0;
  if (lead == 0xED && second > 0x9F) return 0;
  if (lead == 0xF0 && second < 0x90) return 0;
  if (lead == 0xF4 && second > 0x8F) return 0;
  return n;
}

class Lexer {
 public:
  Lexer(std::string_view text, std::vector<Token>& tokens, SyntaxFault& fault)
      : text_(text), tokens_(tokens), fault_(fault) {}

  bool run() {
    for (;;) {
      skip_blanks();
      const size_t start = at_;
      Token token;
      token.offset = static_cast<uint32_t>(start);
      if (at_ < text_.size() && !next(token)) return false;
      token.end = static_cast<uint32_t>(at_);
      tokens_.push_back(std::move(token));
      if (tokens_.back().kind == Token::Kind::kEnd) return true;
    }
  }

 private:
  char peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool fail(size_t offset, std::string message, std::string fix = {}) {
    fault_ = {static_cast<uint32_t>(offset), std::move(message), std::move(fix)};
    return false;
  }

  void skip_blanks() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
        ++at_;
      } else if (c == '/' && peek(1) == '/') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else {
        return;
      }
    }
  }

  bool next(Token& token) {
    const char c = peek();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number(token);
    if (c == '\'' || c == '"') return text(token, false);
    if ((c == 'r' || c == 'R') && (peek(1) == '\'' || peek(1) == '"')) {
      ++at_;
      return text(token, true);
    }
    if ((c == 'b' || c == 'B') && (peek(1) == '\'' || peek(1) == '"')) {
      return fail(at_, "literals of bytes are not part of rules");
    }
    if (is_letter(c)) {
      const size_t start = at_;
      while (is_letter(peek()) || is_digit(peek())) ++at_;
      token.kind = Token::Kind::kName;
      token.text = text_.substr(start, at_ - start);
      return true;
    }
    return symbol(token);
  }

  bool symbol(Token& token) {
    static constexpr std::array<std::string_view, 21> kSymbols = {
        "==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "+", "-",
        "*",  "/",  "%",  "?",  ":",  ".",  ",", "(", ")", "["};
    token.kind = Token::Kind::kSymbol;
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with("<>")) return fail(at_, "`<>` is not an operator", "!=");
    if (rest.starts_with("===")) return fail(at_, "`===` is not an operator", "==");
    for (std::string_view s : kSymbols) {
      if (!rest.starts_with(s)) continue;
      token.text = s;
      at_ += s.size();
      return true;
    }
    if (rest[0] == ']') {
      token.text = "]";
      ++at_;
      return true;
    }
    if (rest[0] == '=') return fail(at_, "`=` does not compare", "==");
    if (rest[0] == '&') return fail(at_, "`&` is not an operator", "&&");
    if (rest[0] == '|') return fail(at_, "`|` is not an operator", "||");
    if (rest[0] == '{') return fail(at_, "maps and messages are not part of rules");
    const size_t length = sequence_length(text_, at_);
    if (length == 0) return fail(at_, "the rule is not valid UTF-8");
    if (static_cast<uint8_t>(rest[0]) < 0x20)
      return fail(at_, "a control character has no meaning");
    return fail(at_, "`" + std::string(rest.substr(0, length)) + "` has no meaning in a rule");
  }

  bool number(Token& token) {
    const size_t start = at_;
    if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X')) {
      at_ += 2;
      while (hex_digit(peek()) >= 0) ++at_;
      if (at_ == start + 2) return fail(start, "digits must follow `0x`");
      token.kind = Token::Kind::kInt;
    } else {
      bool real = false;
      while (is_digit(peek())) ++at_;
      if (peek() == '.' && is_digit(peek(1))) {
        real = true;
        ++at_;
        while (is_digit(peek())) ++at_;
      }
      if (peek() == 'e' || peek() == 'E') {
        const size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
        if (is_digit(peek(1 + sign))) {
          real = true;
          at_ += 1 + sign;
          while (is_digit(peek())) ++at_;
        }
      }
      token.kind = real ? Token::Kind::kFloat : Token::Kind::kInt;
    }
    if (peek() == 'u' || peek() == 'U') {
      return fail(start, "unsigned numbers are not part of rules; ints have 64 bits",
                  std::string(text_.substr(start, at_ - start)));
    }
    if (is_letter(peek())) return fail(start, "a number must not run into a name");
    token.text = text_.substr(start, at_ - start);
    if (token.kind == Token::Kind::kFloat) {
      // strtod, since from_chars does not tell what is too small, and is 0, from what is too large.
      token.real = std::strtod(std::string(token.text).c_str(), nullptr);
      if (!std::isfinite(token.real)) return fail(start, "the number does not fit a float");
    }
    return true;
  }

  bool text(Token& token, bool raw) {
    token.kind = Token::Kind::kText;
    const size_t start = at_;
    const char quote = peek();
    const bool triple = peek(1) == quote && peek(2) == quote;
    at_ += triple ? 3 : 1;
    for (;;) {
      if (at_ >= text_.size() || (!triple && (peek() == '\n' || peek() == '\r'))) {
        return fail(start, "the text is not closed");
      }
      if (peek() == quote && (!triple || (peek(1) == quote && peek(2) == quote))) {
        at_ += triple ? 3 : 1;
        return true;
      }
      if (peek() == '\\' && !raw) {
        if (!escape(token.text)) return false;
        continue;
      }
      if (peek() == '\\' &&
          at_ + 1 < text_.size()) {  // raw: the backslash stays, and so does a quote
        token.text += text_[at_++];
        if (peek() != quote && peek() != '\\') continue;
        token.text += text_[at_++];
        continue;
      }
      const size_t length = sequence_length(text_, at_);
      if (length == 0) return fail(at_, "the rule is not valid UTF-8");
      if (peek() == '\0') return fail(at_, "text must not hold NUL");
      token.text.append(text_.substr(at_, length));
      at_ += length;
    }
  }

  bool escape(std::string& out) {
    const size_t start = at_++;
    const char c = peek();
    static constexpr std::string_view kPlain = "\\?\"'`";
    static constexpr std::string_view kNames = "abfnrtv";
    static constexpr std::string_view kControls = "\a\b\f\n\r\t\v";
    if (at_ < text_.size() && kPlain.contains(c)) {
      out += c;
      ++at_;
      return true;
    }
    if (const size_t i = kNames.find(c); at_ < text_.size() && i != kNames.npos) {
      out += kControls[i];
      ++at_;
      return true;
    }
    uint32_t code = 0;
    if (c >= '0' && c <= '3') {
      for (int i = 0; i < 3; ++i, ++at_) {
        if (peek() < '0' || peek() > '7') return fail(start, "an octal escape has three digits");
        code = code * 8 + static_cast<uint32_t>(peek() - '0');
      }
      return code_point(out, start, code);
    }
    const int digits = c == 'x' || c == 'X' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits == 0) return fail(start, "the escape is not one of CEL's", "\\\\");
    ++at_;
    for (int i = 0; i < digits; ++i, ++at_) {
      const int digit = hex_digit(peek());
      if (digit < 0)
        return fail(start, "the escape wants " + std::to_string(digits) + " hex digits");
      code = code * 16 + static_cast<uint32_t>(digit);
    }
    return code_point(out, start, code);
  }

  bool code_point(std::string& out, size_t start, uint32_t code) {
    if (code == 0) return fail(start, "text must not hold NUL");
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
      return fail(start, "the escape is not a code point");
    }
    append_utf8(out, code);
    return true;
  }

  std::string_view text_;
  std::vector<Token>& tokens_;
  SyntaxFault& fault_;
  size_t at_ = 0;
};

}  // namespace

bool tokenize(std::string_view text, std::vector<Token>& tokens, SyntaxFault& fault) {
  return Lexer(text, tokens, fault).run();
}

}  // namespace mettle::rules

#include "features/commands/sql_tokens.h"

#include "base/text.h"

namespace mettle::commands {
namespace {

using Kind = SqlToken::Kind;

bool is_letter(char c) {
  const char lower = ascii_lower(c);
  return (lower >= 'a' && lower <= 'z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool is_word(char c) {
  return is_letter(c) || is_ascii_digit(c) || c == '$';
}

class Scanner {
 public:
  explicit Scanner(std::string_view sql) : sql_(sql) {}

  Result<std::vector<SqlToken>> run() {
    while (true) {
      TRY(const bool more, skip_blanks());
      if (!more) return std::move(tokens_);
      TRY_VOID(token());
    }
  }

 private:
  char at(size_t i) const { return i < sql_.size() ? sql_[i] : '\0'; }

  std::unexpected<Error> open(size_t begin, std::string_view what) const {
    Error error = make_error(Code::kInvalid, std::string(what) + " does not end");
    error.offset = begin;
    return fail(std::move(error));
  }

  Result<bool> skip_blanks() {
    while (at_ < sql_.size()) {
      const char c = sql_[at_];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
        ++at_;
      } else if (c == '-' && at(at_ + 1) == '-') {
        at_ = std::min(sql_.find('\n', at_), sql_.size());
      } else if (c == '/' && at(at_ + 1) == '*') {
        const size_t end = sql_.find("*/", at_ + 2);
        if (end == std::string_view::npos) return open(at_, "a comment");
        at_ = end + 2;
      } else {
        return true;
      }
    }
    return false;
  }

  void add(Kind kind, std::string text, size_t begin) {
    tokens_.push_back({kind, std::move(text), begin, at_});
  }

  Result<> token() {
    const size_t begin = at_;
    const char c = sql_[at_];
    if (c == '\'') return quoted(Kind::kString, '\'', "a string");
    if (c == '"') return quoted(Kind::kQuoted, '"', "a name");
    if (c == '`') return quoted(Kind::kQuoted, '`', "a name");
    if (c == '[') return quoted(Kind::kQuoted, ']', "a name");
    if (is_letter(c)) {
      while (is_word(at(at_))) ++at_;
      add(Kind::kName, to_ascii_lower(sql_.substr(begin, at_ - begin)), begin);
      return {};
    }
    if (is_ascii_digit(c) || (c == '.' && is_ascii_digit(at(at_ + 1)))) {
      while (is_word(at(at_)) || at(at_) == '.') ++at_;
      add(Kind::kNumber, std::string(sql_.substr(begin, at_ - begin)), begin);
      return {};
    }
    if (c == ':' && is_letter(at(at_ + 1))) return parameter();
    if (c == '?' || c == '@' || c == '$') {
      ++at_;
      while (is_word(at(at_))) ++at_;
      add(Kind::kForeign, std::string(sql_.substr(begin, at_ - begin)), begin);
      return {};
    }
    symbol();
    return {};
  }

  Result<> quoted(Kind kind, char close, std::string_view what) {
    const size_t begin = at_++;
    std::string text;
    while (true) {
      if (at_ >= sql_.size()) return open(begin, what);
      const char c = sql_[at_++];
      if (c != close) {
        text += c;
      } else if (close != ']' && at(at_) == close) {
        text += c;
        ++at_;
      } else {
        break;
      }
    }
    add(kind, std::move(text), begin);
    return {};
  }

  Result<> parameter() {
    const size_t begin = at_++;
    while (is_word(at(at_)) || (at(at_) == '.' && is_letter(at(at_ + 1)))) ++at_;
    add(Kind::kParameter, std::string(sql_.substr(begin + 1, at_ - begin - 1)), begin);
    return {};
  }

  void symbol() {
    constexpr std::string_view kMarks = "(),;.";
    constexpr std::string_view kOperators = "<>=!|&~+-*/%#^:";
    const size_t begin = at_++;
    if (kMarks.find(sql_[begin]) != std::string_view::npos ||
        kOperators.find(sql_[begin]) == std::string_view::npos) {
      return add(Kind::kMark, std::string(1, sql_[begin]), begin);
    }
    // The longest of the operators of several characters that stands here.
    for (const std::string_view known :
         {"->>", "<=", ">=", "<>", "!=", "==", "||", "<<", ">>", "->", "::", ":="}) {
      if (!sql_.substr(begin).starts_with(known)) continue;
      at_ = begin + known.size();
      break;
    }
    add(Kind::kOperator, std::string(sql_.substr(begin, at_ - begin)), begin);
  }

  const std::string_view sql_;
  size_t at_ = 0;
  std::vector<SqlToken> tokens_;
};

}  // namespace

Result<std::vector<SqlToken>> sql_tokens(std::string_view sql) {
  return Scanner(sql).run();
}

}  // namespace mettle::commands

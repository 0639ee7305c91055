#include "features/data/scanner.h"

#include "base/text.h"

namespace mettle::data {

bool Scanner::take(char c) {
  if (peek() != c || at_end()) return false;
  ++at_;
  return true;
}

bool Scanner::take(std::string_view word) {
  if (text_.substr(at_, word.size()) != word) return false;
  at_ += word.size();
  return true;
}

std::string_view Scanner::name() {
  const size_t begin = at_;
  while (!at_end()) {
    const char c = text_[at_];
    if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !is_ascii_digit(c) && c != '_') break;
    ++at_;
  }
  return text_.substr(begin, at_ - begin);
}

std::string_view Scanner::until(std::string_view stops) {
  const size_t begin = at_;
  at_ = std::min(text_.size(), text_.find_first_of(stops, at_));
  return text_.substr(begin, at_ - begin);
}

std::string_view Scanner::rest() {
  const std::string_view made = text_.substr(at_);
  at_ = text_.size();
  return made;
}

Result<std::string> Scanner::value(std::string_view stops) {
  if (!take('"')) return std::string(until(stops));
  std::string made;
  while (!at_end()) {
    const char c = text_[at_++];
    if (c == '"') return made;
    if (c == '\\' && !at_end()) {
      made += text_[at_++];
    } else {
      made += c;
    }
  }
  return expected("a closing quote");
}

std::unexpected<Error> Scanner::expected(std::string_view what) const {
  const std::string found =
      at_end() ? "the end" : fmt::format("`{}`", to_valid_utf8(text_.substr(at_, 20)));
  return wrong(
      fmt::format("`{}`: expected {} at position {}, found {}", parameter_, what, at_ + 1, found));
}

std::unexpected<Error> Scanner::wrong(std::string detail, Code code) const {
  Error error = make_error(code, std::move(detail));
  error.parameter = parameter_;
  return fail(std::move(error));
}

}  // namespace mettle::data

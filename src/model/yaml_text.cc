#include "model/yaml_text.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "base/check.h"
#include "base/pattern.h"
#include "base/text.h"
#include "model/yaml_read.h"

namespace mettle::model {

Lines::Lines(std::string_view text) : text_(text) {
  for (size_t start = 0; start != std::string_view::npos;) {
    starts_.push_back(start);
    const size_t end = text.find('\n', start);
    start = end == std::string_view::npos ? end : end + 1;
  }
}

std::string_view Lines::line(int n) const {
  if (n < 1 || static_cast<size_t>(n) > starts_.size()) return {};
  const size_t start = starts_[static_cast<size_t>(n) - 1];
  std::string_view line = text_.substr(start, text_.find('\n', start) - start);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

namespace {

// A tab in a line's indentation; replaced by spaces so that reading can go on.
void check_tabs(std::string& text, Faults& faults) {
  int line = 1;
  for (size_t i = 0; i < text.size(); ++line) {
    size_t end = std::min(text.find('\n', i), text.size());
    if (text[i] == '\t' && text.find_first_not_of(" \t\r", i) < end) {
      const size_t tabs = text.find_first_not_of('\t', i) - i;
      text.replace(i, tabs, 2 * tabs, ' ');
      end += tabs;
      faults.error({line, 1}, {}, "yaml_tab", "a tab indents this line; YAML takes spaces only",
                   text.substr(i, end - i));
    }
    i = end + 1;
  }
}

}  // namespace

bool check_text(std::string& text, Faults& faults) {
  if (text.size() > kAppFileBytesMax) {
    faults.error({1, 1}, {}, "yaml_too_large", "the file is larger than 1 MiB");
    return false;
  }
  if (text.starts_with("\xEF\xBB\xBF")) {
    faults.error({1, 1}, {}, "yaml_byte_order_mark", "the file begins with a byte order mark",
                 "save it as UTF-8 without one");
    text.erase(0, 3);
  }
  const size_t bad = utf8_fault(text).value_or(text.size());
  Pos pos{1, 1};
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (i == bad) {
      faults.error(pos, {}, "yaml_encoding", "this is not UTF-8", "save the file as UTF-8");
      return false;
    }
    if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7F) {
      faults.error(pos, {}, "yaml_control_character",
                   "a control character (code " + std::to_string(c) + ") stands here");
      return false;
    }
    if (c == '\r' && (i + 1 >= text.size() || text[i + 1] != '\n')) {
      faults.error(pos, {}, "yaml_control_character",
                   "a carriage return without a line feed stands here");
      return false;
    }
    pos = c == '\n' ? Pos{pos.line + 1, 1} : Pos{pos.line, pos.column + 1};
  }
  check_tabs(text, faults);
  return true;
}

namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

class Aligner {
 public:
  Aligner(std::string_view text, size_t at, Pos pos) : text_(text), at_(at), pos_(pos) {}

  char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool done() const { return at_ >= text_.size(); }
  Pos pos() const { return pos_; }
  void next() {
    if (done()) return;
    pos_ = text_[at_] == '\n' ? Pos{pos_.line + 1, 1} : Pos{pos_.line, pos_.column + 1};
    ++at_;
  }
  void skip_space() {
    while (!done() && is_space(here())) next();
  }
  void skip_line() {
    while (!done() && here() != '\n') next();
    next();
  }

 private:
  std::string_view text_;
  size_t at_;
  Pos pos_;
};

}  // namespace

Source align(std::string_view text, size_t offset, Pos pos, const std::string& value) {
  Aligner a(text, offset, pos);
  const char sign = a.here();
  if (sign == '"' || sign == '\'') a.next();
  if (sign == '|' || sign == '>') {
    a.skip_line();
    a.skip_space();
  }
  Source out{value, a.pos()};
  int line = a.pos().line;
  for (size_t i = 0; i < value.size() && !a.done(); ++i) {
    if (is_space(value[i])) {
      // A fold: one blank or break of the text for white space of any length in the file.
      if (is_space(a.here())) a.next();
      continue;
    }
    if (a.here() != value[i]) a.skip_space();
    if (sign == '"' && a.here() == '\\' && value[i] != '\\') {
      a.next();  // an escape: counted as two characters
    } else if (sign == '\'' && a.here() == '\'' && value[i] == '\'') {
      a.next();
    }
    if (a.pos().line != line) {
      line = a.pos().line;
      out.segments.push_back({i, a.pos()});
    }
    a.next();
  }
  return out;
}

// ---- how scalars are written ---------------------------------------------------------------

namespace {

std::shared_ptr<const Pattern> whole(std::string_view pattern) {
  auto compiled = Pattern::compile("^(?:" + std::string(pattern) + ")$");
  CHECK(compiled.has_value());
  return *compiled;
}

}  // namespace

Plain plain_kind(std::string_view text) {
  static const auto kInt = whole("[-+]?(0|[1-9][0-9]*)");
  static const auto kFloat = whole(R"([-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?)");
  if (text == "true" || text == "false") return Plain::kBool;
  if (text.empty() || text == "null" || text == "~") return Plain::kNull;
  if (kInt->found_in(text)) return Plain::kInt;
  if (kFloat->found_in(text)) return Plain::kFloat;
  return Plain::kText;
}

bool is_yaml_trap(std::string_view text) {
  static const auto kTrap =
      whole(R"((?i)yes|no|on|off|true|false|null|~|[-+]?\.inf|\.nan|)"
            R"([-+]?0[xob][0-9a-f_]+|[-+]?[0-9][0-9_]*(\.[0-9_]*)?(e[-+]?[0-9]+)?|)"
            R"([-+]?\.[0-9][0-9_]*(e[-+]?[0-9]+)?|[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?)");
  return kTrap->found_in(text);
}

std::string quoted(std::string_view text) {
  const bool lines = text.find_first_of("\n\t") != std::string_view::npos;
  if (!lines && text.find_first_of("\"\\") != std::string_view::npos) {
    std::string out = "'";
    for (const char c : text) {
      out += c;
      if (c == '\'') out += c;
    }
    return out + "'";
  }
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + "\"";
}

namespace {

std::string_view trim(std::string_view s) {
  while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
  while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
  return s;
}

// A plain value that YAML reads as something else than the text it looks like.
bool lost_quotes(std::string_view value, bool in_flow) {
  if (value.empty()) return false;
  constexpr std::string_view kSigns = "!&*%@`>|";
  if (kSigns.find(value.front()) != std::string_view::npos) {
    // `sql: |` and its kin open a block.
    static const auto kBlock = whole(R"([|>][-+]?[0-9]?[-+]?\s*(#.*)?)");
    return !kBlock->found_in(value);
  }
  if (value.find(": ") != std::string_view::npos) return true;
  if (in_flow && value.find_first_of(",[]{}") != std::string_view::npos) return true;
  return value.find(" #") != std::string_view::npos;  // comments were taken off before
}

// Where the comment of a plain value begins; npos if there is none. What cuts a quotation in two is
// no comment.
size_t comment_of(std::string_view value) {
  const auto odd = [](std::string_view s, char q) { return std::count(s.begin(), s.end(), q) % 2; };
  for (size_t i = value.find(" #"); i != std::string_view::npos; i = value.find(" #", i + 1)) {
    const std::string_view head = value.substr(0, i), tail = value.substr(i);
    const bool cuts = (odd(head, '\'') && odd(tail, '\'')) || (odd(head, '"') && odd(tail, '"'));
    if (!cuts) return i;
  }
  return std::string_view::npos;
}

size_t skip_quoted(std::string_view s, size_t i) {
  const char quote = s[i++];
  for (; i < s.size(); ++i) {
    if (quote == '"' && s[i] == '\\') {
      ++i;
    } else if (s[i] == quote) {
      return i + 1;
    }
  }
  return s.size();
}

// 'admin' in auth.roles: to YAML, a text that ends too early.
bool goes_on(std::string_view value) {
  const std::string_view rest = value.substr(skip_quoted(value, 0));
  return !trim(rest).empty() && !trim(rest).starts_with('#');
}

// Rewrites a one-line flow value with its quotes; false if it does not look like one.
class Flow {
 public:
  explicit Flow(std::string_view in) : in_(in) {}
  bool value(int depth) {
    constexpr int kDepthMax = 16;
    if (depth > kDepthMax) return false;
    copy_space();
    if (i_ >= in_.size()) return false;
    const char c = in_[i_];
    if (c == '{') return collection('}', true, depth);
    if (c == '[') return collection(']', false, depth);
    const size_t end = plain_end();
    const std::string_view plain = trim(in_.substr(i_, end - i_));
    const bool text = c == '"' || c == '\'';
    if (text ? goes_on(plain) : lost_quotes(plain, true)) {
      out_ += quoted(plain);
      changed_ = true;
    } else {
      out_ += plain;
    }
    i_ = end;
    return true;
  }
  bool changed() const { return changed_; }
  std::string finish() { return out_ + std::string(in_.substr(i_)); }
  std::string_view rest() const { return in_.substr(i_); }

 private:
  void copy_space() {
    while (i_ < in_.size() && in_[i_] == ' ') out_ += in_[i_++];
  }
  bool collection(char end, bool map, int depth) {
    out_ += in_[i_++];
    for (;;) {
      copy_space();
      if (i_ >= in_.size()) return false;
      if (in_[i_] == end) {
        out_ += in_[i_++];
        return true;
      }
      if (map) {
        const size_t colon = in_.find(": ", i_);
        if (colon == std::string_view::npos) return false;
        out_ += in_.substr(i_, colon + 1 - i_);
        i_ = colon + 1;
      }
      if (!value(depth + 1)) return false;
      copy_space();
      if (i_ >= in_.size()) return false;
      if (in_[i_] == ',') {
        out_ += in_[i_++];
      } else if (in_[i_] != end) {
        return false;  // a bracket of the other kind
      }
    }
  }
  // Where a plain value ends: at a comma or bracket that is in no parenthesis or quotation of its
  // own.
  size_t plain_end() const {
    int open = 0;
    for (size_t k = i_; k < in_.size(); ++k) {
      const char c = in_[k];
      if (c == '\'' || c == '"') {
        k = skip_quoted(in_, k) - 1;
      } else if (c == '(' || c == '[' || c == '{') {
        ++open;
      } else if (c == ')' || c == ']' || c == '}') {
        if (open == 0) return k;
        --open;
      } else if (c == ',' && open == 0) {
        return k;
      }
    }
    return in_.size();
  }

  std::string_view in_;
  size_t i_ = 0;
  std::string out_;
  bool changed_ = false;
};

}  // namespace

std::string requoted_line(std::string_view line) {
  size_t start = line.find_first_not_of(' ');
  if (start == std::string_view::npos || line[start] == '#') return {};
  while (line.substr(start).starts_with("- ")) {
    start = line.find_first_not_of(' ', start + 2);
    if (start == std::string_view::npos) return {};
  }
  // The key: up to the first colon that is followed by a blank.
  const size_t colon = line.find(": ", start);
  constexpr std::string_view kNoKey = "{[#";
  if (colon != std::string_view::npos && kNoKey.find(line[start]) == std::string_view::npos) {
    start = std::min(line.find_first_not_of(' ', colon + 1), line.size());
  }
  std::string_view value = trim(line.substr(start));
  if (value.empty()) return {};
  const std::string head(line.substr(0, start));
  const bool text = value.front() == '"' || value.front() == '\'';
  if (text && !goes_on(value)) return {};
  if (value.front() == '{' || value.front() == '[') {
    Flow flow(value);
    if (!flow.value(0) || !flow.changed()) return {};
    return head + flow.finish();
  }
  const size_t comment = comment_of(value);
  const std::string tail(comment == std::string_view::npos ? "" : value.substr(comment));
  value = trim(value.substr(0, comment));
  if (!text && !lost_quotes(value, false)) return {};
  return head + quoted(value) + tail;
}

bool cut_by_comment(std::string_view line, std::string_view value) {
  const size_t at = line.rfind(value);
  if (value.empty() || at == std::string_view::npos) return false;
  const std::string_view rest = line.substr(at);
  return rest.substr(value.size()).find(" #") != std::string_view::npos &&
         comment_of(rest) != rest.find(" #");
}

}  // namespace mettle::model

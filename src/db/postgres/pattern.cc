#include "db/postgres/pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/pattern.h"
#include "base/text.h"

namespace mettle::db::postgres {
namespace {

constexpr uint32_t kLastCodePoint = 0x10FFFF;
constexpr int kRepetitionsMax = 255;
constexpr uint32_t kQuoted = uint32_t{1} << 31;  // of a character between \Q and \E

struct Range {
  uint32_t from = 0;
  uint32_t to = 0;
};
using Ranges = std::vector<Range>;

struct NamedClass {
  std::string_view name;
  Ranges ranges;
};

const Ranges kDigits = {{'0', '9'}};
const Ranges kSpaces = {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}};
const Ranges kWord = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};

const std::vector<NamedClass>& named_classes() {
  static const std::vector<NamedClass> classes = {
      {"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
      {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
      {"ascii", {{0, 0x7F}}},
      {"blank", {{'\t', '\t'}, {' ', ' '}}},
      {"cntrl", {{0, 0x1F}, {0x7F, 0x7F}}},
      {"digit", kDigits},
      {"graph", {{'!', '~'}}},
      {"lower", {{'a', 'z'}}},
      {"print", {{' ', '~'}}},
      {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
      {"space", {{'\t', '\r'}, {' ', ' '}}},
      {"upper", {{'A', 'Z'}}},
      {"word", kWord},
      {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
  };
  return classes;
}

std::vector<uint32_t> code_points(std::string_view text) {
  std::vector<uint32_t> out;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i]);
    const size_t bytes = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    uint32_t point = bytes == 1 ? lead : lead & (0x7FU >> bytes);
    for (size_t k = 1; k < bytes && i + k < text.size(); ++k) {
      point = point << 6 | (static_cast<uint8_t>(text[i + k]) & 0x3F);
    }
    out.push_back(point);
    i += bytes;
  }
  return out;
}

// Without \Q and \E, which RE2 knows outside of classes alone; what stood between them is marked.
std::vector<uint32_t> without_quotes(const std::vector<uint32_t>& in) {
  std::vector<uint32_t> out;
  bool quoted = false;
  for (size_t i = 0; i < in.size(); ++i) {
    const uint32_t next = in[i] == '\\' && i + 1 < in.size() ? in[i + 1] : 0;
    if (next == static_cast<uint32_t>(quoted ? 'E' : 'Q')) {
      quoted = !quoted;
      ++i;
    } else if (quoted) {
      out.push_back(in[i] | kQuoted);
    } else {
      out.push_back(in[i]);
      if (in[i] == '\\' && i + 1 < in.size()) out.push_back(in[++i]);
    }
  }
  return out;
}

bool is_letter(uint32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(uint32_t c) {
  return c >= '0' && c <= '9';
}

// Sorted and without overlaps.
Ranges joined(Ranges ranges) {
  std::ranges::sort(ranges, {}, &Range::from);
  Ranges out;
  for (const Range& each : ranges) {
    if (!out.empty() && each.from <= out.back().to + 1) {
      out.back().to = std::max(out.back().to, each.to);
    } else {
      out.push_back(each);
    }
  }
  return out;
}

Ranges complement(const Ranges& ranges) {
  Ranges out;
  uint32_t next = 0;
  for (const Range& each : joined(ranges)) {
    if (each.from > next) out.push_back({next, each.from - 1});
    next = each.to + 1;
  }
  if (next <= kLastCodePoint) out.push_back({next, kLastCodePoint});
  return out;
}

// With the other case of its ASCII letters, and the two beyond ASCII that fold to one.
Ranges folded(const Ranges& ranges) {
  constexpr uint32_t kCase = 'a' - 'A', kKelvin = 0x212A, kLongS = 0x17F;
  Ranges out = ranges;
  for (const Range& each : ranges) {
    for (uint32_t c = each.from; c <= std::min<uint32_t>(each.to, 'z'); ++c) {
      if (!is_letter(c)) continue;
      out.push_back({c ^ kCase, c ^ kCase});
      if ((c | kCase) == 'k') out.push_back({kKelvin, kKelvin});
      if ((c | kCase) == 's') out.push_back({kLongS, kLongS});
    }
  }
  return joined(std::move(out));
}

void append_point(std::string& out, uint32_t c) {
  if (is_letter(c) || is_digit(c)) {
    out += static_cast<char>(c);
  } else if (c <= 0xFFFF) {
    out += fmt::format("\\u{:04x}", c);
  } else {
    out += fmt::format("\\U{:08x}", c);
  }
}

// No text has U+0000, so no set needs it.
std::string class_text(Ranges ranges, bool negated) {
  ranges = joined(std::move(ranges));
  if (!ranges.empty() && ranges[0].from == 0) {
    ranges[0].from = 1;
    if (ranges[0].to == 0) ranges.erase(ranges.begin());
  }
  if (ranges.empty()) {  // nothing, or everything
    ranges.push_back({1, kLastCodePoint});
    negated = !negated;
  }
  std::string out = negated ? "[^" : "[";
  for (const Range& each : ranges) {
    append_point(out, each.from);
    if (each.to == each.from) continue;
    out += '-';
    append_point(out, each.to);
  }
  return out += ']';
}

struct Flags {
  bool fold = false;
  bool lines = false;  // ^ and $ at each line
  bool dot_all = false;
};

struct Piece {
  std::string text;
  int64_t size = 0;
};

// Reads what RE2 has taken, so that it need not doubt the syntax.
class Translator {
 public:
  explicit Translator(std::string_view pattern) : in_(without_quotes(code_points(pattern))) {}

  Result<std::string> run() {
    TRY(Piece all, alternatives({}));
    if (all.size > kPatternSizeMax) return fail(Code::kInvalid, too_large());
    return std::move(all.text);
  }

 private:
  bool at_end() const { return at_ == in_.size(); }
  bool next_is(char c, size_t ahead = 0) const {
    return at_ + ahead < in_.size() && in_[at_ + ahead] == static_cast<uint32_t>(c);
  }
  bool take(char c) {
    if (!next_is(c)) return false;
    ++at_;
    return true;
  }
  bool take(std::string_view word) {
    for (size_t i = 0; i < word.size(); ++i) {
      if (!next_is(word[i], i)) return false;
    }
    at_ += word.size();
    return true;
  }

  std::unexpected<Error> refused(std::string_view what, size_t place) const {
    return fail(Code::kInvalid,
                fmt::format("PostgreSQL's patterns have no {} (at character {})", what, place + 1));
  }
  static std::string too_large() {
    return fmt::format("the pattern stands for more than {} characters and classes",
                       kPatternSizeMax);
  }

  Result<Piece> alternatives(Flags flags);
  Result<Piece> atom(Flags& flags);
  Result<Piece> group(Flags& flags);
  Result<Piece> escape(const Flags& flags);
  Result<Piece> set(const Flags& flags);
  Result<Ranges> member(const Flags& flags);
  Result<uint32_t> character();
  Result<Piece> literal(uint32_t c, const Flags& flags, size_t place) const;
  Result<Ranges> cased(Ranges ranges, const Flags& flags, size_t place) const;
  Result<Piece> repeated(Piece piece);
  std::optional<std::pair<int, int>> counts();
  std::optional<Ranges> perl_class(const Flags& flags);

  const std::vector<uint32_t> in_;
  size_t at_ = 0;
};

Result<Piece> Translator::alternatives(Flags flags) {
  Piece out;
  while (!at_end() && !next_is(')')) {
    if (take('|')) {
      out.text += '|';
      continue;
    }
    TRY(Piece piece, atom(flags));
    if (!piece.text.empty()) {
      TRY(piece, repeated(std::move(piece)));
    }
    out.text += piece.text;
    out.size += piece.size;
    if (out.size > kPatternSizeMax) return fail(Code::kInvalid, too_large());
  }
  return out;
}

Result<Piece> Translator::atom(Flags& flags) {
  const size_t place = at_;
  if (take('(')) return group(flags);
  if (take('[')) return set(flags);
  if (take('\\')) return escape(flags);
  if (take('.')) return Piece{flags.dot_all ? "." : "[^\\u000a]", 1};
  if (take('^')) return Piece{flags.lines ? "(?<![^\\u000a])" : "(?:^)", 1};
  if (take('$')) return Piece{flags.lines ? "(?![^\\u000a])" : "(?:$)", 1};
  // Behind a change of flags: RE2 repeats what stands before that.
  if (next_is('*') || next_is('+') || next_is('?') || counts()) {
    return refused("repetition of flags", place);
  }
  return literal(in_[at_++], flags, place);
}

// Of those that capture nothing is kept.
Result<Piece> Translator::group(Flags& flags) {
  Flags inside = flags;
  if (take("?P<") || take("?<")) {
    while (!take('>')) ++at_;
  } else if (take('?')) {
    bool on = true;
    while (!next_is(':') && !next_is(')')) {
      if (take('-')) {
        on = false;
      } else if (take('i')) {
        inside.fold = on;
      } else if (take('m')) {
        inside.lines = on;
      } else if (take('s')) {
        inside.dot_all = on;
      } else {
        ++at_;  // U, which changes what is found first, not whether
      }
    }
    if (take(')')) {
      flags = inside;
      return Piece{};
    }
    take(':');
  }
  TRY(Piece out, alternatives(inside));
  take(')');
  out.text = "(?:" + out.text + ")";
  return out;
}

Result<Piece> Translator::repeated(Piece piece) {
  const size_t place = at_;
  std::string sign;
  int64_t times = 1;
  if (take('*') || take('+') || take('?')) {
    sign = static_cast<char>(in_[place]);
  } else if (const auto range = counts()) {
    const auto [least, most] = *range;
    if (std::max(least, most) > kRepetitionsMax) {
      return refused(fmt::format("more than {} repetitions", kRepetitionsMax), place);
    }
    times = std::max({least, most, 1});
    sign = most < 0 ? fmt::format("{{{},}}", least) : fmt::format("{{{},{}}}", least, most);
  } else {
    return piece;
  }
  take('?');
  piece.text += sign;
  piece.size *= times;
  return piece;
}

// {n}, {n,} (most: -1), {n,m}; otherwise a brace is a character.
std::optional<std::pair<int, int>> Translator::counts() {
  const size_t start = at_;
  const auto number = [this]() -> std::optional<int> {
    const size_t first = at_;
    int out = 0;
    for (; !at_end() && is_digit(in_[at_]); ++at_) {
      out = std::min(out * 10 + static_cast<int>(in_[at_] - '0'), 10'000);
    }
    return at_ == first ? std::nullopt : std::optional(out);
  };
  if (take('{')) {
    if (const auto least = number()) {
      if (take('}')) return std::pair(*least, *least);
      if (take(',')) {
        const auto most = number();
        if (take('}')) return std::pair(*least, most.value_or(-1));
      }
    }
  }
  at_ = start;
  return std::nullopt;
}

Result<Piece> Translator::literal(uint32_t c, const Flags& flags, size_t place) const {
  c &= ~kQuoted;
  Piece out{"", 1};
  if (c == 0 || flags.fold) {
    TRY(Ranges ranges, cased({{c, c}}, flags, place));
    if (c == 0 || ranges.size() > 1) {
      out.text = class_text(std::move(ranges), false);
      return out;
    }
  }
  if (c < 0x80) {
    append_point(out.text, c);
  } else {
    append_code_point(out.text, c);
  }
  return out;
}

Result<Ranges> Translator::cased(Ranges ranges, const Flags& flags, size_t place) const {
  if (!flags.fold) return ranges;
  if (ranges.back().to >= 0x80) {
    return refused("letters beyond ASCII where case does not count", place);
  }
  return folded(ranges);
}

// \d and its like, behind the backslash.
std::optional<Ranges> Translator::perl_class(const Flags& flags) {
  const uint32_t c = at_end() ? 0 : in_[at_];
  const uint32_t lower = is_letter(c) ? c | 0x20 : 0;
  if (lower != 'd' && lower != 's' && lower != 'w') return std::nullopt;
  ++at_;
  Ranges ranges = lower == 'd' ? kDigits : lower == 's' ? kSpaces : kWord;
  if (flags.fold) ranges = folded(ranges);
  return c == lower ? ranges : complement(ranges);
}

// A character that an escape stands for, behind the backslash.
Result<uint32_t> Translator::character() {
  constexpr std::string_view kNames = "afnrtv", kMeant = "\a\f\n\r\t\v";
  const size_t place = at_ - 1;
  const uint32_t c = in_[at_++];
  if (c == 'x') {
    uint32_t out = 0;
    const auto hex = [&] {
      const uint32_t digit = in_[at_++];
      out = out * 16 + (is_digit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10);
    };
    if (take('{')) {
      while (!take('}')) hex();
    } else {
      hex();
      hex();
    }
    return out;
  }
  if (is_digit(c)) return refused("octal escapes", place);
  if (c < 0x80 && is_letter(c)) {
    const size_t known = kNames.find(static_cast<char>(c));
    if (known != kNames.npos) return static_cast<uint32_t>(kMeant[known]);
    return refused(fmt::format("\\{} of RE2's", static_cast<char>(c)), place);
  }
  return c;
}

Result<Piece> Translator::escape(const Flags& flags) {
  const size_t place = at_ - 1;
  if (take('A')) return Piece{"(?:^)", 1};
  if (take('z')) return Piece{"(?:$)", 1};
  if (take('b')) return Piece{"(?:\\y)", 1};
  if (const auto ranges = perl_class(flags)) {
    return Piece{class_text(*ranges, false), 1};
  }
  TRY(const uint32_t c, character());
  return literal(c, flags, place);
}

Result<Ranges> Translator::member(const Flags& flags) {
  const size_t place = at_;
  if (next_is('[') && next_is(':', 1)) {
    const size_t start = at_;
    at_ += 2;
    const bool negated = take('^');
    for (const NamedClass& each : named_classes()) {
      if (!take(std::string(each.name) + ":]")) continue;
      Ranges ranges = flags.fold ? folded(each.ranges) : each.ranges;
      return negated ? complement(ranges) : ranges;
    }
    at_ = start;
  }
  const auto one = [&]() -> Result<uint32_t> {
    if (take('\\')) return character();
    return in_[at_++];
  };
  if (next_is('\\')) {
    ++at_;
    if (auto ranges = perl_class(flags)) return std::move(*ranges);
    --at_;
  }
  TRY(const uint32_t from, one());
  uint32_t to = from;
  if (next_is('-') && at_ + 1 < in_.size() && !next_is(']', 1)) {
    ++at_;
    TRY(to, one());
  }
  return cased({{from, to}}, flags, place);
}

Result<Piece> Translator::set(const Flags& flags) {
  const bool negated = take('^');
  Ranges ranges;
  bool first = true;
  while (first || !next_is(']')) {
    first = false;
    TRY(const Ranges more, member(flags));
    ranges.insert(ranges.end(), more.begin(), more.end());
  }
  take(']');
  return Piece{class_text(std::move(ranges), negated), 1};
}

}  // namespace

Result<std::string> to_are(std::string_view pattern) {
  TRY_VOID(Pattern::compile(pattern));
  return Translator(pattern).run();
}

}  // namespace mettle::db::postgres

#include "base/json_read.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/limits.h"
#include "base/text.h"

namespace mettle {
namespace {

using json_tape::Entry;

constexpr uint64_t kOnes = 0x0101010101010101;
constexpr uint64_t kHighs = 0x8080808080808080;

// A mark in each byte of `word` that ends the quick scan of a string: '"', '\\', a control
// character or the start of a multibyte sequence. The lowest mark is exact, later ones need not be.
uint64_t string_stops(uint64_t word) {
  const auto equal_to = [word](char c) {
    const uint64_t difference = word ^ (kOnes * static_cast<uint8_t>(c));
    return (difference - kOnes) & ~difference;
  };
  const uint64_t control = (word - kOnes * 0x20) & ~word;
  return (equal_to('"') | equal_to('\\') | control | word) & kHighs;
}

bool is_blank(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The four digits behind "\u"; -1 if they are not there.
int32_t read_hex4(const char* at, const char* end) {
  if (end - at < 4) return -1;
  int32_t unit = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_value(at[i]);
    if (digit < 0) return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}

bool is_high_surrogate(int32_t unit) {
  return unit >= 0xd800 && unit <= 0xdbff;
}
bool is_low_surrogate(int32_t unit) {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

char plain_escape(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case '"':
    case '\\':
    case '/':
      return c;
    default:
      return '\0';
  }
}

// REQUIRES: the inside of a string that the parser took.
void append_unescaped(std::string& out, std::string_view inside) {
  out.reserve(out.size() + inside.size());
  const char* at = inside.data();
  const char* const end = at + inside.size();
  while (at < end) {
    const void* found = std::memchr(at, '\\', static_cast<size_t>(end - at));
    if (found == nullptr) {
      out.append(at, end);
      return;
    }
    const char* const escape = static_cast<const char*>(found);
    out.append(at, escape);
    if (escape[1] != 'u') {
      out.push_back(plain_escape(escape[1]));
      at = escape + 2;
      continue;
    }
    int32_t code_point = read_hex4(escape + 2, end);
    at = escape + 6;
    if (is_high_surrogate(code_point)) {
      code_point = 0x10000 + ((code_point - 0xd800) << 10) + (read_hex4(at + 2, end) - 0xdc00);
      at += 6;
    }
    append_code_point(out, static_cast<uint32_t>(code_point));
  }
}

// Whether a token that is out of a double's range is too large (not merely too small): by the place
// of its first digit other than zero.
bool is_huge(std::string_view token) {
  const size_t e = std::min(token.find_first_of("eE"), token.size());
  const std::string_view digits = token.substr(0, e);
  const size_t point = std::min(digits.find('.'), e);
  const size_t first = digits.find_first_of("123456789");
  if (first == std::string_view::npos) return false;
  int64_t place = static_cast<int64_t>(point) - static_cast<int64_t>(first);
  int64_t exponent = 0;
  bool negative = false;
  for (size_t i = e + 1; i < token.size(); ++i) {
    if (token[i] == '-') negative = true;
    if (!is_ascii_digit(token[i])) continue;
    exponent = std::min<int64_t>(exponent * 10 + (token[i] - '0'), int64_t{1} << 40);
  }
  place += negative ? -exponent : exponent;
  return place > 0;
}

// The nearest double; infinite if the token is beyond all of them.
double read_double(std::string_view token) {
  double number = 0;
  const auto [end, fault] = std::from_chars(token.data(), token.data() + token.size(), number);
  if (fault == std::errc::result_out_of_range) {
    number = is_huge(token) ? HUGE_VAL : 0.0;
    return token.starts_with('-') ? -number : number;
  }
  CHECK(fault == std::errc() && end == token.data() + token.size());
  return number;
}

// One pass over the source. Containers that are open are a fixed stack; what goes wrong is kept as
// the offset and the sentence, and stops everything.
class Parser {
 public:
  explicit Parser(std::string_view text)
      : begin_(text.data()), at_(text.data()), end_(text.data() + text.size()) {
    tape_.reserve(text.size() / 16 + 8);
  }

  Result<std::vector<Entry>> run();

 private:
  struct Fault {
    const char* at = nullptr;
    std::string_view what;
  };
  struct Key {
    uint32_t hash;
    uint32_t entry;
  };

  bool refuse(const char* at, std::string_view what) {
    fault_ = {at, what};
    return false;
  }
  uint32_t offset(const char* at) const { return static_cast<uint32_t>(at - begin_); }
  void skip_blanks() {
    while (at_ < end_ && is_blank(*at_)) ++at_;
  }

  bool parse_value();
  bool parse_scalar();
  bool parse_literal(std::string_view word, JsonKind kind, bool flag);
  bool parse_number();
  bool scan_digits();
  bool parse_string();
  bool scan_string(bool& escaped);
  bool scan_escape();
  bool parse_key();
  bool open(JsonKind kind);
  bool close();
  bool after_value();
  bool keys_are_unique(const Entry* object);
  bool many_keys_are_unique(const Entry* object);
  std::string_view key_text(const Entry& key, std::string& scratch) const;

  void add(const char* from, JsonKind kind, bool flag) {
    tape_.push_back({offset(from), offset(at_), 1, static_cast<uint32_t>(kind), flag, 0});
  }
  Entry& top() { return tape_[open_[depth_ - 1]]; }

  const char* const begin_;
  const char* at_;
  const char* const end_;
  std::vector<Entry> tape_;
  std::array<uint32_t, limits::kJsonDepth> open_{};
  size_t depth_ = 0;
  Fault fault_;
};

Result<std::vector<Entry>> Parser::run() {
  skip_blanks();
  bool good = false;
  if (at_ == end_) {
    good = refuse(at_, "there is no value, the text is empty");
  } else if (std::string_view(at_, end_).starts_with("\xEF\xBB\xBF")) {
    good = refuse(at_, "a byte order mark is not part of JSON");
  } else {
    good = parse_value();
  }
  if (good) {
    skip_blanks();
    if (at_ < end_) good = refuse(at_, "nothing may follow the value");
  }
  if (good) return std::move(tape_);
  const size_t at = static_cast<size_t>(fault_.at - begin_);
  Error error = make_error(Code::kMalformedJson, "at byte " + std::to_string(at) + ": ");
  error.detail.append(fault_.what);
  error.offset = at;
  return fail(std::move(error));
}

// Goes on until the value that it began with is whole.
bool Parser::parse_value() {
  while (true) {
    skip_blanks();
    if (at_ == end_) return refuse(at_, "the text ends where a value is expected");
    if (*at_ == '{') {
      if (!open(JsonKind::kObject)) return false;
      skip_blanks();
      if (at_ < end_ && *at_ == '}') {
        if (!close()) return false;
      } else {
        if (!parse_key()) return false;
        continue;
      }
    } else if (*at_ == '[') {
      if (!open(JsonKind::kArray)) return false;
      skip_blanks();
      if (at_ == end_ || *at_ != ']') continue;
      if (!close()) return false;
    } else if (!parse_scalar()) {
      return false;
    }
    if (!after_value()) return false;
    if (depth_ == 0) return true;
  }
}

// Behind a value: closes what ends here, and stands before the next value if there is one.
bool Parser::after_value() {
  while (depth_ > 0) {
    const bool in_object = top().kind == static_cast<uint32_t>(JsonKind::kObject);
    ++top().count;
    skip_blanks();
    if (at_ < end_ && *at_ == ',') {
      ++at_;
      return in_object ? parse_key() : true;
    }
    if (at_ == end_ || *at_ != (in_object ? '}' : ']')) {
      if (at_ == end_)
        return refuse(at_, in_object ? "an object is not closed" : "an array is not closed");
      return refuse(at_, in_object ? "a comma or } is expected after the value of a member"
                                   : "a comma or ] is expected after an element");
    }
    if (!close()) return false;
  }
  return true;
}

bool Parser::open(JsonKind kind) {
  if (depth_ == limits::kJsonDepth) {
    return refuse(at_, "more than 64 arrays and objects in each other");
  }
  open_[depth_++] = static_cast<uint32_t>(tape_.size());
  const char* const from = at_++;
  add(from, kind, false);
  return true;
}

bool Parser::close() {
  ++at_;
  Entry& container = top();
  container.end = offset(at_);
  container.skip = static_cast<uint32_t>(tape_.size()) - open_[depth_ - 1];
  --depth_;
  return container.kind != static_cast<uint32_t>(JsonKind::kObject) || keys_are_unique(&container);
}

bool Parser::parse_key() {
  skip_blanks();
  if (at_ == end_) return refuse(at_, "an object is not closed");
  if (*at_ != '"') return refuse(at_, "the name of a member, in double quotes, is expected");
  if (!parse_string()) return false;
  Entry& key = tape_.back();
  std::string scratch;
  const std::string_view name = key_text(key, scratch);
  key.skip = static_cast<uint32_t>(std::hash<std::string_view>()(name));
  skip_blanks();
  if (at_ == end_ || *at_ != ':') {
    return refuse(at_, "a colon is expected after the name of a member");
  }
  ++at_;
  return true;
}

std::string_view Parser::key_text(const Entry& key, std::string& scratch) const {
  const std::string_view inside(begin_ + key.begin + 1, size_t{key.end} - key.begin - 2);
  if (key.flag == 0) return inside;
  scratch.clear();
  append_unescaped(scratch, inside);
  return scratch;
}

bool Parser::keys_are_unique(const Entry* object) {
  constexpr size_t kFew = 16;
  if (object->count > kFew) return many_keys_are_unique(object);
  std::array<const Entry*, kFew> keys;
  size_t known = 0;
  for (const Entry* key = object + 1; known < object->count; key += 1 + key[1].skip) {
    for (size_t i = 0; i < known; ++i) {
      if (keys[i]->skip != key->skip) continue;
      std::string a;
      std::string b;
      if (key_text(*keys[i], a) == key_text(*key, b)) {
        return refuse(begin_ + key->begin, "the name of this member is in the object twice");
      }
    }
    keys[known++] = key;
  }
  return true;
}

// Sorted by hash and then by name, so that keys made to have one hash cost no more than sorting.
bool Parser::many_keys_are_unique(const Entry* object) {
  std::vector<const Entry*> keys;
  keys.reserve(object->count);
  for (const Entry* key = object + 1; keys.size() < object->count; key += 1 + key[1].skip) {
    keys.push_back(key);
  }
  std::string a;
  std::string b;
  std::sort(keys.begin(), keys.end(), [&](const Entry* x, const Entry* y) {
    if (x->skip != y->skip) return x->skip < y->skip;
    const int order = key_text(*x, a).compare(key_text(*y, b));
    return order != 0 ? order < 0 : x->begin < y->begin;
  });
  const Entry* twice = nullptr;  // the first in the source
  for (size_t i = 1; i < keys.size(); ++i) {
    if (keys[i]->skip != keys[i - 1]->skip) continue;
    if (key_text(*keys[i], a) != key_text(*keys[i - 1], b)) continue;
    if (twice == nullptr || keys[i]->begin < twice->begin) twice = keys[i];
  }
  if (twice == nullptr) return true;
  return refuse(begin_ + twice->begin, "the name of this member is in the object twice");
}

bool Parser::parse_scalar() {
  switch (*at_) {
    case '"':
      return parse_string();
    case 't':
      return parse_literal("true", JsonKind::kBool, true);
    case 'f':
      return parse_literal("false", JsonKind::kBool, false);
    case 'n':
      return parse_literal("null", JsonKind::kNull, false);
    default:
      if (*at_ == '-' || is_ascii_digit(*at_)) return parse_number();
      return refuse(at_, "a value is expected");
  }
}

bool Parser::parse_literal(std::string_view word, JsonKind kind, bool flag) {
  if (!std::string_view(at_, end_).starts_with(word)) {
    return refuse(at_, "a value is expected; words are true, false and null");
  }
  const char* const from = at_;
  at_ += word.size();
  add(from, kind, flag);
  return true;
}

bool Parser::scan_digits() {
  const char* const from = at_;
  while (at_ < end_ && is_ascii_digit(*at_)) ++at_;
  return at_ > from;
}

bool Parser::parse_number() {
  constexpr size_t kSurelyFinite = 300;  // digits without an exponent
  const char* const from = at_;
  if (*at_ == '-') ++at_;
  if (at_ < end_ && *at_ == '0') {
    ++at_;
    if (at_ < end_ && is_ascii_digit(*at_)) {
      return refuse(from, "a number has no leading zeros");
    }
  } else if (!scan_digits()) {
    return refuse(at_, "a digit is expected after the minus");
  }
  if (at_ < end_ && *at_ == '.') {
    ++at_;
    if (!scan_digits()) return refuse(at_, "a digit is expected after the point");
  }
  bool with_exponent = false;
  if (at_ < end_ && (*at_ == 'e' || *at_ == 'E')) {
    with_exponent = true;
    ++at_;
    if (at_ < end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    if (!scan_digits()) return refuse(at_, "a digit is expected in the exponent");
  }
  const std::string_view token(from, at_);
  if ((with_exponent || token.size() > kSurelyFinite) && std::isinf(read_double(token))) {
    return refuse(from, "the number is out of range");
  }
  add(from, JsonKind::kNumber, false);
  return true;
}

bool Parser::parse_string() {
  const char* const from = at_;
  bool escaped = false;
  ++at_;
  if (!scan_string(escaped)) return false;
  add(from, JsonKind::kString, escaped);
  return true;
}

// Up to and over the closing quote.
bool Parser::scan_string(bool& escaped) {
  const char* const opening = at_ - 1;
  while (true) {
    while (end_ - at_ >= 8) {
      uint64_t word = 0;
      std::memcpy(&word, at_, 8);
      const uint64_t stops = string_stops(word);
      if (stops == 0) {
        at_ += 8;
        continue;
      }
      at_ += __builtin_ctzll(stops) / 8;
      break;
    }
    if (at_ == end_) return refuse(opening, "a string is not closed");
    const auto c = static_cast<unsigned char>(*at_);
    if (c == '"') {
      ++at_;
      return true;
    }
    if (c == '\\') {
      escaped = true;
      if (!scan_escape()) return false;
    } else if (c < 0x20) {
      return refuse(at_, "a control character in a string must be escaped");
    } else if (c < 0x80) {
      ++at_;
    } else {
      const size_t length = utf8_length(std::string_view(at_, end_));
      if (length == 0) return refuse(at_, "the text is not valid UTF-8");
      at_ += length;
    }
  }
}

bool Parser::scan_escape() {
  const char* const from = at_++;
  if (at_ == end_) return refuse(from, "a string is not closed");
  if (*at_ != 'u') {
    if (plain_escape(*at_) == '\0') {
      return refuse(from, "no such escape; there are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
    }
    ++at_;
    return true;
  }
  const int32_t unit = read_hex4(at_ + 1, end_);
  if (unit < 0) return refuse(from, "four hexadecimal digits are expected after \\u");
  at_ += 5;
  if (is_low_surrogate(unit)) return refuse(from, "a low surrogate stands alone");
  if (!is_high_surrogate(unit)) return true;
  if (end_ - at_ < 6 || at_[0] != '\\' || at_[1] != 'u' ||
      !is_low_surrogate(read_hex4(at_ + 2, end_))) {
    return refuse(from, "a high surrogate stands alone");
  }
  at_ += 6;
  return true;
}

}  // namespace

std::string_view json_kind_name(JsonKind kind) {
  constexpr std::string_view kNames[] = {"null", "boolean", "number", "string", "array", "object"};
  const auto index = static_cast<size_t>(kind);
  CHECK(index < std::size(kNames));
  return kNames[index];
}

Result<JsonDocument> JsonDocument::parse(std::string_view text) {
  if (text.size() > limits::kJsonBytes) {
    return fail(Code::kPayloadTooLarge, "a JSON text has at most 256 MiB");
  }
  TRY(std::vector<Entry> tape, Parser(text).run());
  return JsonDocument(text, std::move(tape));
}

bool JsonNode::boolean() const {
  CHECK(kind() == JsonKind::kBool);
  return entry_->flag != 0;
}

std::optional<int64_t> JsonNode::integer() const {
  CHECK(is_number());
  const std::string_view token = source();
  int64_t number = 0;
  const auto [end, fault] = std::from_chars(token.data(), token.data() + token.size(), number);
  if (fault != std::errc() || end != token.data() + token.size()) return std::nullopt;
  return number;
}

double JsonNode::real() const {
  CHECK(is_number());
  return read_double(source());
}

std::string_view JsonNode::text(std::string& scratch) const {
  CHECK(is_string());
  const std::string_view inside = source().substr(1, source().size() - 2);
  if (entry_->flag == 0) return inside;
  scratch.clear();
  append_unescaped(scratch, inside);
  return scratch;
}

std::string JsonNode::text() const {
  std::string scratch;
  const std::string_view content = text(scratch);
  return content.data() == scratch.data() ? scratch : std::string(content);
}

bool JsonNode::text_equals(std::string_view other) const {
  CHECK(is_string());
  if (entry_->flag == 0) return source().substr(1, source().size() - 2) == other;
  std::string scratch;
  return text(scratch) == other;
}

std::optional<JsonNode> JsonNode::find(std::string_view key) const {
  for (const Member member : members()) {
    if (member.key.text_equals(key)) return member.value;
  }
  return std::nullopt;
}

JsonNode::ElementRange JsonNode::elements() const {
  const Entry* const first = entry_ + 1;
  const Entry* const last = is_array() ? entry_ + entry_->skip : first;
  return {ElementRange::Iterator(text_, first), ElementRange::Iterator(text_, last)};
}

JsonNode::MemberRange JsonNode::members() const {
  const Entry* const first = entry_ + 1;
  const Entry* const last = is_object() ? entry_ + entry_->skip : first;
  return {MemberRange::Iterator(text_, first), MemberRange::Iterator(text_, last)};
}

void JsonNode::append_minified(std::string& out) const {
  const std::string_view text = source();
  out.reserve(out.size() + text.size());
  const char* at = text.data();
  const char* const end = at + text.size();
  const char* from = at;  // of what is to be copied
  while (at < end) {
    if (*at == '"') {
      do {
        at += *at == '\\' ? 2 : 1;
      } while (*at != '"');
      ++at;
    } else if (is_blank(*at)) {
      out.append(from, at);
      while (at < end && is_blank(*at)) ++at;
      from = at;
    } else {
      ++at;
    }
  }
  out.append(from, end);
}

std::string JsonNode::minified() const {
  std::string out;
  append_minified(out);
  return out;
}

}  // namespace mettle

// The JSON reader against simdjson's DOM on generated and mutated documents: both take or refuse a
// text, and what both take has the same values. Each way in which ours is stricter, and the one in
// which its numbers are wider, is a name in kExceptions and is checked against simdjson's view of
// the text, not against our own message.
#include <gtest/gtest.h>
#include <simdjson.h>

#include <cmath>
#include <map>
#include <set>

#include "base/differential_fixture.h"
#include "base/fake_seams.h"
#include "base/json_read.h"
#include "base/limits.h"

namespace mettle {
namespace {

using simdjson::dom::element_type;

// ----------------------------------------------------------------------------------- same values

bool same(JsonNode ours, simdjson::dom::element theirs);

bool same_members(JsonNode ours, simdjson::dom::object theirs) {
  if (!ours.is_object() || ours.size() != theirs.size()) return false;
  auto member = ours.members().begin();
  for (const auto [key, value] : theirs) {
    if ((*member).key.text() != key || !(*member).key.text_equals(key)) return false;
    if (!same((*member).value, value)) return false;
    const auto found = ours.find(key);
    if (!found || found->offset() != (*member).value.offset()) return false;
    ++member;
  }
  return true;
}

bool same_elements(JsonNode ours, simdjson::dom::array theirs) {
  if (!ours.is_array()) return false;
  auto element = ours.elements().begin();
  size_t count = 0;
  for (const simdjson::dom::element value : theirs) {
    if (count++ == ours.size() || !same(*element, value)) return false;
    ++element;
  }
  return count == ours.size();
}

bool same_real(double a, double b) {
  return a == b && std::signbit(a) == std::signbit(b);
}

bool same(JsonNode ours, simdjson::dom::element theirs) {
  switch (theirs.type()) {
    case element_type::NULL_VALUE:
      return ours.is_null();
    case element_type::BOOL:
      return ours.kind() == JsonKind::kBool && ours.boolean() == theirs.get_bool().value_unsafe();
    case element_type::INT64: {
      const int64_t i = theirs.get_int64().value_unsafe();
      return ours.is_number() && ours.integer() == i && ours.real() == static_cast<double>(i);
    }
    case element_type::UINT64:  // beyond int64
      return ours.is_number() && !ours.integer() &&
             ours.real() == static_cast<double>(theirs.get_uint64().value_unsafe());
    case element_type::DOUBLE:
      return ours.is_number() && !ours.integer() &&
             same_real(ours.real(), theirs.get_double().value_unsafe());
    case element_type::STRING:
      return ours.is_string() && ours.text() == theirs.get_string().value_unsafe();
    case element_type::ARRAY:
      return same_elements(ours, theirs.get_array().value_unsafe());
    case element_type::OBJECT:
      return same_members(ours, theirs.get_object().value_unsafe());
  }
  return false;
}

// ------------------------------------------------------------------------------- where they differ

size_t depth_of(simdjson::dom::element e) {
  size_t inside = 0;
  if (e.is_array()) {
    for (const auto each : e.get_array().value_unsafe()) inside = std::max(inside, depth_of(each));
  } else if (e.is_object()) {
    for (const auto [key, each] : e.get_object().value_unsafe()) {
      inside = std::max(inside, depth_of(each));
    }
  } else {
    return 0;
  }
  return inside + 1;
}

bool has_key_twice(simdjson::dom::element e) {
  if (e.is_array()) {
    for (const auto each : e.get_array().value_unsafe()) {
      if (has_key_twice(each)) return true;
    }
  } else if (e.is_object()) {
    std::set<std::string_view> keys;
    for (const auto [key, each] : e.get_object().value_unsafe()) {
      if (!keys.insert(key).second || has_key_twice(each)) return true;
    }
  }
  return false;
}

// An integer that simdjson has no type for: beyond uint64, or below int64.
bool has_wide_integer(JsonNode node) {
  if (node.is_number()) {
    const std::string_view token = node.number();
    if (token.find_first_of(".eE") != token.npos || node.integer()) return false;
    return node.real() < 0 || node.real() >= 18446744073709551616.0 || token.size() > 20 ||
           (token.size() == 20 && token > "18446744073709551615");
  }
  for (const JsonNode each : node.elements()) {
    if (has_wide_integer(each)) return true;
  }
  for (const auto [key, value] : node.members()) {
    if (has_wide_integer(value)) return true;
  }
  return false;
}

constexpr std::string_view kExceptions[] = {"a key twice", "deeper than 64",
                                            "an integer beyond 64 bits"};

// The exception that explains why one takes and the other refuses; empty: none does.
std::string_view exception(const Result<JsonDocument>& ours,
                           const simdjson::simdjson_result<simdjson::dom::element>& theirs) {
  if (ours) return has_wide_integer(ours->root()) ? kExceptions[2] : std::string_view();
  const simdjson::dom::element root = theirs.value_unsafe();
  if (depth_of(root) > limits::kJsonDepth) return kExceptions[1];
  if (has_key_twice(root)) return kExceptions[0];
  return {};
}

// -------------------------------------------------------------------------------------- generation

class Documents {
 public:
  explicit Documents(uint64_t seed) : random_(seed) {}

  std::string next() {
    out_.clear();
    if (one_in(60)) {
      deep();
    } else {
      value(static_cast<int>(below(5)));
    }
    if (one_in(8)) out_ = space() + out_ + space();
    std::string text = out_;
    if (!one_in(3)) mutate(text);
    return text;
  }

 private:
  uint64_t below(uint64_t n) { return random_.next() % n; }
  bool one_in(uint64_t n) { return below(n) == 0; }
  std::string_view of(std::initializer_list<std::string_view> all) {
    return all.begin()[below(all.size())];
  }

  std::string space() {
    std::string out;
    while (one_in(3)) out += " \t\n\r"[below(4)];
    return out;
  }
  void put(std::string_view text) {
    out_ += text;
    if (one_in(12)) out_ += space();
  }

  void value(int depth) {
    const uint64_t kind = below(depth > 0 ? 9 : 5);
    if (kind == 0) return put(of({"null", "true", "false"}));
    if (kind <= 2) return number();
    if (kind <= 4) return string();
    const bool object = kind <= 6;
    put(object ? "{" : "[");
    for (uint64_t i = 0, n = below(5); i < n; ++i) {
      if (i > 0) put(",");
      if (object) {
        one_in(12) ? put("\"a\"") : key(i);
        put(":");
      }
      value(depth - 1);
    }
    put(object ? "}" : "]");
  }
  // Mostly unique, so that documents pass.
  void key(uint64_t i) {
    out_ += '"';
    if (one_in(2)) character();
    out_ += std::to_string(i);
    if (one_in(4)) character();
    put("\"");
  }

  void number() {
    if (one_in(3)) {
      return put(of({"0",
                     "-0",
                     "-0.0",
                     "9223372036854775807",
                     "-9223372036854775808",
                     "9223372036854775808",
                     "-9223372036854775809",
                     "18446744073709551615",
                     "18446744073709551616",
                     "99999999999999999999999",
                     "1.7976931348623157e308",
                     "1.7976931348623159e308",
                     "1e308",
                     "1e309",
                     "-1e400",
                     "5e-324",
                     "2e-324",
                     "1e-400",
                     "2.2250738585072011e-308",
                     "9007199254740993",
                     "9007199254740992.5",
                     "0.1",
                     "1E+2",
                     "1e-7",
                     "123456789012345678901234567890e-20",
                     "0.30000000000000004"}));
    }
    if (one_in(3)) out_ += '-';
    digits(1 + below(one_in(4) ? 25 : 4), true);
    if (one_in(2)) {
      out_ += '.';
      digits(1 + below(one_in(4) ? 25 : 4), false);
    }
    if (one_in(4)) {
      out_ += one_in(2) ? 'e' : 'E';
      out_ += of({"+", "-", ""});
      digits(1 + below(3), false);
    }
    put("");
  }
  void digits(uint64_t n, bool whole) {
    for (uint64_t i = 0; i < n; ++i) {
      out_ += static_cast<char>('0' + (i == 0 && whole && n > 1 ? 1 + below(9) : below(10)));
    }
  }

  void string() {
    out_ += '"';
    // Now and then long enough to cross the blocks in which both read.
    for (uint64_t i = 0, n = below(one_in(10) ? 150 : 8); i < n; ++i) character();
    put("\"");
  }
  void character() {
    switch (below(8)) {
      case 0:
        out_ += of({"\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t"});
        break;
      case 1:
        out_ += of({"\\u0041", "\\u00e9", "\\uFFFF", "\\u0000", "\\ud83d\\ude00", "\\uD800\\uDC00",
                    "\\uDBFF\\uDFFF", "\\u20AC"});
        break;
      case 2:
        out_ += of({"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF",
                    "\xED\x9F\xBF", "\xEE\x80\x80", "\x7F", "\xEF\xBB\xBF"});
        break;
      default:
        out_ += "abcxyz 0:,{}[]/'"[below(16)];
    }
  }

  void deep() {
    const uint64_t n = 60 + below(8);
    const bool objects = one_in(2);
    for (uint64_t i = 0; i < n; ++i) out_ += objects ? "{\"a\":" : "[";
    out_ += one_in(2) ? "1" : objects ? "{}" : "[]";
    for (uint64_t i = 0; i < n; ++i) out_ += objects ? '}' : ']';
  }

  void mutate(std::string& text) {
    static constexpr std::string_view kPieces[] = {"{",
                                                   "}",
                                                   "[",
                                                   "]",
                                                   ",",
                                                   ":",
                                                   "\"",
                                                   "\\",
                                                   "0",
                                                   "1",
                                                   "-",
                                                   ".",
                                                   "e",
                                                   "E5",
                                                   "true",
                                                   "null",
                                                   " ",
                                                   "\n",
                                                   "\\u0",
                                                   "\\u00e9",
                                                   "\xC3\xA9",
                                                   "\xFF",
                                                   "\x01",
                                                   "12",
                                                   "\t",
                                                   "\"a\":",
                                                   "[]",
                                                   "{}",
                                                   "1e308",
                                                   "a",
                                                   "false",
                                                   "+",
                                                   "\xC0\xAF",
                                                   "\xED\xA0\x80",
                                                   "\xF4\x90\x80\x80",
                                                   "\xE2\x82",
                                                   "\xF0\x9F",
                                                   "\x80",
                                                   "\\ud800",
                                                   "\\udc00",
                                                   "\\x",
                                                   "'",
                                                   "//",
                                                   "\x0B",
                                                   "\xC2\xA0",
                                                   "NaN",
                                                   "Infinity",
                                                   "\"a\":1,",
                                                   "00",
                                                   "\xEF\xBB\xBF"};
    const uint64_t changes = 1 + below(3);
    for (uint64_t i = 0; i < changes; ++i) {
      const size_t at = one_in(12) ? 0 : below(text.size() + 1);
      const size_t cut = std::min<size_t>(below(3), text.size() - at);
      if (one_in(16)) {
        text.resize(at);
      } else if (one_in(16)) {
        text[text.empty() ? 0 : at % text.size()] = static_cast<char>(1 + below(255));
      } else {
        text.replace(at, cut, kPieces[below(std::size(kPieces))]);
      }
    }
  }

  FakeRandom random_;
  std::string out_;
};

TEST(JsonDifferential, AgreesWithSimdjsonOnGeneratedAndMutatedDocuments) {
  const DifferentialRun run(20260301);
  Documents documents(run.seed());
  simdjson::dom::parser parser;
  int64_t taken = 0, refused = 0;
  std::map<std::string_view, int64_t> exceptions;
  for (int64_t i = 0, n = run.amount(250'000); i < n; ++i) {
    const std::string text = documents.next();
    const auto ours = JsonDocument::parse(text);
    const auto theirs = parser.parse(simdjson::padded_string(text));
    if (ours.has_value() != (theirs.error() == simdjson::SUCCESS)) {
      const std::string_view name = exception(ours, theirs);
      ++exceptions[name];
      ASSERT_FALSE(name.empty()) << "document " << i << ": " << text
                                 << "\nours: " << (ours ? "taken" : ours.error().detail)
                                 << "\ntheirs: " << simdjson::error_message(theirs.error())
                                 << run.replay();
    } else if (ours) {
      ++taken;
      ASSERT_TRUE(same(ours->root(), theirs.value_unsafe()))
          << "document " << i << ": " << text << run.replay();
      const std::string minified = ours->root().minified();
      const auto again = JsonDocument::parse(minified);
      ASSERT_TRUE(again && same(again->root(), theirs.value_unsafe())) << minified << run.replay();
    } else {
      ++refused;
      ASSERT_LE(ours.error().offset.value_or(SIZE_MAX), text.size()) << text << run.replay();
    }
  }
  std::cerr << "json: " << taken << " taken by both, " << refused << " refused by both";
  for (const auto& [name, count] : exceptions) std::cerr << ", " << name << " " << count;
  std::cerr << "\n";
  EXPECT_GT(taken, run.amount(80'000));
  EXPECT_GT(refused, run.amount(50'000));
  for (const std::string_view name : kExceptions)
    EXPECT_GT(exceptions[name], 0) << name << run.replay();
}

}  // namespace
}  // namespace mettle

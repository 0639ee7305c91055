#include "base/json_write.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/datetime.h"
#include "base/decimal.h"
#include "base/id.h"
#include "base/text.h"

namespace mettle {
namespace {

constexpr uint64_t kOnes = 0x0101010101010101;
constexpr uint64_t kHighs = 0x8080808080808080;

bool must_escape(char c) {
  return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
}

// The length of the prefix that needs no escape, eight bytes at a time.
size_t plain_length(std::string_view text) {
  size_t i = 0;
  for (; text.size() - i >= 8; i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + i, 8);
    const uint64_t quote = word ^ (kOnes * '"');
    const uint64_t backslash = word ^ (kOnes * '\\');
    const uint64_t stops = (((quote - kOnes) & ~quote) | ((backslash - kOnes) & ~backslash) |
                            ((word - kOnes * 0x20) & ~word)) &
                           kHighs;
    if (stops != 0) return i + static_cast<size_t>(__builtin_ctzll(stops)) / 8;
  }
  while (i < text.size() && !must_escape(text[i])) ++i;
  return i;
}

void append_escape(std::string& out, char c) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out.append("\\\"");
      return;
    case '\\':
      out.append("\\\\");
      return;
    case '\n':
      out.append("\\n");
      return;
    case '\r':
      out.append("\\r");
      return;
    case '\t':
      out.append("\\t");
      return;
    case '\b':
      out.append("\\b");
      return;
    case '\f':
      out.append("\\f");
      return;
    default:
      out.append("\\u00");
      out.push_back(kHex[static_cast<uint8_t>(c) >> 4]);
      out.push_back(kHex[static_cast<uint8_t>(c) & 0xf]);
  }
}

template <class Number>
void append_number(std::string& out, Number number) {
  char text[32];
  const auto [end, fault] = std::to_chars(std::begin(text), std::end(text), number);
  CHECK(fault == std::errc());
  out.append(text, end);
}

// Values whose wire form is a string that needs no escaping.
template <class Append>
void append_quoted(std::string& out, Append append) {
  out.push_back('"');
  append();
  out.push_back('"');
}

void append_list(std::string& out, const List& list) {
  out.push_back('[');
  for (size_t i = 0; i < list.size(); ++i) {
    if (i > 0) out.push_back(',');
    append_value(out, list[i]);
  }
  out.push_back(']');
}

void append_map(std::string& out, const Map& map) {
  out.push_back('{');
  for (size_t i = 0; i < map.size(); ++i) {
    if (i > 0) out.push_back(',');
    append_json_string(out, map[i].first);
    out.push_back(':');
    append_value(out, map[i].second);
  }
  out.push_back('}');
}

void append_real(std::string& out, double d) {
  if (std::isfinite(d)) {
    append_number(out, d);
  } else {
    out.append("null");
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  while (true) {
    const size_t plain = plain_length(text);
    out.append(text.data(), plain);
    if (plain == text.size()) break;
    append_escape(out, text[plain]);
    text.remove_prefix(plain + 1);
  }
  out.push_back('"');
}

std::string json_key_fragment(std::string_view name) {
  std::string fragment;
  append_json_string(fragment, name);
  fragment.push_back(':');
  return fragment;
}

void append_value(std::string& out, const Value& v) {
  switch (v.kind()) {
    case Kind::kNull:
    case Kind::kUnknown:
      out.append("null");
      return;
    case Kind::kBool:
      out.append(v.boolean() ? "true" : "false");
      return;
    case Kind::kInt:
      return append_number(out, v.integer());
    case Kind::kFloat:
      return append_real(out, v.real());
    case Kind::kDecimal:
      return append_quoted(out, [&] { append_decimal(out, v.decimal()); });
    case Kind::kText:
      return append_json_string(out, v.text());
    case Kind::kBytes:
      return append_quoted(out, [&] { append_base64(out, v.bytes()); });
    case Kind::kUuid:
      return append_quoted(out, [&] { append_uuid(out, v.uuid()); });
    case Kind::kTimestamp:
      return append_quoted(out, [&] { append_timestamp(out, v.timestamp()); });
    case Kind::kDuration:
      return append_quoted(out, [&] { append_cel_duration(out, v.duration()); });
    case Kind::kDate:
      return append_quoted(out, [&] { append_date(out, v.date()); });
    case Kind::kTime:
      return append_quoted(out, [&] { append_time(out, v.time()); });
    case Kind::kJson:
      out.append(v.json());
      return;
    case Kind::kList:
      return append_list(out, v.list());
    case Kind::kMap:
      return append_map(out, v.map());
  }
  CHECK(false);
}

std::string to_json(const Value& v) {
  std::string out;
  append_value(out, v);
  return out;
}

void JsonWriter::key(std::string_view name) {
  comma();
  append_json_string(out_, name);
  out_.push_back(':');
  after_value_ = false;
}

void JsonWriter::string(std::string_view text) {
  comma();
  append_json_string(out_, text);
  after_value_ = true;
}

void JsonWriter::integer(int64_t i) {
  comma();
  append_number(out_, i);
  after_value_ = true;
}

void JsonWriter::unsigned_integer(uint64_t i) {
  comma();
  append_number(out_, i);
  after_value_ = true;
}

void JsonWriter::real(double d) {
  CHECK(std::isfinite(d));
  comma();
  append_number(out_, d);
  after_value_ = true;
}

void JsonWriter::value(const Value& v) {
  comma();
  append_value(out_, v);
  after_value_ = true;
}

}  // namespace mettle

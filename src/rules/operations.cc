#include "rules/operations.h"

#include <charconv>
#include <cmath>
#include <compare>
#include <cstdint>

#include "base/datetime.h"
#include "base/decimal.h"
#include "base/id.h"
#include "base/json_read.h"
#include "base/mutant.h"

namespace mettle::rules {
namespace {

using Order = std::optional<std::partial_ordering>;

// Exact, where a conversion of either would round.
std::partial_ordering compare(int64_t i, double d) {
  constexpr double kTwo63 = 9223372036854775808.0;
  if (std::isnan(d)) return std::partial_ordering::unordered;
  if (d >= kTwo63) return std::partial_ordering::less;
  if (d < -kTwo63) return std::partial_ordering::greater;
  const auto whole = static_cast<int64_t>(d);
  if (i != whole) return i <=> whole;
  return 0.0 <=> d - static_cast<double>(whole);
}

std::partial_ordering reversed(std::partial_ordering o) {
  return 0 <=> o;
}

// nullopt: kinds that do not compare.
Order compare(const Value& a, const Value& b) {
  if (a.kind() == Kind::kInt && b.kind() == Kind::kFloat) return compare(a.integer(), b.real());
  if (a.kind() == Kind::kFloat && b.kind() == Kind::kInt) {
    return reversed(compare(b.integer(), a.real()));
  }
  if (a.kind() != b.kind()) return std::nullopt;
  switch (a.kind()) {
    case Kind::kBool:
      return a.boolean() <=> b.boolean();
    case Kind::kInt:
      return a.integer() <=> b.integer();
    case Kind::kFloat:
      return a.real() <=> b.real();
    case Kind::kDecimal:
      return decimal_compare(a.decimal(), b.decimal());
    case Kind::kText:
      return a.text() <=> b.text();
    case Kind::kBytes:
      return a.bytes() <=> b.bytes();
    case Kind::kUuid:
      return a.uuid() <=> b.uuid();
    case Kind::kTimestamp:
      return a.timestamp() <=> b.timestamp();
    case Kind::kDuration:
      return a.duration() <=> b.duration();
    case Kind::kDate:
      return a.date() <=> b.date();
    case Kind::kTime:
      return a.time() <=> b.time();
    default:
      return std::nullopt;
  }
}

Value finite(double d) {
  return std::isfinite(d) ? Value(d) : Value(Unknown{});
}
template <class T>
Value known(const std::optional<T>& v) {
  return v ? Value(*v) : Value(Unknown{});
}

Value int_arithmetic(Op op, int64_t a, int64_t b) {
  int64_t out = 0;
  switch (op) {
    case Op::kAdd:
      return __builtin_add_overflow(a, b, &out) && !planted(Mutant::kOverflowWraps)
                 ? Value(Unknown{})
                 : Value(out);
    case Op::kSubtract:
      return __builtin_sub_overflow(a, b, &out) ? Value(Unknown{}) : Value(out);
    case Op::kMultiply:
      return __builtin_mul_overflow(a, b, &out) ? Value(Unknown{}) : Value(out);
    default:
      if (b == 0 || (a == INT64_MIN && b == -1)) return Unknown{};
      return Value(op == Op::kDivide ? a / b : a % b);
  }
}

Value float_arithmetic(Op op, double a, double b) {
  switch (op) {
    case Op::kAdd:
      return finite(a + b);
    case Op::kSubtract:
      return finite(a - b);
    case Op::kMultiply:
      return finite(a * b);
    case Op::kDivide:
      return b == 0 ? Value(Unknown{}) : finite(a / b);
    default:
      return Unknown{};
  }
}

Value decimal_arithmetic(Op op, Decimal a, Decimal b) {
  switch (op) {
    case Op::kAdd:
      return known(decimal_add(a, b));
    case Op::kSubtract:
      return known(decimal_sub(a, b));
    case Op::kMultiply:
      return known(decimal_mul(a, b));
    default:
      return Unknown{};
  }
}

Value timestamp_of_us(const Value& us) {
  if (us.is_unknown()) return us;
  const Timestamp t{us.integer()};
  return t < kTimestampMin || t > kTimestampMax ? Value(Unknown{}) : Value(t);
}
Value duration_of_us(const Value& us) {
  return us.is_unknown() ? us : Value(Duration{us.integer()});
}

bool is_time(const Value& v) {
  return v.kind() == Kind::kTimestamp || v.kind() == Kind::kDuration;
}

Value time_arithmetic(Op op, const Value& a, const Value& b) {
  const bool instant_a = a.kind() == Kind::kTimestamp, instant_b = b.kind() == Kind::kTimestamp;
  if (op != Op::kAdd && op != Op::kSubtract) return Unknown{};
  const Value us = int_arithmetic(op, instant_a ? a.timestamp().us : a.duration().us,
                                  instant_b ? b.timestamp().us : b.duration().us);
  if (instant_a == instant_b) {
    return instant_a && op == Op::kAdd ? Value(Unknown{}) : duration_of_us(us);
  }
  return instant_b && op == Op::kSubtract ? Value(Unknown{}) : timestamp_of_us(us);
}

// Runs `use` with the node of a json text.
template <class Use>
Value with_json(const Value& json, Use use) {
  const auto document = JsonDocument::parse(json.json());
  return document ? use(document->root()) : Value(Unknown{});
}

Value plain(const JsonNode& node) {
  switch (node.kind()) {
    case JsonKind::kNull:
      return Null{};
    case JsonKind::kBool:
      return Value(node.boolean());
    case JsonKind::kString:
      return Value(node.text());
    case JsonKind::kNumber:
      if (const auto i = node.integer()) return Value(*i);
      return finite(node.real());
    default:
      return Json{node.minified()};
  }
}

Value text_to_int(std::string_view text) {
  int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return Unknown{};
  return Value(out);
}

Value text_to_float(std::string_view text) {
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return Unknown{};
  return finite(out);
}

Value float_to_int(double d) {
  constexpr double kTwo63 = 9223372036854775808.0;
  if (!(d > -kTwo63 && d < kTwo63)) return Unknown{};  // CEL leaves out both ends
  return Value(static_cast<int64_t>(d));
}

Value to_text(const Value& from) {
  switch (from.kind()) {
    case Kind::kText:
      return from;
    case Kind::kBool:
      return Value(from.boolean() ? "true" : "false");
    case Kind::kInt:
      return Value(std::to_string(from.integer()));
    case Kind::kDecimal:
      return Value(format_decimal(from.decimal()));
    case Kind::kUuid:
      return Value(format_uuid(from.uuid()));
    case Kind::kTimestamp:
      return Value(format_cel_timestamp(from.timestamp()));
    case Kind::kDate:
      return Value(format_date(from.date()));
    case Kind::kTime:
      return Value(format_time(from.time()));
    default:
      return Unknown{};
  }
}

Value to_int(const Value& from) {
  switch (from.kind()) {
    case Kind::kInt:
      return from;
    case Kind::kFloat:
      return float_to_int(from.real());
    case Kind::kDecimal: {
      int64_t units = from.decimal().units;
      for (int i = 0; i < from.decimal().scale; ++i) units /= 10;
      return Value(units);
    }
    case Kind::kText:
      return text_to_int(from.text());
    default:
      return Unknown{};
  }
}

Value to_float(const Value& from) {
  switch (from.kind()) {
    case Kind::kFloat:
      return finite(from.real());
    case Kind::kInt:
      return Value(static_cast<double>(from.integer()));
    case Kind::kDecimal:
      return Value(decimal_to_double(from.decimal()));
    case Kind::kText:
      return text_to_float(from.text());
    default:
      return Unknown{};
  }
}

Value to_decimal(const Value& from, int scale) {
  std::optional<Decimal> d;
  if (from.kind() == Kind::kDecimal) d = from.decimal();
  if (from.kind() == Kind::kInt) d = decimal_from_int(from.integer());
  return d ? known(decimal_rescale(*d, scale)) : Value(Unknown{});
}

void append_stored(std::string& out, const Value& v) {
  static constexpr char kHex[] = "0123456789abcdef";
  const auto hex = [&out](uint8_t byte) {
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  };
  switch (v.kind()) {
    case Kind::kBool:
      out += v.boolean() ? "1" : "0";
      break;
    case Kind::kInt:
      out += std::to_string(v.integer());
      break;
    case Kind::kFloat:
      out += fmt::format("{}", v.real());
      break;
    case Kind::kDecimal:
      out += std::to_string(v.decimal().units);
      break;
    case Kind::kTimestamp:
      out += std::to_string(v.timestamp().us);
      break;
    case Kind::kDuration:
      out += std::to_string(v.duration().us);
      break;
    case Kind::kUuid:
      out += '"';
      for (uint8_t byte : v.uuid().bytes) hex(byte);
      out += '"';
      break;
    case Kind::kBytes:
      out += '"';
      for (char c : v.bytes()) hex(static_cast<uint8_t>(c));
      out += '"';
      break;
    default: {  // text, dates and times
      const Value text = to_text(v);
      out += '"';
      for (char c : text.text()) {
        if (c == '"' || c == '\\') out += '\\';
        if (static_cast<uint8_t>(c) < 0x20) {
          out += "\\u00";
          hex(static_cast<uint8_t>(c));
        } else {
          out += c;
        }
      }
      out += '"';
    }
  }
}

bool is_scalar_of(const Value& v, Type::Tag tag) {
  using Tag = Type::Tag;
  switch (tag) {
    case Tag::kBool:
      return v.kind() == Kind::kBool;
    case Tag::kInt:
    case Tag::kFloat:
      return v.kind() == Kind::kInt || v.kind() == Kind::kFloat;
    case Tag::kDecimal:
      return v.kind() == Kind::kDecimal;
    case Tag::kText:
      return v.kind() == Kind::kText;
    case Tag::kBytes:
      return v.kind() == Kind::kBytes;
    case Tag::kUuid:
      return v.kind() == Kind::kUuid;
    case Tag::kTimestamp:
      return v.kind() == Kind::kTimestamp;
    case Tag::kDuration:
      return v.kind() == Kind::kDuration;
    case Tag::kDate:
      return v.kind() == Kind::kDate;
    case Tag::kTime:
      return v.kind() == Kind::kTime;
    default:
      return false;
  }
}

}  // namespace

Value equal(const Value& a, const Value& b) {
  if (a.is_unknown() || b.is_unknown()) return Unknown{};
  if (a.is_null() || b.is_null()) return Value(a.is_null() && b.is_null());
  const Order order = compare(a, b);
  if (!order || *order == std::partial_ordering::unordered) return Unknown{};
  return Value(*order == 0);
}

Value ordered(Op op, const Value& a, const Value& b) {
  const Order order = compare(a, b);
  if (!order || *order == std::partial_ordering::unordered) return Unknown{};
  switch (op) {
    case Op::kLess:
      return Value(*order < 0);
    case Op::kLessEqual:
      return Value(*order <= 0);
    case Op::kGreater:
      return Value(*order > 0);
    default:
      return Value(*order >= 0);
  }
}

Value arithmetic(Op op, const Value& a, const Value& b) {
  if (is_time(a) && is_time(b)) return time_arithmetic(op, a, b);
  if (a.kind() != b.kind()) return Unknown{};
  switch (a.kind()) {
    case Kind::kInt:
      return int_arithmetic(op, a.integer(), b.integer());
    case Kind::kFloat:
      return float_arithmetic(op, a.real(), b.real());
    case Kind::kDecimal:
      return decimal_arithmetic(op, a.decimal(), b.decimal());
    case Kind::kText:
      return op == Op::kAdd ? Value(a.text() + b.text()) : Value(Unknown{});
    default:
      return Unknown{};
  }
}

Value negate(const Value& a) {
  switch (a.kind()) {
    case Kind::kInt:
      return a.integer() == INT64_MIN ? Value(Unknown{}) : Value(-a.integer());
    case Kind::kFloat:
      return finite(-a.real());
    case Kind::kDecimal:
      return known(decimal_negate(a.decimal()));
    case Kind::kDuration:
      return a.duration().us == INT64_MIN ? Value(Unknown{}) : Value(Duration{-a.duration().us});
    default:
      return Unknown{};
  }
}

Value contains(const Value& x, const Value& container) {
  const auto is_x = [&x](const Value& each) {
    const bool parse = x.kind() == Kind::kUuid && each.kind() == Kind::kText;
    return equal(x, parse ? known(parse_uuid(each.text())) : each).is_true();
  };
  if (x.is_unknown() || container.is_unknown()) return Unknown{};
  if (container.kind() == Kind::kMap) {
    return x.kind() == Kind::kText ? Value(container.find(x.text()) != nullptr) : Value(Unknown{});
  }
  if (container.kind() == Kind::kJson) {
    return with_json(container, [&x, &is_x](const JsonNode& root) -> Value {
      if (root.is_object() && x.kind() == Kind::kText)
        return Value(root.find(x.text()).has_value());
      if (!root.is_array()) return Unknown{};
      for (const JsonNode node : root.elements()) {
        if (is_x(plain(node))) return Value(true);
      }
      return Value(false);
    });
  }
  if (container.kind() != Kind::kList) return Unknown{};
  for (const Value& each : container.list()) {
    if (is_x(plain(each))) return Value(true);
  }
  return Value(false);
}

Value plain(const Value& dyn) {
  if (dyn.kind() != Kind::kJson) return dyn;
  return with_json(dyn, [](const JsonNode& root) { return plain(root); });
}

Value member(const Value& base, std::string_view key) {
  if (base.kind() == Kind::kMap) {
    const Value* found = base.find(key);
    return found ? *found : Value(Unknown{});
  }
  if (base.kind() != Kind::kJson) return Unknown{};
  return with_json(base, [key](const JsonNode& root) -> Value {
    const auto found = root.find(key);
    return found ? plain(*found) : Value(Unknown{});
  });
}

Value element(const Value& base, const Value& index) {
  if (index.kind() == Kind::kText) return member(base, index.text());
  if (index.kind() != Kind::kInt || index.integer() < 0) return Unknown{};
  auto left = static_cast<uint64_t>(index.integer());
  if (base.kind() == Kind::kList) {
    return left < base.list().size() ? base.list()[left] : Value(Unknown{});
  }
  if (base.kind() != Kind::kJson) return Unknown{};
  return with_json(base, [&left](const JsonNode& root) -> Value {
    for (const JsonNode node : root.elements()) {
      if (left-- == 0) return plain(node);
    }
    return Unknown{};
  });
}

Value has_member(const Value& base, std::string_view key) {
  if (base.kind() == Kind::kMap) return Value(base.find(key) != nullptr);
  if (base.kind() != Kind::kJson) return Unknown{};
  return with_json(base, [key](const JsonNode& root) -> Value {
    return root.is_object() ? Value(root.find(key).has_value()) : Value(Unknown{});
  });
}

Value cast(const Value& dyn, const Type& to) {
  const Value v = plain(dyn);
  if (v.is_null() || is_scalar_of(v, to.tag)) return v;
  if (to.tag == Type::Tag::kUuid && v.kind() == Kind::kText) return known(parse_uuid(v.text()));
  return Unknown{};
}

Value convert(const Value& from, const Type& to) {
  using Tag = Type::Tag;
  if (from.is_null()) return to.nullable ? from : Value(Unknown{});
  switch (to.tag) {
    case Tag::kText:
      return to_text(from);
    case Tag::kInt:
      return to_int(from);
    case Tag::kFloat:
      return to_float(from);
    case Tag::kDecimal:
      return to_decimal(from, to.scale);
    case Tag::kDate:
      return from.kind() == Kind::kTimestamp ? Value(date_of(from.timestamp())) : from;
    case Tag::kTimestamp:
      return from.kind() == Kind::kDate ? Value(timestamp_of(from.date())) : from;
    default:
      return from;
  }
}

Value stored_list(const Value& list, const Type& element) {
  const bool names = element.tag == Type::Tag::kText;  // as those of an object's members are
  List elements;
  if (list.kind() == Kind::kList) {
    elements = list.list();
  } else if (list.kind() == Kind::kMap && names) {
    for (const auto& [key, value] : list.map()) elements.emplace_back(key);
  } else if (list.kind() == Kind::kJson) {
    const auto document = JsonDocument::parse(list.json());
    const bool object = document && document->root().is_object() && names;
    if (!object && !(document && document->root().is_array())) return Unknown{};
    for (const JsonNode node : document->root().elements()) elements.push_back(plain(node));
    for (const auto& [key, value] : document->root().members()) elements.emplace_back(key.text());
  } else {
    return Unknown{};
  }
  std::string out = "[";
  for (const Value& each : elements) {
    Value v = plain(each);
    if (element.tag == Type::Tag::kDecimal) v = to_decimal(v, element.scale);
    if (element.tag == Type::Tag::kUuid && v.kind() == Kind::kText) v = cast(v, element);
    if (!is_scalar_of(v, element.tag)) continue;
    if (out.size() > 1) out += ',';
    append_stored(out, v);
  }
  out += ']';
  return Value(std::move(out));
}

}  // namespace mettle::rules

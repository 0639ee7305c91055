// Literals, `=expressions` and text with {holes}.
#include <charconv>
#include <cmath>

#include "base/datetime.h"
#include "base/decimal.h"
#include "base/id.h"
#include "base/json_write.h"
#include "base/text.h"
#include "model/read.h"

namespace mettle::model {

namespace {

std::string shown(const Node& node) {
  if (node.kind == Node::Kind::kNull) return "null";
  if (node.is_map()) return "a map";
  if (node.is_list()) return "a list";
  return node.plain() ? node.text() : "\"" + node.text() + "\"";
}

std::optional<int64_t> whole(std::string_view text) {
  if (plain_kind(text) != Plain::kInt) return std::nullopt;
  if (text.starts_with('+')) text.remove_prefix(1);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> real(std::string_view text) {
  const Plain kind = plain_kind(text);
  if (kind != Plain::kInt && kind != Plain::kFloat) return std::nullopt;
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || !std::isfinite(value)) return std::nullopt;
  return value;
}

// Any node as JSON, for columns of that type.
void append_json(const Node& node, JsonWriter& out) {
  if (node.is_map()) {
    out.begin_object();
    for (const auto& [key, value] : node.members) {
      out.key(key.text());
      append_json(value, out);
    }
    out.end_object();
  } else if (node.is_list()) {
    out.begin_array();
    for (const Node& element : node.elements) append_json(element, out);
    out.end_array();
  } else {
    out.value(plain_value(node));
  }
}

std::optional<Value> scalar_value(const Node& node, const Shape& shape, bool int_id) {
  const std::string& t = node.text();
  const bool plain = node.plain();
  switch (shape.type) {
    case Type::kText:
      if (plain && is_yaml_trap(t)) return std::nullopt;
      return t.find('\0') == std::string::npos ? std::optional<Value>(Value(t)) : std::nullopt;
    case Type::kEnum:
      return Value(t);
    case Type::kInt:
      if (const auto i = whole(t); i && plain) return Value(*i);
      return std::nullopt;
    case Type::kFloat:
      if (const auto d = real(t); d && plain) return Value(*d);
      return std::nullopt;
    case Type::kDecimal: {
      const auto d = plain ? parse_decimal_number(t) : parse_decimal(t);
      const auto fit = d ? decimal_rescale(*d, shape.scale) : std::nullopt;
      if (!fit) return std::nullopt;
      return Value(*fit);
    }
    case Type::kBool:
      if (plain && (t == "true" || t == "false")) return Value(t == "true");
      return std::nullopt;
    case Type::kDate:
      if (const auto d = parse_date(t)) return Value(*d);
      return std::nullopt;
    case Type::kTime:
      if (const auto d = parse_time(t)) return Value(*d);
      return std::nullopt;
    case Type::kTimestamp:
      if (const auto d = parse_timestamp(t)) return Value(*d);
      return std::nullopt;
    case Type::kReference:
      if (int_id) {
        if (const auto i = whole(t); i && plain) return Value(*i);
        return std::nullopt;
      }
      [[fallthrough]];
    case Type::kUuid:
      if (const auto id = parse_uuid(t)) return Value(*id);
      return std::nullopt;
    case Type::kBytes:
      if (auto bytes = decode_base64(t)) return Value(Bytes{std::move(*bytes)});
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::string_view expected(const Shape& shape) {
  switch (shape.type) {
    case Type::kText:
      return "text (in quotes where YAML would see a number or a truth value)";
    case Type::kInt:
      return "a whole number of 64 bits, without quotes";
    case Type::kFloat:
      return "a number, without quotes";
    case Type::kDecimal:
      return "a decimal that its scale can hold";
    case Type::kBool:
      return "true or false";
    case Type::kDate:
      return "a date such as 2026-02-03";
    case Type::kTime:
      return "a time such as 04:05:06, in quotes";
    case Type::kTimestamp:
      return "a timestamp such as 2026-02-03T04:05:06Z";
    case Type::kUuid:
    case Type::kReference:
      return "an id";
    case Type::kBytes:
      return "bytes in base64";
    default:
      return "a value of the type";
  }
}

// Less, equal, greater of two values of one kind that has an order.
std::partial_ordering compare(const Value& a, const Value& b) {
  if (a.kind() != b.kind()) return std::partial_ordering::unordered;
  switch (a.kind()) {
    case Kind::kInt:
      return a.integer() <=> b.integer();
    case Kind::kFloat:
      return a.real() <=> b.real();
    case Kind::kDecimal:
      return decimal_compare(a.decimal(), b.decimal());
    case Kind::kDate:
      return a.date() <=> b.date();
    case Kind::kTimestamp:
      return a.timestamp() <=> b.timestamp();
    default:
      return std::partial_ordering::unordered;
  }
}

// The end of the hole that begins at `open` ('{'): its '}', quotations skipped; npos if none.
size_t hole_end(const std::string& text, size_t open) {
  char quote = 0;
  for (size_t i = open + 1; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == '\\') ++i;
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '}') {
      return i;
    }
  }
  return std::string::npos;
}

Expression read_any(const Reading& in, const Node& node, const std::string& path);

// Text with holes. "{{" and "}}" stand for the brackets themselves.
Expression read_template(const Reading& in, const Node& node, const std::string& path) {
  Expression out;
  out.pos = node.pos;
  const std::string& text = node.text();
  std::string part;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c == '{' || c == '}') && i + 1 < text.size() && text[i + 1] == c) {
      part += c;
      ++i;
    } else if (c == '{') {
      const size_t end = hole_end(text, i);
      if (end == std::string::npos || trim_ascii(text.substr(i + 1, end - i - 1)).empty()) {
        in.error(node.source.at(i), path, "open_hole",
                 "'{' opens a hole for an expression that is not there; for the bracket itself "
                 "write '{{'");
        break;
      }
      out.texts.push_back(std::move(part));
      part.clear();
      out.holes.push_back(node.source.part(i + 1, end - i - 1));
      i = end;
    } else {
      part += c;
    }
  }
  if (out.holes.empty()) {
    out.literal = Value(part);
    return out;
  }
  out.form = Expression::Form::kTemplate;
  out.texts.push_back(std::move(part));
  return out;
}

}  // namespace

std::string node_json(const Node& node) {
  std::string out;
  JsonWriter writer(out);
  append_json(node, writer);
  return out;
}

Value plain_value(const Node& node) {
  if (!node.is_scalar()) return Value(Null{});
  const std::string& t = node.text();
  if (!node.plain()) return Value(t);
  switch (plain_kind(t)) {
    case Plain::kNull:
      return Value(Null{});
    case Plain::kBool:
      return Value(t == "true");
    case Plain::kInt:
      if (const auto i = whole(t)) return Value(*i);
      break;
    case Plain::kFloat:
      if (const auto d = real(t)) return Value(*d);
      break;
    case Plain::kText:
      break;
  }
  return Value(t);
}

std::optional<Value> literal_value(const Reading& in, const Node& node, const Shape& shape,
                                   const std::string& path) {
  if (node.refused) return std::nullopt;
  if (shape.type == Type::kJson) {
    std::string text;
    JsonWriter out(text);
    append_json(node, out);
    return Value(Json{std::move(text)});
  }
  std::optional<Value> value;
  if (node.is_scalar()) {
    value = scalar_value(node, shape, in.app.kind_of(shape) == Kind::kInt);
  }
  if (value) return value;
  std::string fix;
  if (shape.type == Type::kText && node.is_scalar()) fix = quoted(node.text());
  if (shape.type == Type::kBool && node.is_scalar()) {
    if (iequals(node.text(), "yes") || iequals(node.text(), "on")) fix = "true";
    if (iequals(node.text(), "no") || iequals(node.text(), "off")) fix = "false";
  }
  if (node.is_scalar() && !node.plain() &&
      scalar_value(
          [&] {
            Node bare = node;
            bare.style = Node::Style::kPlain;
            return bare;
          }(),
          shape, in.app.kind_of(shape) == Kind::kInt)) {
    fix = node.text();
  }
  in.error(node.pos, path, "wrong_type",
           "expected " + std::string(expected(shape)) + ", found " + shown(node), fix);
  return std::nullopt;
}

void check_literal(const Reading& in, const Value& value, const Shape& shape, Pos pos,
                   const std::string& path) {
  const auto bound = [](const Value& v) { return to_json(v); };
  if (shape.type == Type::kEnum) {
    for (const std::string& one : shape.values) {
      if (value.text() == one) return;
    }
    if (shape.values.empty()) return;
    in.error(pos, path, "not_in_enum", "\"" + value.text() + "\" is none of the enum's values",
             nearest(value.text(), shape.values));
    return;
  }
  if (shape.min && compare(value, *shape.min) == std::partial_ordering::less) {
    in.error(pos, path, "out_of_range", bound(value) + " is below min " + bound(*shape.min));
  }
  if (shape.max && compare(value, *shape.max) == std::partial_ordering::greater) {
    in.error(pos, path, "out_of_range", bound(value) + " is above max " + bound(*shape.max));
  }
  if (value.kind() == Kind::kText || value.kind() == Kind::kBytes) {
    const bool text = value.kind() == Kind::kText;
    const auto length =
        static_cast<int64_t>(text ? count_code_points(value.text()) : value.bytes().size());
    if ((shape.length_min && length < *shape.length_min) ||
        (shape.length_max && length > *shape.length_max)) {
      in.error(pos, path, "out_of_range",
               "its length, " + std::to_string(length) + ", is not within min and max");
    }
  }
  if (value.kind() == Kind::kDecimal) {
    int64_t limit = 1;
    for (int i = 0; i < shape.precision; ++i) limit *= 10;
    if (std::abs(value.decimal().units) >= limit) {
      in.error(pos, path, "out_of_range",
               bound(value) + " has more than " + std::to_string(shape.precision) + " digits");
    }
  }
}

Expression read_expression(const Reading& in, const Node& node, const std::string& path) {
  if (node.plain() && !node.refused && plain_kind(node.text()) == Plain::kText &&
      is_yaml_trap(node.text())) {
    in.error(node.pos, path, "yaml_lost_quotes",
             "YAML readers differ about " + node.text() +
                 ": write text in quotes, a number in decimal, or true or false",
             quoted(node.text()));
  }
  return read_any(in, node, path);
}

namespace {

Expression read_any(const Reading& in, const Node& node, const std::string& path) {
  Expression out;
  out.pos = node.pos;
  if (node.refused || node.kind == Node::Kind::kNull) return out;
  if (node.is_map()) {
    out.form = Expression::Form::kMap;
    for (const auto& [key, value] : node.members) {
      out.members.emplace_back(key.text(), read_expression(in, value, join(path, key.text())));
    }
    return out;
  }
  if (node.is_list()) {
    out.form = Expression::Form::kList;
    for (size_t i = 0; i < node.elements.size(); ++i) {
      out.elements.push_back(read_expression(in, node.elements[i], join(path, std::to_string(i))));
    }
    return out;
  }
  if (node.text().starts_with('=')) {
    const size_t start = node.text().find_first_not_of(" \t\n", 1);
    if (start == std::string::npos) {
      in.error(node.pos, path, "empty_expression", "'=' begins an expression that is not there",
               "write text that begins with '=' as \"='=…'\"");
      return out;
    }
    out.form = Expression::Form::kRule;
    out.rule = node.source.from(start);
    return out;
  }
  out.literal = plain_value(node);
  if (out.literal.kind() == Kind::kText) return read_template(in, node, path);
  return out;
}

}  // namespace

Expression read_column_value(const Reading& in, const Node& node, const Column& column,
                             const std::string& path) {
  Expression out = read_any(in, node, path);  // traps show as wrong types below
  const bool literal = out.form == Expression::Form::kLiteral;
  if (node.refused) return out;
  if (node.kind == Node::Kind::kNull || (literal && out.literal.is_null())) {
    if (!column.shape.optional) {
      in.error(node.pos, path, "required_column",
               "\"" + column.name + "\" is required: it cannot be null");
    }
    return out;
  }
  if (column.shape.type == Type::kJson) {
    if (literal) out.literal = Value(Json{to_json(out.literal)});
    return out;
  }
  if (out.form == Expression::Form::kMap || out.form == Expression::Form::kList) {
    in.error(node.pos, path, "wrong_type",
             "expected " + std::string(expected(column.shape)) + ", found " + shown(node));
  } else if (literal) {
    // "{{" counts as one bracket, so the literal is that of the template, not of the node.
    if (column.shape.type != Type::kText || node.plain()) {
      const auto value = literal_value(in, node, column.shape, path);
      if (!value) return out;
      if (column.shape.type != Type::kText) out.literal = *value;
    }
    check_literal(in, out.literal, column.shape, node.pos, path);
  }
  return out;
}

}  // namespace mettle::model

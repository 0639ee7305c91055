#include "records/codec.h"

#include "base/datetime.h"
#include "base/decimal.h"
#include "base/id.h"
#include "base/json_write.h"
#include "base/text.h"

namespace mettle::records {

namespace {

using model::Type;

// What a value of the type must look like, for messages.
std::string expected(const ShapeInfo& info) {
  switch (info.shape->type) {
    case Type::kText:
      return "text";
    case Type::kInt:
      return "a whole number";
    case Type::kFloat:
      return "a number";
    case Type::kDecimal:
      return fmt::format("a decimal such as \"12.50\" with at most {} digits after the point",
                         info.kind.scale);
    case Type::kBool:
      return "true or false";
    case Type::kDate:
      return "a date such as \"2026-01-31\"";
    case Type::kTime:
      return "a time such as \"14:30:00\"";
    case Type::kTimestamp:
      return "a time such as \"2026-01-31T14:30:00Z\" (RFC 3339)";
    case Type::kUuid:
      return "a uuid";
    case Type::kReference:
      return info.kind.kind == Kind::kInt ? "the id of a row, a whole number"
                                          : "the id of a row, a uuid";
    case Type::kJson:
      return "any JSON";
    case Type::kBytes:
      return "bytes in base64";
    case Type::kEnum:
      return "one of the listed values";
    case Type::kFile:
      return "the id of a file";
    case Type::kList:
      return "an array";
    case Type::kObject:
      return "an object";
  }
  return "a value";
}

void add_fault(std::vector<Fault>& faults, const std::string& pointer, Code code,
               std::string detail) {
  faults.push_back({pointer, code, std::move(detail)});
}

std::string listed(const std::vector<std::string>& values) {
  std::string all;
  for (const std::string& value : values) {
    if (!all.empty()) all += ", ";
    all += value;
  }
  return all;
}

// -1, 0, 1; the two are of one kind (decimals may differ in scale).
int compare(const Value& a, const Value& b) {
  const auto sign = [](auto x, auto y) { return x < y ? -1 : x > y ? 1 : 0; };
  switch (a.kind()) {
    case Kind::kInt:
      return sign(a.integer(), b.integer());
    case Kind::kFloat:
      return sign(a.real(), b.kind() == Kind::kInt ? static_cast<double>(b.integer()) : b.real());
    case Kind::kDecimal: {
      const auto order = decimal_compare(a.decimal(), b.decimal());
      return order < 0 ? -1 : order > 0 ? 1 : 0;
    }
    case Kind::kDate:
      return sign(a.date().days, b.date().days);
    case Kind::kTime:
      return sign(a.time().us, b.time().us);
    case Kind::kTimestamp:
      return sign(a.timestamp().us, b.timestamp().us);
    default:
      return 0;
  }
}

std::string shown(const Value& value) {
  std::string text;
  switch (value.kind()) {
    case Kind::kDecimal:
      return format_decimal(value.decimal());
    case Kind::kDate:
      return format_date(value.date());
    case Kind::kTime:
      return format_time(value.time());
    case Kind::kTimestamp:
      return format_timestamp(value.timestamp());
    case Kind::kFloat:
      return fmt::format("{}", value.real());
    case Kind::kInt:
      return std::to_string(value.integer());
    default:
      return text;
  }
}

void check_length(const model::Shape& shape, size_t length, std::string_view unit,
                  const std::string& pointer, std::vector<Fault>& faults) {
  const auto size = static_cast<int64_t>(length);
  if (shape.length_min && size < *shape.length_min) {
    add_fault(faults, pointer, Code::kTooShort,
              fmt::format("is {} {} long, at least {} are needed", size, unit, *shape.length_min));
  }
  if (shape.length_max && size > *shape.length_max) {
    add_fault(faults, pointer, Code::kTooLong,
              fmt::format("is {} {} long, at most {} are allowed", size, unit, *shape.length_max));
  }
}

void check_text(const ShapeInfo& info, const std::string& text, const std::string& pointer,
                std::vector<Fault>& faults) {
  if (text.find('\0') != std::string::npos) {
    return add_fault(faults, pointer, Code::kInvalid, "text may not contain NUL (U+0000)");
  }
  check_length(*info.shape, count_code_points(text), "characters", pointer, faults);
  if (info.match && !info.match->found_in(text)) {
    add_fault(faults, pointer, Code::kNoMatch, fmt::format("must match {}", info.shape->match));
  }
}

// The constraints of the shape on a value that is already of its kind.
void check(const ShapeInfo& info, const Value& value, const std::string& pointer,
           std::vector<Fault>& faults) {
  const model::Shape& shape = *info.shape;
  switch (shape.type) {
    case Type::kText:
      return check_text(info, value.text(), pointer, faults);
    case Type::kBytes:
      return check_length(shape, value.bytes().size(), "bytes", pointer, faults);
    case Type::kEnum:
      if (std::find(shape.values.begin(), shape.values.end(), value.text()) == shape.values.end()) {
        const std::string near = model::nearest(value.text(), shape.values);
        add_fault(faults, pointer, Code::kNotInEnum,
                  fmt::format("must be one of {}{}", listed(shape.values),
                              near.empty() ? "" : fmt::format("; did you mean {}?", near)));
      }
      return;
    default:
      break;
  }
  if (shape.type == Type::kDecimal) {
    int64_t limit = 1;
    for (int i = 0; i < shape.precision && i < 18; ++i) limit *= 10;
    const int64_t units = value.decimal().units;
    if (units >= limit || units <= -limit) {
      return add_fault(faults, pointer, Code::kOutOfRange,
                       fmt::format("has more than {} digits", shape.precision));
    }
  }
  if (shape.min && compare(value, *shape.min) < 0) {
    add_fault(faults, pointer, Code::kTooSmall,
              fmt::format("must be at least {}", shown(*shape.min)));
  }
  if (shape.max && compare(value, *shape.max) > 0) {
    add_fault(faults, pointer, Code::kTooLarge,
              fmt::format("must be at most {}", shown(*shape.max)));
  }
}

Result<Value> wrong_form(const ShapeInfo& info) {
  return fail(Code::kWrongType, fmt::format("must be {}", expected(info)));
}

Result<Value> decimal_of(const ShapeInfo& info, std::optional<Decimal> parsed) {
  if (!parsed) return wrong_form(info);
  const auto exact = decimal_rescale(*parsed, info.kind.scale);
  if (!exact) {
    return fail(Code::kOutOfRange,
                fmt::format("must have at most {} digits after the point and fit {} digits",
                            info.kind.scale, info.shape->precision));
  }
  return Value(*exact);
}

Result<Value> time_fault(std::string detail) {
  return fail(Code::kWrongType, std::move(detail));
}

// Text in the wire form of the shape's kind.
Result<Value> parse_form(const ShapeInfo& info, std::string_view text) {
  switch (info.kind.kind) {
    case Kind::kText:
      return Value(text);
    case Kind::kDecimal:
      return decimal_of(info, parse_decimal_number(text));
    case Kind::kDate: {
      auto parsed = parse_date(text);
      if (!parsed) return time_fault(parsed.error().detail);
      return Value(*parsed);
    }
    case Kind::kTime: {
      auto parsed = parse_time(text);
      if (!parsed) return time_fault(parsed.error().detail);
      return Value(*parsed);
    }
    case Kind::kTimestamp: {
      auto parsed = parse_timestamp(text);
      if (!parsed) return time_fault(parsed.error().detail);
      return Value(*parsed);
    }
    case Kind::kUuid: {
      const auto id = parse_uuid(text);
      if (!id) return wrong_form(info);
      return Value(*id);
    }
    case Kind::kBytes: {
      auto bytes = decode_base64(text);
      if (!bytes) return wrong_form(info);
      return Value(Bytes{std::move(*bytes)});
    }
    default:
      return wrong_form(info);
  }
}

// A number with a fraction or an exponent that is whole all the same, as 1e3 and 2.0 are; or a
// whole one beyond 64 bits.
Result<Value> whole_number(const ShapeInfo& info, std::string_view token) {
  const size_t e = token.find_first_of("eE");
  std::string_view exponent = e == std::string_view::npos ? "0" : token.substr(e + 1);
  if (exponent.starts_with('+')) exponent.remove_prefix(1);
  int64_t zeros = 0;  // behind the digits; below none: how many of them stand behind the point
  const auto read = std::from_chars(exponent.data(), exponent.data() + exponent.size(), zeros);
  const bool too_long = read.ec != std::errc() || zeros > 1'000'000 || zeros < -1'000'000;
  std::string digits;
  bool behind_point = false;
  for (const char c : token.substr(0, e)) {
    if (c == '.') behind_point = true;
    if (!is_ascii_digit(c)) continue;
    if (behind_point) --zeros;
    if (c != '0' || !digits.empty()) digits += c;
  }
  while (digits.ends_with('0')) {
    digits.pop_back();
    ++zeros;
  }
  if (digits.empty()) return Value(int64_t{0});
  if (zeros < 0) return wrong_form(info);
  constexpr int64_t kDigitsMax = 19;
  int64_t value = 0;
  if (!too_long && zeros + static_cast<int64_t>(digits.size()) <= kDigitsMax) {
    digits =
        (token.starts_with('-') ? "-" : "") + digits + std::string(static_cast<size_t>(zeros), '0');
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (fault == std::errc()) return Value(value);
  }
  return fail(Code::kOutOfRange, fmt::format("must be from {} to {}", INT64_MIN, INT64_MAX));
}

Result<Value> scalar_from_json(const ShapeInfo& info, const JsonNode& node) {
  switch (info.kind.kind) {
    case Kind::kBool:
      if (node.kind() != JsonKind::kBool) return wrong_form(info);
      return Value(node.boolean());
    case Kind::kInt: {
      if (!node.is_number()) return wrong_form(info);
      if (const auto whole = node.integer()) return Value(*whole);
      return whole_number(info, node.number());
    }
    case Kind::kFloat:
      if (!node.is_number()) return wrong_form(info);
      return Value(node.real());
    case Kind::kDecimal:
      if (node.is_number()) return decimal_of(info, parse_decimal_number(node.number()));
      if (!node.is_string()) return wrong_form(info);
      return decimal_of(info, parse_decimal(node.text()));
    case Kind::kJson:
      return Value(Json{node.minified()});
    default:
      if (!node.is_string()) return wrong_form(info);
      return parse_form(info, node.text());
  }
}

Value from_json(const ShapeInfo& info, const JsonNode& node, const std::string& pointer,
                const rules::Bindings* bindings, std::vector<Fault>& faults);

Value list_from_json(const ShapeInfo& info, const JsonNode& node, const std::string& pointer,
                     const rules::Bindings* bindings, std::vector<Fault>& faults) {
  if (!node.is_array()) {
    add_fault(faults, pointer, Code::kWrongType, "must be an array");
    return {};
  }
  check_length(*info.shape, node.size(), "elements", pointer, faults);
  if (info.shape->length_max && static_cast<int64_t>(node.size()) > *info.shape->length_max)
    return {};
  List list;
  size_t index = 0;
  for (const JsonNode element : node.elements()) {
    list.push_back(
        from_json(*info.element, element, pointer_to(pointer, index++), bindings, faults));
    if (faults.size() >= kFaultsMax) break;
  }
  return Value(std::move(list));
}

std::vector<std::string> names_of(const InputInfo& members) {
  std::vector<std::string> names;
  for (const auto& [name, info] : members) names.push_back(name);
  return names;
}

const ShapeInfo* find_member(const InputInfo& members, std::string_view name) {
  for (const auto& [known, info] : members) {
    if (known == name) return &info;
  }
  return nullptr;
}

void unknown_member(const InputInfo& members, std::string_view name, const std::string& pointer,
                    std::vector<Fault>& faults) {
  const std::string near = model::nearest(name, names_of(members));
  add_fault(faults, pointer_to(pointer, name), Code::kUnknownColumn,
            near.empty() ? std::string("is not known here")
                         : fmt::format("is not known; did you mean `{}`?", near));
}

// The value of a member that was not sent.
Value absent(const ShapeInfo& info, const rules::Bindings* bindings, const std::string& pointer,
             std::vector<Fault>& faults) {
  if (info.shape->default_value) {
    if (!info.shape->default_value->is_expression) return info.shape->default_value->literal;
    if (info.default_expr && bindings != nullptr) {
      const Value value = rules::evaluate(*info.default_expr, *bindings);
      if (!value.is_unknown()) return value_from_value(info, value, pointer, faults);
    }
  }
  if (!info.shape->optional) add_fault(faults, pointer, Code::kRequired, "is required");
  return {};
}

Value object_from_json(const InputInfo& members, const JsonNode& node, const std::string& pointer,
                       const rules::Bindings* bindings, std::vector<Fault>& faults) {
  if (!node.is_object()) {
    add_fault(faults, pointer, Code::kWrongType, "must be an object");
    return {};
  }
  for (const auto member : node.members()) {
    const std::string name = member.key.text();
    if (find_member(members, name) == nullptr) unknown_member(members, name, pointer, faults);
    if (faults.size() >= kFaultsMax) return {};
  }
  Map map;
  for (const auto& [name, info] : members) {
    const auto sent = node.find(name);
    const std::string at = pointer_to(pointer, name);
    map.emplace_back(name, sent ? from_json(info, *sent, at, bindings, faults)
                                : absent(info, bindings, at, faults));
  }
  return Value(std::move(map));
}

// `bindings`: what defaults of members are computed with.
Value from_json(const ShapeInfo& info, const JsonNode& node, const std::string& pointer,
                const rules::Bindings* bindings, std::vector<Fault>& faults) {
  if (node.is_null() && (info.shape->optional || info.shape->type != Type::kJson)) {
    if (!info.shape->optional) {
      add_fault(faults, pointer, Code::kRequired, "may not be null");
    }
    return {};
  }
  if (info.shape->type == Type::kList) return list_from_json(info, node, pointer, bindings, faults);
  if (info.shape->type == Type::kObject) {
    return object_from_json(info.members, node, pointer, bindings, faults);
  }
  auto value = scalar_from_json(info, node);
  if (!value) {
    add_fault(faults, pointer, value.error().code, value.error().detail);
    return {};
  }
  check(info, *value, pointer, faults);
  return std::move(*value);
}

}  // namespace

ShapeInfo compile_shape(const model::AppModel& app, const model::Shape& shape,
                        std::string_view path, model::Faults& faults) {
  ShapeInfo info;
  info.shape = &shape;
  info.kind = {model::type_kind(shape.type), shape.scale};
  if (shape.type == Type::kReference) {
    const model::Table& target = app.tables[static_cast<size_t>(shape.references)];
    info.kind.kind = target.id_type == model::IdType::kInt ? Kind::kInt : Kind::kUuid;
  }
  if (!shape.match.empty()) {
    auto pattern = Pattern::compile(shape.match);
    if (pattern) {
      info.match = *pattern;
    } else {
      faults.error(shape.match_pos, fmt::format("{}.match", path), "bad_pattern",
                   fmt::format("`{}` is no regular expression (RE2): {}", shape.match,
                               pattern.error().detail));
    }
  }
  if (shape.default_value && shape.default_value->is_expression) {
    info.default_expr =
        rules::compile(shape.default_value->expression, rules::Environment::base(app),
                       rules::type_of(app, shape), fmt::format("{}.default", path), faults);
  }
  for (const model::Member& member : shape.members) {
    info.members.push_back(
        {member.name,
         compile_shape(app, member.shape, fmt::format("{}.{}", path, member.name), faults)});
  }
  if (shape.element) {
    info.element = std::make_shared<const ShapeInfo>(
        compile_shape(app, *shape.element, fmt::format("{}[]", path), faults));
  }
  return info;
}

InputInfo compile_input(const model::AppModel& app, const std::vector<model::Member>& input,
                        std::string_view path, model::Faults& faults) {
  InputInfo made;
  for (const model::Member& member : input) {
    made.push_back({member.name, compile_shape(app, member.shape,
                                               fmt::format("{}.{}", path, member.name), faults)});
  }
  return made;
}

namespace {

// As the column keeps it.
Value kept(const ShapeInfo& info, Value value) {
  if (!info.shape->lower_case || value.kind() != Kind::kText) return value;
  std::string text = value.text();
  for (char& c : text) c = ascii_lower(c);
  return Value(std::move(text));
}

}  // namespace

Value value_from_json(const ShapeInfo& info, const JsonNode& node, const std::string& pointer,
                      std::vector<Fault>& faults) {
  return kept(info, from_json(info, node, pointer, nullptr, faults));
}

Result<Value> value_from_text(const ShapeInfo& info, std::string_view text) {
  switch (info.kind.kind) {
    case Kind::kBool:
      if (text == "true") return Value(true);
      if (text == "false") return Value(false);
      return wrong_form(info);
    case Kind::kInt: {
      int64_t number = 0;
      const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
      if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return wrong_form(info);
      return Value(number);
    }
    case Kind::kFloat: {
      double number = 0;
      const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
      if (end.ec != std::errc() || end.ptr != text.data() + text.size() || number - number != 0) {
        return wrong_form(info);
      }
      return Value(number);
    }
    case Kind::kText:
      if (info.shape->type == Type::kEnum &&
          std::find(info.shape->values.begin(), info.shape->values.end(), text) ==
              info.shape->values.end()) {
        return fail(Code::kNotInEnum, fmt::format("must be one of {}", listed(info.shape->values)));
      }
      return kept(info, Value(text));
    default:
      return parse_form(info, text);
  }
}

Value value_from_value(const ShapeInfo& info, const Value& value, const std::string& pointer,
                       std::vector<Fault>& faults) {
  if (value.is_unknown()) {
    add_fault(faults, pointer, Code::kOutOfRange,
              "could not be computed (out of range, or null in arithmetic)");
    return {};
  }
  if (value.is_null()) {
    if (!info.shape->optional) add_fault(faults, pointer, Code::kRequired, "may not be null");
    return {};
  }
  Value made = value;
  const Kind want = info.kind.kind;
  if (want == Kind::kDecimal && (value.kind() == Kind::kInt || value.kind() == Kind::kDecimal)) {
    const auto from =
        value.kind() == Kind::kInt ? decimal_from_int(value.integer()) : value.decimal();
    const auto exact = from ? decimal_rescale(*from, info.kind.scale) : std::nullopt;
    if (!exact) {
      add_fault(faults, pointer, Code::kOutOfRange,
                fmt::format("has more than {} digits after the point, or does "
                            "not fit; use round(x, {})",
                            info.kind.scale, info.kind.scale));
      return {};
    }
    made = Value(*exact);
  } else if (want == Kind::kFloat && value.kind() == Kind::kInt) {
    made = Value(static_cast<double>(value.integer()));
  } else if (want == Kind::kUuid && value.kind() == Kind::kText) {
    const auto id = parse_uuid(value.text());
    if (id) made = Value(*id);
  } else if (want == Kind::kText) {
    made = kept(info, std::move(made));
  } else if (want == Kind::kJson && value.kind() != Kind::kJson) {
    made = Value(Json{to_json(value)});
  } else if ((want == Kind::kDate || want == Kind::kTime || want == Kind::kTimestamp ||
              want == Kind::kDecimal) &&
             value.kind() == Kind::kText) {
    auto parsed = parse_form(info, value.text());
    if (parsed) made = std::move(*parsed);
  }
  if (made.kind() != want) {
    add_fault(faults, pointer, Code::kWrongType, fmt::format("must be {}", expected(info)));
    return {};
  }
  check(info, made, pointer, faults);
  return made;
}

Result<Value> read_input(const InputInfo& input, const JsonNode& body,
                         const rules::Bindings& bindings) {
  std::vector<Fault> faults;
  Value value = object_from_json(input, body, "", &bindings, faults);
  if (!faults.empty()) return fail(invalid(std::move(faults)));
  return value;
}

Result<Value> read_input(const InputInfo& input,
                         const std::vector<std::pair<std::string, std::string>>& pairs,
                         const rules::Bindings& bindings) {
  const auto refuse = [](std::string_view name, Code code, std::string detail) {
    Error error = make_error(code, std::move(detail));
    error.parameter = name;
    return fail(std::move(error));
  };
  Map map;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const std::string& name = pairs[i].first;
    if (find_member(input, name) == nullptr) {
      const std::string near = model::nearest(name, names_of(input));
      return refuse(name, Code::kUnknownParameter,
                    fmt::format("`{}` is no parameter of this{}", name,
                                near.empty() ? "" : fmt::format("; did you mean `{}`?", near)));
    }
    for (size_t j = 0; j < i; ++j) {
      if (pairs[j].first == name) {
        return refuse(name, Code::kInvalidParameter, fmt::format("`{}` is given twice", name));
      }
    }
  }
  for (const auto& [name, info] : input) {
    const auto sent = std::find_if(pairs.begin(), pairs.end(),
                                   [&](const auto& pair) { return pair.first == name; });
    std::vector<Fault> faults;
    Value value;
    if (sent == pairs.end()) {
      value = absent(info, &bindings, name, faults);
    } else {
      auto parsed = value_from_text(info, sent->second);
      if (!parsed) {
        return refuse(name, Code::kInvalidParameter,
                      fmt::format("`{}` {}", name, parsed.error().detail));
      }
      check(info, *parsed, name, faults);
      value = std::move(*parsed);
    }
    if (!faults.empty()) {
      return refuse(name, Code::kInvalidParameter, fmt::format("`{}` {}", name, faults[0].detail));
    }
    map.emplace_back(name, std::move(value));
  }
  return Value(std::move(map));
}

std::string pointer_to(std::string_view parent, std::string_view member) {
  std::string pointer(parent);
  pointer += '/';
  for (const char c : member) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
  return pointer;
}

std::string pointer_to(std::string_view parent, size_t index) {
  return fmt::format("{}/{}", parent, index);
}

Error invalid(std::vector<Fault> faults) {
  std::string detail = faults.size() == 1
                           ? fmt::format("{}: {}", faults[0].pointer, faults[0].detail)
                           : fmt::format("{} members are not valid", faults.size());
  Error error = make_error(Code::kInvalid, std::move(detail));
  error.faults = std::move(faults);
  return error;
}

}  // namespace mettle::records

// Columns' and inputs' shapes: what each type may say, bounds, defaults.
#include <algorithm>
#include <set>

#include "base/pattern.h"
#include "base/text.h"
#include "model/keys.h"
#include "model/read.h"

namespace mettle::model {

namespace {

std::optional<Type> type_of_name(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Type::kFile); ++i) {
    const auto type = static_cast<Type>(i);
    if (type_name(type) == name && type != Type::kReference) return type;
  }
  return std::nullopt;
}

bool has_length(Type type) {
  return type == Type::kText || type == Type::kBytes || type == Type::kList;
}
bool has_range(Type type) {
  return type == Type::kInt || type == Type::kFloat || type == Type::kDecimal ||
         type == Type::kDate || type == Type::kTimestamp;
}

// Keys that mean something for some types only.
void check_keys_fit(const Reading& in, const Node& node, Type type, const std::string& path) {
  const auto refuse = [&](std::string_view key, std::string_view fits) {
    if (node.find_key(key) == nullptr) return;
    in.error(key_pos(node, key), join(path, key), "key_not_for_type",
             "`" + std::string(key) + "` says nothing of the type " + std::string(type_name(type)) +
                 "; it is for " + std::string(fits),
             "remove it");
  };
  if (!has_length(type) && !has_range(type)) {
    refuse("min", "text, bytes, int, float, decimal, date, timestamp and lists");
    refuse("max", "text, bytes, int, float, decimal, date, timestamp and lists");
  }
  if (type != Type::kDecimal) {
    refuse("precision", "decimal");
    refuse("scale", "decimal");
  }
  if (type != Type::kText) refuse("match", "text");
  if (type != Type::kEnum) refuse("values", "enum");
  if (type != Type::kReference) {
    refuse("as", "references");
    refuse("inverse", "references");
    refuse("on_delete", "references");
  }
}

void read_lengths(const Reading& in, const Node& node, Shape& shape, const std::string& path) {
  const auto length = [&](std::string_view key) -> std::optional<int64_t> {
    const Node* member = node.find(key);
    if (member == nullptr || !member->is_scalar()) return std::nullopt;
    const auto n = read_int(node, key);
    if (n && *n >= 0) return n;
    in.error(member->pos, join(path, key), "wrong_type",
             "`" + std::string(key) + "` of " + std::string(type_name(shape.type)) +
                 " is a length: a whole number from 0 on");
    return std::nullopt;
  };
  shape.length_min = length("min");
  shape.length_max = length("max");
  if (shape.length_min && shape.length_max && *shape.length_min > *shape.length_max) {
    in.error(key_pos(node, "min"), join(path, "min"), "min_above_max",
             "min " + std::to_string(*shape.length_min) + " is above max " +
                 std::to_string(*shape.length_max));
  }
}

void read_range(const Reading& in, const Node& node, Shape& shape, const std::string& path) {
  Shape bare;
  bare.type = shape.type;
  bare.precision = shape.precision;
  bare.scale = shape.scale;
  const auto bound = [&](std::string_view key) -> std::optional<Value> {
    const Node* member = node.find(key);
    if (member == nullptr || !member->is_scalar() || member->refused) return std::nullopt;
    return literal_value(in, *member, bare, join(path, key));
  };
  shape.min = bound("min");
  shape.max = bound("max");
  if (!shape.min || !shape.max) return;
  Shape limits = bare;
  limits.max = shape.max;
  Faults above;
  check_literal({in.document, in.options, above, in.app}, *shape.min, limits, {}, {});
  if (above.has_errors()) {
    in.error(key_pos(node, "min"), join(path, "min"), "min_above_max", "min is above max");
  }
}

void read_decimal(const Reading& in, const Node& node, Shape& shape, const std::string& path) {
  // What is out of range is a fault already, of the keys; the reading goes on, so within the range.
  const auto digits = [](int64_t number, int64_t least) {
    return static_cast<int>(std::clamp<int64_t>(number, least, 18));
  };
  shape.precision = digits(read_int(node, "precision").value_or(18), 1);
  const auto scale = read_int(node, "scale");
  if (!scale) {
    if (node.find_key("scale") == nullptr) {
      in.error(node.pos, join(path, "scale"), "missing_key",
               "a decimal must say how many digits stand after its point", "scale: 2");
    }
    return;
  }
  shape.scale = digits(*scale, 0);
  if (*scale > shape.precision) {
    in.error(key_pos(node, "scale"), join(path, "scale"), "scale_above_precision",
             "scale " + std::to_string(*scale) + " is above precision " +
                 std::to_string(shape.precision));
    shape.precision = 18;
  }
}

void read_enum(const Reading& in, const Node& node, Shape& shape, const std::string& path) {
  const Node* values = node.find("values");
  if (values == nullptr) {
    if (node.find_key("values") == nullptr) {
      in.error(node.pos, join(path, "values"), "missing_key", "an enum needs its values",
               "values: [pending, paid]");
    }
    return;
  }
  std::set<std::string> seen;
  for (size_t i = 0; i < values->elements.size(); ++i) {
    const Node& value = values->elements[i];
    if (!value.is_scalar()) continue;
    const std::string at = join(join(path, "values"), std::to_string(i));
    if (value.text().empty()) {
      in.error(value.pos, at, "empty_value", "a value of an enum may not be empty");
    } else if (!seen.insert(value.text()).second) {
      in.error(value.pos, at, "duplicate_value", "\"" + value.text() + "\" stands twice");
    } else {
      shape.values.push_back(value.text());
    }
  }
}

void read_match(const Reading& in, const Node& node, Shape& shape, const std::string& path) {
  const Node* match = node.find("match");
  if (match == nullptr || !match->is_scalar() || match->refused) return;
  shape.match = match->text();
  shape.match_pos = match->source.pos;
  if (const auto pattern = Pattern::compile(shape.match); !pattern) {
    in.error(match->pos, join(path, "match"), "invalid_pattern",
             "the regular expression (RE2) does not compile: " + pattern.error().detail);
  }
}

void read_default(const Reading& in, const Node& node, Shape& shape, const std::string& path) {
  const Node* value = node.find("default");
  if (value == nullptr || value->refused) return;
  const std::string at = join(path, "default");
  if (shape.type == Type::kList || shape.type == Type::kObject) {
    in.error(value->pos, at, "key_not_for_type", "lists and objects take no default",
             "optional: true");
    return;
  }
  if (value->kind == Node::Kind::kNull) {
    in.error(value->pos, at, "wrong_type", "null is no default: leave it out", "optional: true");
    return;
  }
  Default out;
  if (value->is_scalar() && value->text().starts_with('=')) {
    out.is_expression = true;
    out.expression = read_expression(in, *value, at).rule;
  } else {
    const auto literal = literal_value(in, *value, shape, at);
    if (!literal) return;
    check_literal(in, *literal, shape, value->pos, at);
    out.literal = *literal;
  }
  shape.default_value = std::move(out);
}

void read_list(const Reading& in, const Node& node, Shape& shape, const std::string& path) {
  const Node& list = *node.find("list");
  const std::string at = join(path, "list");
  shape.type = Type::kList;
  if (!list.is_map()) {
    if (!list.refused) {
      in.error(list.pos, at, "wrong_type",
               "expected the members of the list's objects, or `{type: …}` for single values",
               "list: {type: text}");
    }
    return;
  }
  auto element = std::make_unique<Shape>();
  // A map of maps is an object's members; `type: text` has no map behind it.
  const bool object = std::all_of(list.members.begin(), list.members.end(), [](const auto& m) {
    return m.second.is_map() || m.second.refused;
  });
  if (object) {
    element->type = Type::kObject;
    element->pos = list.pos;
    element->members = read_members(in, list, at);
    shape.members = element->members;
  } else {
    *element = read_shape(in, list, at);
  }
  shape.element = std::move(element);
  check_keys_fit(in, node, shape.type, path);
  read_lengths(in, node, shape, path);
}

void read_kind(const Reading& in, const Node& node, Shape& shape, const std::string& path) {
  const auto type = read_text(node, "type");
  if (const auto target = read_text(node, "references")) {
    shape.type = Type::kReference;
    shape.references =
        resolve_table(in, *target, node.find("references")->pos, join(path, "references"));
    return;
  }
  if (!type) {
    // A misspelt key, reported already, may be the type.
    const bool misspelt =
        has_unknown_key(node, input_spec()) && has_unknown_key(node, column_spec());
    if (node.find_key("type") == nullptr && !misspelt) {
      in.error(node.pos, path, "missing_type", "it needs a type, or what it references",
               "type: text");
    }
    return;
  }
  shape.type = type_of_name(*type).value_or(Type::kText);
  if (shape.type == Type::kFile) {
    in.error(node.find("type")->pos, join(path, "type"), "not_available",
             "columns of the type file are not available in this version of Mettle");
  }
}

}  // namespace

Shape read_shape(const Reading& in, const Node& node, const std::string& path) {
  Shape shape;
  shape.pos = node.pos;
  if (!node.is_map()) return shape;
  std::string kinds;
  int count = 0;
  for (const std::string_view key : {"type", "references", "list", "object"}) {
    if (node.find_key(key) == nullptr) continue;
    kinds.append(count++ > 0 ? " and " : "").append(key);
  }
  if (count > 1) {
    in.error(node.pos, path, "too_many_types", "it says " + kinds + ": one of them is enough");
  }
  shape.optional = read_bool(node, "optional");
  if (node.find("list") != nullptr) {
    read_list(in, node, shape, path);
  } else if (const Node* object = node.find("object")) {
    shape.type = Type::kObject;
    shape.members = read_members(in, *object, join(path, "object"));
    check_keys_fit(in, node, shape.type, path);
  } else {
    read_kind(in, node, shape, path);
    const bool typed = read_text(node, "type").has_value() || shape.type == Type::kReference;
    if (typed && count == 1) check_keys_fit(in, node, shape.type, path);
    if (shape.type == Type::kDecimal) read_decimal(in, node, shape, path);
    if (shape.type == Type::kEnum) read_enum(in, node, shape, path);
    if (has_length(shape.type)) read_lengths(in, node, shape, path);
    if (has_range(shape.type)) read_range(in, node, shape, path);
    read_match(in, node, shape, path);
  }
  read_default(in, node, shape, path);
  if (shape.optional && shape.default_value && !shape.default_value->is_expression) {
    in.faults.warning(key_pos(node, "optional"), join(path, "optional"), "optional_with_default",
                      "null is stored only where it is given: what has a default need not be given",
                      "remove `optional: true` unless null means something of its own");
  }
  return shape;
}

std::vector<Member> read_members(const Reading& in, const Node& map, const std::string& path) {
  std::vector<Member> out;
  if (!map.is_map()) return out;
  for (const auto& [key, node] : map.members) {
    if (!node.is_map()) continue;
    Member member{key.text(), read_shape(in, node, join(path, key.text()))};
    member.pos = key.pos;
    member.doc = read_text(node, "description").value_or("");
    out.push_back(std::move(member));
  }
  return out;
}

std::vector<Member> read_returns(const Reading& in, const Node& map, const std::string& path) {
  std::vector<Member> out;
  if (!map.is_map()) return out;
  for (const auto& [key, node] : map.members) {
    const std::string at = join(path, key.text());
    Member member{key.text(), {}};
    member.pos = key.pos;
    if (node.is_map()) {
      member.shape = read_shape(in, node, at);
      member.doc = read_text(node, "description").value_or("");
    } else if (node.is_scalar()) {
      const auto type = type_of_name(node.text());
      if (!type) continue;
      member.shape.type = *type;
      member.shape.pos = node.pos;
      if (*type == Type::kDecimal) {
        in.error(node.pos, at, "missing_key",
                 "a decimal must say how many digits stand after its point",
                 key.text() + ": {type: decimal, scale: 2}");
      } else if (*type == Type::kEnum || *type == Type::kFile) {
        in.error(node.pos, at, "not_allowed", "a query returns its text", key.text() + ": text");
      }
    }
    out.push_back(std::move(member));
  }
  return out;
}

}  // namespace mettle::model

#include <fmt/format.h>

#include <algorithm>

#include "base/datetime.h"
#include "base/decimal.h"
#include "base/id.h"
#include "rules/check.h"
#include "rules/fold.h"

namespace mettle::rules {
namespace {

using Tag = Type::Tag;

NodeRef make(Op op, Type type, uint32_t offset, std::vector<NodeRef> args) {
  Node node;
  node.op = op;
  node.type = std::move(type);
  node.offset = offset;
  node.args = std::move(args);
  return fold(std::move(node));
}

const std::vector<std::string>& conversions() {
  static const std::vector<std::string> names = {"string",   "int",  "double", "float",
                                                 "decimal",  "uuid", "date",   "timestamp",
                                                 "duration", "time"};
  return names;
}
const std::vector<std::string>& functions() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all = conversions();
    all.insert(all.end(), {"size", "has", "round", "div", "random_code"});
    return all;
  }();
  return names;
}
const std::vector<std::string>& methods() {
  static const std::vector<std::string> names = {"size",    "startsWith", "endsWith", "contains",
                                                 "matches", "exists",     "all"};
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& each : names) out += (out.empty() ? "" : ", ") + each;
  return out;
}

Tag conversion_tag(std::string_view name) {
  if (name == "string") return Tag::kText;
  if (name == "int") return Tag::kInt;
  if (name == "double" || name == "float") return Tag::kFloat;
  if (name == "decimal") return Tag::kDecimal;
  if (name == "uuid") return Tag::kUuid;
  if (name == "date") return Tag::kDate;
  if (name == "timestamp") return Tag::kTimestamp;
  if (name == "duration") return Tag::kDuration;
  return Tag::kTime;
}

bool converts(Tag from, Tag to) {
  if (from == to) return true;
  switch (to) {
    case Tag::kText:
      return from == Tag::kInt || from == Tag::kBool || from == Tag::kUuid ||
             from == Tag::kDecimal || from == Tag::kTimestamp || from == Tag::kDate ||
             from == Tag::kTime;
    case Tag::kInt:
      return from == Tag::kFloat || from == Tag::kDecimal || from == Tag::kText;
    case Tag::kFloat:
      return from == Tag::kInt || from == Tag::kDecimal || from == Tag::kText;
    case Tag::kDecimal:
      return from == Tag::kInt;
    case Tag::kDate:
      return from == Tag::kTimestamp;
    case Tag::kTimestamp:
      return from == Tag::kDate;
    default:
      return false;
  }
}

template <class T>
std::optional<Value> known(const Result<T>& parsed) {
  return parsed ? std::optional<Value>(Value(*parsed)) : std::nullopt;
}
template <class T>
std::optional<Value> known(const std::optional<T>& parsed) {
  return parsed ? std::optional<Value>(Value(*parsed)) : std::nullopt;
}

std::optional<Value> parse_literal(Tag tag, const std::string& text) {
  switch (tag) {
    case Tag::kDecimal:
      return known(parse_decimal(text));
    case Tag::kUuid:
      return known(parse_uuid(text));
    case Tag::kDate:
      return known(parse_date(text));
    case Tag::kTime:
      return known(parse_time(text));
    case Tag::kTimestamp:
      return known(parse_timestamp(text));
    default:
      return known(parse_cel_duration(text));
  }
}

std::string_view example(Tag tag) {
  switch (tag) {
    case Tag::kDecimal:
      return "decimal('12.50')";
    case Tag::kUuid:
      return "uuid('0198c5a0-0000-7000-8000-000000000000')";
    case Tag::kDate:
      return "date('2026-02-03')";
    case Tag::kTime:
      return "time('04:05:06')";
    case Tag::kTimestamp:
      return "timestamp('2026-02-03T04:05:06Z')";
    default:
      return "duration('1h30m')";
  }
}

}  // namespace

NodeRef Checker::call(const Syntax& syntax) {
  const std::string& name = syntax.name;
  const size_t wanted = name == "round" ? 2 : name == "div" ? 3 : 1;
  if (std::ranges::find(functions(), name) == functions().end()) {
    if (std::ranges::find(methods(), name) != methods().end()) {
      return fault(syntax.offset, "rule_unknown_function",
                   "`" + name + "` is written behind a value: x." + name + "(…)");
    }
    return fault(syntax.offset, "rule_unknown_function",
                 "there is no function `" + name + "`; there are: " + joined(functions()),
                 model::nearest(name, functions()));
  }
  if (syntax.args.size() != wanted) {
    return fault(syntax.offset, "rule_arguments",
                 fmt::format("{} takes {} argument{}, not {}", name, wanted, wanted == 1 ? "" : "s",
                             syntax.args.size()));
  }
  if (name == "size") return size(syntax, *syntax.args[0]);
  if (name == "has") return has(syntax);
  if (name == "round") return round(syntax);
  if (name == "div") return div(syntax);
  if (name == "random_code") return random_code(syntax);
  return conversion(syntax);
}

NodeRef Checker::method(const Syntax& syntax) {
  const std::string& name = syntax.name;
  if (name == "exists" || name == "all") return quantifier(syntax);
  if (std::ranges::find(methods(), name) == methods().end()) {
    return fault(syntax.offset, "rule_unknown_function",
                 "there is no method `" + name + "`; there are: " + joined(methods()),
                 model::nearest(name, methods()));
  }
  const size_t wanted = name == "size" ? 1 : 2;
  if (syntax.args.size() != wanted) {
    return fault(syntax.offset, "rule_arguments",
                 fmt::format("{} takes {} argument{}, not {}", name, wanted - 1,
                             wanted == 2 ? "" : "s", syntax.args.size() - 1));
  }
  if (name == "size") return size(syntax, *syntax.args[0]);
  NodeRef text = check(*syntax.args[0]);
  if (!text) return nullptr;
  if (is_dyn(text->type)) text = cast_to(text, Tag::kText);
  if (text->type.tag != Tag::kText) {
    const bool list = text->type.tag == Tag::kList && name == "contains";
    return fault(syntax.offset, "rule_type",
                 name + " is for texts, and this is " + text->type.to_string(),
                 list ? "element in list" : "");
  }
  if (name == "matches") return matches(syntax, std::move(text));
  const Op op = name == "startsWith" ? Op::kStartsWith
                : name == "endsWith" ? Op::kEndsWith
                                     : Op::kContains;
  return text_test(syntax, op, std::move(text));
}

NodeRef Checker::text_test(const Syntax& syntax, Op op, NodeRef text) {
  NodeRef part = check(*syntax.args[1]);
  if (!part) return nullptr;
  if (is_dyn(part->type)) part = cast_to(part, Tag::kText);
  if (part->type.tag != Tag::kText) {
    return fault(part->offset, "rule_type",
                 "a text must stand here, and this is " + part->type.to_string());
  }
  return make(op, make_type(Tag::kBool), syntax.offset, {std::move(text), std::move(part)});
}

NodeRef Checker::matches(const Syntax& syntax, NodeRef text) {
  const Syntax& argument = *syntax.args[1];
  if (argument.kind != Syntax::Kind::kLiteral || argument.value.kind() != Kind::kText) {
    return fault(argument.offset, "rule_pattern", "the pattern of matches is a literal text");
  }
  auto pattern = Pattern::compile(argument.value.text());
  if (!pattern) {
    return fault(argument.offset, "rule_pattern",
                 "not a regular expression of RE2: " + pattern.error().detail);
  }
  Node node;
  node.op = Op::kMatches;
  node.type = make_type(Tag::kBool);
  node.offset = syntax.offset;
  node.name = argument.value.text();
  node.pattern = *pattern;
  node.args = {std::move(text)};
  return fold(std::move(node));
}

NodeRef Checker::quantifier(const Syntax& syntax) {
  const std::string& name = syntax.name;
  if (syntax.args.size() != 3 || syntax.args[1]->kind != Syntax::Kind::kName) {
    return fault(syntax.offset, "rule_arguments",
                 name + " takes a name and a condition: list." + name + "(x, x > 0)");
  }
  NodeRef range = check(*syntax.args[0]);
  if (!range) return nullptr;
  if (range->type.tag != Tag::kList && !(is_dyn(range->type) && !walks(*range))) {
    return fault(syntax.offset, "rule_type",
                 name + " is for lists and relations, and this is " + range->type.to_string());
  }
  const std::string& variable = syntax.args[1]->name;
  const bool taken =
      environment_.find(variable) != nullptr ||
      std::ranges::any_of(variables_, [&](const auto& v) { return v.first == variable; });
  if (taken) {
    return fault(syntax.args[1]->offset, "rule_name_taken",
                 "`" + variable + "` is a name already; take another");
  }
  variables_.emplace_back(
      variable, range->type.tag == Tag::kList ? *range->type.element : make_type(Tag::kDyn, true));
  NodeRef body = condition(*syntax.args[2]);
  variables_.pop_back();
  if (!body) return nullptr;
  Node node;
  node.op = name == "exists" ? Op::kExists : Op::kAll;
  node.type = make_type(Tag::kBool);
  node.offset = syntax.offset;
  node.name = variable;
  node.args = {std::move(range), std::move(body)};
  return share(std::move(node));
}

NodeRef Checker::has(const Syntax& syntax) {
  const Syntax& argument = *syntax.args[0];
  if (argument.kind != Syntax::Kind::kMember) {
    return fault(syntax.offset, "rule_arguments", "has asks for a member: has(row.note)");
  }
  NodeRef selected = check(argument);
  if (!selected) return nullptr;
  if (selected->op == Op::kColumn) {
    Node null;
    null.type = make_type(Tag::kNull, true);
    null.value = Null{};
    null.offset = syntax.offset;
    const Type type = make_type(Tag::kBool);
    if (!is_dyn(selected->type)) {
      return make(Op::kNotEqual, type, syntax.offset, {selected, share(std::move(null))});
    }
    return make(Op::kNot, type, syntax.offset,
                {make(Op::kIsNull, type, syntax.offset, {selected})});
  }
  if (selected->op != Op::kMember) {
    return fault(syntax.offset, "rule_type",
                 "has asks for a column or a member; of a relation say exists(x, true)");
  }
  Node node;
  node.op = Op::kHas;
  node.type = make_type(Tag::kBool);
  node.offset = syntax.offset;
  node.name = selected->name;
  node.args = selected->args;
  return fold(std::move(node));
}

NodeRef Checker::size(const Syntax& syntax, const Syntax& argument) {
  NodeRef of = check(argument);
  if (!of) return nullptr;
  const Tag tag = of->type.tag;
  const bool related = tag == Tag::kList && of->op == Op::kRelated;
  const bool sized =
      tag == Tag::kText || tag == Tag::kBytes || tag == Tag::kList || tag == Tag::kMap;
  if (!sized || related) {
    return fault(syntax.offset, "rule_type",
                 related
                     ? "related rows are not counted in rules; use exists or all"
                     : "size is for texts, bytes and lists, and this is " + of->type.to_string(),
                 is_dyn(of->type) ? "size(string(x))" : "");
  }
  return make(Op::kSize, make_type(Tag::kInt), syntax.offset, {std::move(of)});
}

bool Checker::digits(const Syntax& syntax, int& out) {
  if (syntax.kind != Syntax::Kind::kLiteral || syntax.value.kind() != Kind::kInt ||
      syntax.value.integer() < 0 || syntax.value.integer() > kDecimalScaleMax) {
    fault(syntax.offset, "rule_arguments", "the number of digits is a literal from 0 to 18");
    return false;
  }
  out = static_cast<int>(syntax.value.integer());
  return true;
}

NodeRef Checker::round(const Syntax& syntax) {
  NodeRef x = check(*syntax.args[0]);
  Type type = make_type(Tag::kDecimal);
  if (!digits(*syntax.args[1], type.scale) || !x) return nullptr;
  if (x->type.tag == Tag::kInt) x = converted(x, make_type(Tag::kDecimal));
  if (x->type.tag != Tag::kDecimal) {
    return fault(syntax.offset, "rule_type",
                 "round is for decimals, and this is " + x->type.to_string());
  }
  return make(Op::kRound, type, syntax.offset, {std::move(x)});
}

NodeRef Checker::div(const Syntax& syntax) {
  NodeRef x = check(*syntax.args[0]);
  NodeRef y = check(*syntax.args[1]);
  Type type = make_type(Tag::kDecimal);
  if (!digits(*syntax.args[2], type.scale) || !x || !y) return nullptr;
  for (NodeRef* each : {&x, &y}) {
    if ((*each)->type.tag == Tag::kInt) *each = converted(*each, make_type(Tag::kDecimal));
    if ((*each)->type.tag == Tag::kDecimal) continue;
    return fault((*each)->offset, "rule_type",
                 "div is for decimals and ints, and this is " + (*each)->type.to_string());
  }
  return make(Op::kDiv, type, syntax.offset, {std::move(x), std::move(y)});
}

NodeRef Checker::random_code(const Syntax& syntax) {
  const Syntax& length = *syntax.args[0];
  const bool literal = length.kind == Syntax::Kind::kLiteral && length.value.kind() == Kind::kInt;
  if (!literal || length.value.integer() < 4 || length.value.integer() > 32) {
    return fault(length.offset, "rule_arguments", "the length of a code is a literal from 4 to 32",
                 "random_code(8)");
  }
  Node node;
  node.op = Op::kRandomCode;
  node.type = make_type(Tag::kText);
  node.offset = syntax.offset;
  node.value = length.value;
  return share(std::move(node));
}

NodeRef Checker::literal_conversion(const Syntax& syntax, const NodeRef& argument) {
  const Tag tag = conversion_tag(syntax.name);
  const auto value = parse_literal(tag, argument->value.text());
  if (!value) {
    return fault(argument->offset, "rule_literal",
                 fmt::format("'{}' is not a {}; write it as {}", argument->value.text(),
                             syntax.name, example(tag)));
  }
  Node node;
  node.type = make_type(tag);
  if (tag == Tag::kDecimal) node.type.scale = value->decimal().scale;
  node.offset = syntax.offset;
  node.value = *value;
  return share(std::move(node));
}

NodeRef Checker::conversion(const Syntax& syntax) {
  NodeRef x = check(*syntax.args[0]);
  if (!x) return nullptr;
  const Tag to = conversion_tag(syntax.name);
  const bool by_parsing = to == Tag::kDecimal || to == Tag::kUuid || to == Tag::kDate ||
                          to == Tag::kTime || to == Tag::kTimestamp || to == Tag::kDuration;
  if (by_parsing && is_text_literal(*x)) return literal_conversion(syntax, x);
  if (is_dyn(x->type)) {
    if (to == Tag::kText || to == Tag::kUuid) {
      x = cast_to(x, to);
    } else if (to == Tag::kInt || to == Tag::kFloat) {
      x = cast_to(x, Tag::kFloat);
    } else {
      return fault(syntax.offset, "rule_type", "json holds no " + syntax.name);
    }
  } else if (!converts(x->type.tag, to)) {
    return fault(syntax.offset, "rule_type",
                 syntax.name + " is not made of " + x->type.to_string() +
                     (by_parsing ? fmt::format("; write it as {}", example(to)) : ""));
  }
  Type type = x->type.tag == to ? x->type : make_type(to);
  type.nullable = false;
  type.values = nullptr;
  return make(Op::kConvert, type, syntax.offset, {std::move(x)});
}

}  // namespace mettle::rules

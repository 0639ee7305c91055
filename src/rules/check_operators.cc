#include <fmt/format.h>

#include <algorithm>

#include "base/decimal.h"
#include "base/id.h"
#include "rules/check.h"
#include "rules/fold.h"

namespace mettle::rules {
namespace {

using Tag = Type::Tag;

bool is_scalar(Tag tag) {
  switch (tag) {
    case Tag::kList:
    case Tag::kRow:
    case Tag::kObject:
    case Tag::kMap:
      return false;
    default:
      return true;
  }
}
bool is_number(Tag tag) {
  return tag == Tag::kInt || tag == Tag::kFloat;
}
bool has_order(Tag tag) {
  return tag != Tag::kUuid;
}

std::optional<Op> comparison_op(std::string_view name) {
  if (name == "==") return Op::kEqual;
  if (name == "!=") return Op::kNotEqual;
  if (name == "<") return Op::kLess;
  if (name == "<=") return Op::kLessEqual;
  if (name == ">") return Op::kGreater;
  if (name == ">=") return Op::kGreaterEqual;
  return std::nullopt;
}
Op arithmetic_op(std::string_view name) {
  if (name == "+") return Op::kAdd;
  if (name == "-") return Op::kSubtract;
  if (name == "*") return Op::kMultiply;
  return name == "/" ? Op::kDivide : Op::kRemainder;
}

NodeRef make(Op op, Type type, uint32_t offset, std::vector<NodeRef> args) {
  Node node;
  node.op = op;
  node.type = std::move(type);
  node.offset = offset;
  node.args = std::move(args);
  return fold(std::move(node));
}

// Without zeros at the end, so that comparing with it raises no scale.
NodeRef shortest(const NodeRef& node) {
  if (node->op != Op::kLiteral || node->value.kind() != Kind::kDecimal) return node;
  Node out = *node;
  for (int scale = 0; scale < node->type.scale; ++scale) {
    const auto d = decimal_rescale(node->value.decimal(), scale);
    if (!d) continue;
    out.value = *d;
    out.type.scale = scale;
    return share(std::move(out));
  }
  return node;
}

std::string decimal_fix(const Node& node) {
  return node.op == Op::kLiteral ? fmt::format("decimal('{}')", node.value.real()) : "";
}

// How the text would be written as one of `other`.
std::string conversion_hint(Tag other, const std::string& text) {
  switch (other) {
    case Tag::kDate:
    case Tag::kTime:
    case Tag::kTimestamp:
    case Tag::kDuration:
      return fmt::format("{}('{}')", make_type(other).to_string(), text);
    case Tag::kDecimal:
      return fmt::format("decimal('{}')", text);
    case Tag::kInt:
    case Tag::kFloat:
      return text;
    default:
      return {};
  }
}

}  // namespace

void Checker::mismatch(uint32_t offset, const Type& a, const Type& b) {
  const bool dates = (a.tag == Tag::kDate && b.tag == Tag::kTimestamp) ||
                     (a.tag == Tag::kTimestamp && b.tag == Tag::kDate);
  fault(offset, "rule_type",
        a.to_string() + " and " + b.to_string() + " do not go together" +
            (dates ? "; take the timestamp's day by date(…)" : ""));
}

bool Checker::unify_literal(NodeRef& literal, const NodeRef& other) {
  const std::string& text = literal->value.text();
  if (other->type.tag == Tag::kText) {
    if (!other->type.values) return true;
    const std::vector<std::string>& values = *other->type.values;
    if (std::ranges::find(values, text) != values.end()) return true;
    std::string all;
    for (const std::string& each : values) all += (all.empty() ? "" : ", ") + each;
    fault(literal->offset, "rule_not_in_enum", "'" + text + "' is not one of: " + all,
          model::nearest(text, values));
    return false;
  }
  if (other->type.tag == Tag::kUuid) {
    const auto id = parse_uuid(text);
    if (!id) {
      fault(literal->offset, "rule_type", "'" + text + "' is not a uuid, and never equals one");
      return false;
    }
    Node out = *literal;
    out.type = make_type(Tag::kUuid);
    out.value = *id;
    literal = share(std::move(out));
    return true;
  }
  fault(literal->offset, "rule_type", other->type.to_string() + " and text do not go together",
        conversion_hint(other->type.tag, text));
  return false;
}

bool Checker::unify_dyn(NodeRef& dyn, const NodeRef& other, uint32_t offset) {
  switch (other->type.tag) {
    case Tag::kBool:
    case Tag::kText:
    case Tag::kUuid:
      dyn = cast_to(dyn, other->type.tag);
      return true;
    case Tag::kInt:
    case Tag::kFloat:
      dyn = cast_to(dyn, Tag::kFloat);  // any number; it compares exactly with either
      return true;
    case Tag::kDyn:
    case Tag::kJson:
      fault(
          offset, "rule_type",
          "of two json values the type is not known; say it of one: string(x), int(x), double(x)");
      return false;
    default:
      fault(offset, "rule_type", "json holds no " + other->type.to_string());
      return false;
  }
}

bool Checker::unify_decimals(NodeRef& a, NodeRef& b, uint32_t offset) {
  for (const NodeRef* each : {&a, &b}) {
    if ((*each)->type.tag != Tag::kFloat) continue;
    fault((*each)->offset, "rule_decimal_float",
          "decimal does not mix with float, which is not exact", decimal_fix(**each));
    return false;
  }
  for (const NodeRef* each : {&a, &b}) {
    if ((*each)->type.tag == Tag::kDecimal || (*each)->type.tag == Tag::kInt) continue;
    mismatch(offset, a->type, b->type);
    return false;
  }
  a = shortest(a);
  b = shortest(b);
  const auto scale_of = [](const NodeRef& n) {
    return n->type.tag == Tag::kDecimal ? n->type.scale : 0;
  };
  Type common = make_type(Tag::kDecimal);
  common.scale = std::max(scale_of(a), scale_of(b));
  for (NodeRef* each : {&a, &b}) {
    const Type& type = (*each)->type;
    if (type.tag != Tag::kDecimal || type.scale != common.scale) *each = converted(*each, common);
  }
  return true;
}

void align_decimals(std::vector<NodeRef>& nodes) {
  Type common = make_type(Tag::kDecimal);
  bool any = false;
  for (const NodeRef& each : nodes) {
    if (each->type.tag != Tag::kDecimal) continue;
    any = true;
    common.scale = std::max(common.scale, each->type.scale);
  }
  for (NodeRef& each : nodes) {
    if (!any || is_null_literal(*each)) continue;
    if (each->type.tag != Tag::kDecimal || each->type.scale != common.scale) {
      each = converted(each, common);
    }
  }
}

bool Checker::unify(NodeRef& a, NodeRef& b, uint32_t offset) {
  for (const NodeRef* each : {&a, &b}) {
    if (is_scalar((*each)->type.tag)) continue;
    const bool row = (*each)->type.tag == Tag::kRow;
    fault((*each)->offset, "rule_type",
          row ? "rows do not compare; name a column, as `.id`"
              : "a " + (*each)->type.to_string() + " does not compare; use in, exists or all");
    return false;
  }
  if (is_null_literal(*a) || is_null_literal(*b)) return true;
  if (is_dyn(a->type)) return unify_dyn(a, b, offset);
  if (is_dyn(b->type)) return unify_dyn(b, a, offset);
  if (is_text_literal(*a)) return unify_literal(a, b);
  if (is_text_literal(*b)) return unify_literal(b, a);
  if (a->type.tag == Tag::kDecimal || b->type.tag == Tag::kDecimal) {
    return unify_decimals(a, b, offset);
  }
  if (a->type.tag == b->type.tag) return true;
  if (is_number(a->type.tag) && is_number(b->type.tag)) return true;
  mismatch(offset, a->type, b->type);
  return false;
}

NodeRef Checker::null_comparison(const Syntax& syntax, Op op, NodeRef a, NodeRef b) {
  NodeRef other = is_null_literal(*a) ? b : a;
  const bool asked = is_dyn(other->type) || other->type.tag == Tag::kRow;
  if (!asked) return make(op, make_type(Tag::kBool), syntax.offset, {a, b});
  NodeRef test = make(Op::kIsNull, make_type(Tag::kBool), syntax.offset, {other});
  if (op == Op::kEqual) return test;
  return make(Op::kNot, make_type(Tag::kBool), syntax.offset, {test});
}

NodeRef Checker::comparison(const Syntax& syntax, Op op, NodeRef a, NodeRef b) {
  const bool equality = op == Op::kEqual || op == Op::kNotEqual;
  // Whether a step found its row at all.
  const auto found = [](const Node& x, const Node& y) {
    return is_null_literal(x) && y.op == Op::kName && y.type.tag == Tag::kRow && y.type.nullable;
  };
  if (equality && (found(*a, *b) || found(*b, *a))) {
    return null_comparison(syntax, op, std::move(a), std::move(b));
  }
  if (!unify(a, b, syntax.offset)) return nullptr;
  if (is_null_literal(*a) || is_null_literal(*b)) {
    if (equality) return null_comparison(syntax, op, std::move(a), std::move(b));
    return fault(syntax.offset, "rule_type", "null is neither less nor greater than anything");
  }
  if (!equality && !has_order(a->type.tag)) {
    return fault(syntax.offset, "rule_type", "a " + a->type.to_string() + " has no order");
  }
  return make(op, make_type(Tag::kBool), syntax.offset, {std::move(a), std::move(b)});
}

NodeRef Checker::membership_of_list(const Syntax& syntax, NodeRef x, const NodeRef& list) {
  std::vector<NodeRef> elements;
  if (list->op == Op::kList) {
    elements = list->args;
  } else {  // folded: apart again, so that enum values and scales are checked one by one
    for (const Value& each : list->value.list()) {
      Node node;
      node.offset = list->offset;
      node.type = each.is_null() ? make_type(Tag::kNull, true) : *list->type.element;
      node.type.nullable = each.is_null();
      node.value = each;
      elements.push_back(share(std::move(node)));
    }
  }
  for (NodeRef& each : elements) {
    if (!unify(x, each, syntax.offset)) return nullptr;
  }
  elements.push_back(x);
  align_decimals(elements);
  x = std::move(elements.back());
  elements.pop_back();
  Type type = list->type;
  if (!elements.empty()) {
    Type element = x->type;
    element.nullable = type.element->nullable;
    element.values = nullptr;
    type.element = std::make_shared<const Type>(std::move(element));
  }
  NodeRef unified = make(Op::kList, type, list->offset, std::move(elements));
  return make(Op::kIn, make_type(Tag::kBool), syntax.offset, {std::move(x), std::move(unified)});
}

NodeRef Checker::membership(const Syntax& syntax, NodeRef x, NodeRef container) {
  const Type& type = container->type;
  if (!is_scalar(x->type.tag)) {
    return fault(x->offset, "rule_type",
                 "a " + x->type.to_string() + " is not looked up in a list");
  }
  if (type.tag == Tag::kText) {
    return fault(syntax.offset, "rule_type", "a text has no elements; use contains",
                 "text.contains(part)");
  }
  if (type.tag == Tag::kList && type.element->tag == Tag::kRow) {
    return fault(syntax.offset, "rule_type", "these are rows; say which column, by exists(x, …)");
  }
  if (container->op == Op::kList || container->op == Op::kLiteral) {
    if (type.tag == Tag::kList) return membership_of_list(syntax, std::move(x), container);
  }
  if (is_dyn(type) || type.tag == Tag::kMap) {
    if (is_dyn(x->type)) {
      return fault(x->offset, "rule_type", "say the type: string(x), int(x) or double(x)");
    }
    if (type.tag == Tag::kMap && x->type.tag != Tag::kText) {
      return fault(x->offset, "rule_type", "a member of a map is named by a text");
    }
    return make(Op::kIn, make_type(Tag::kBool), syntax.offset,
                {std::move(x), std::move(container)});
  }
  if (type.tag != Tag::kList) {
    return fault(container->offset, "rule_type",
                 "a list must stand here, and this is " + type.to_string());
  }
  // An element is whatever its type says; x must compare with it. Decimals compare by number.
  Node element;
  element.op = Op::kName;
  element.type = *type.element;
  element.offset = container->offset;
  NodeRef stand_in = share(std::move(element));
  if (!unify(x, stand_in, syntax.offset)) return nullptr;
  return make(Op::kIn, make_type(Tag::kBool), syntax.offset, {std::move(x), std::move(container)});
}

NodeRef Checker::decimal_arithmetic(const Syntax& syntax, Op op, NodeRef a, NodeRef b) {
  if (op == Op::kDivide || op == Op::kRemainder) {
    return fault(syntax.offset, "rule_type",
                 "a decimal is divided to a number of digits: div(x, y, digits)", "div(x, y, 2)");
  }
  Type type = make_type(Tag::kDecimal);
  if (op == Op::kMultiply) {
    // Not to one scale: the product's is the sum.
    for (NodeRef* each : {&a, &b}) {
      if ((*each)->type.tag == Tag::kInt) *each = converted(*each, type);
      if ((*each)->type.tag == Tag::kDecimal) continue;
      unify_decimals(a, b, syntax.offset);  // says what is wrong
      return nullptr;
    }
    type.scale = a->type.scale + b->type.scale;
    if (type.scale > kDecimalScaleMax) {
      return fault(syntax.offset, "rule_type",
                   fmt::format("the product would have {} digits after the point, and {} is the "
                               "most; round(x, n) an operand",
                               type.scale, kDecimalScaleMax));
    }
  } else {
    if (!unify_decimals(a, b, syntax.offset)) return nullptr;
    type.scale = a->type.scale;
  }
  return make(op, type, syntax.offset, {std::move(a), std::move(b)});
}

NodeRef Checker::arithmetic(const Syntax& syntax, Op op, NodeRef a, NodeRef b) {
  const Tag ta = a->type.tag, tb = b->type.tag;
  for (const NodeRef* each : {&a, &b}) {
    if (!is_dyn((*each)->type)) continue;
    return fault((*each)->offset, "rule_type",
                 "the type is not known here; say it: int(x), double(x) or string(x)");
  }
  if (ta == Tag::kDecimal || tb == Tag::kDecimal) {
    return decimal_arithmetic(syntax, op, std::move(a), std::move(b));
  }
  const bool sum = op == Op::kAdd, difference = op == Op::kSubtract;
  std::optional<Type> type;
  if (ta == tb && (ta == Tag::kInt || (ta == Tag::kFloat && op != Op::kRemainder))) {
    type = make_type(ta);
  } else if (sum && ta == Tag::kText && tb == Tag::kText) {
    type = make_type(Tag::kText);
  } else if ((sum || difference) && ta == Tag::kTimestamp && tb == Tag::kDuration) {
    type = make_type(Tag::kTimestamp);
  } else if (sum && ta == Tag::kDuration && tb == Tag::kTimestamp) {
    type = make_type(Tag::kTimestamp);
  } else if (difference && ta == Tag::kTimestamp && tb == Tag::kTimestamp) {
    type = make_type(Tag::kDuration);
  } else if ((sum || difference) && ta == Tag::kDuration && tb == Tag::kDuration) {
    type = make_type(Tag::kDuration);
  }
  if (type) return make(op, *type, syntax.offset, {std::move(a), std::move(b)});
  std::string hint;
  if (is_number(ta) && is_number(tb) && ta != tb) hint = "; say double(x) of the int";
  return fault(syntax.offset, "rule_type",
               "`" + syntax.name + "` does not work on " + a->type.to_string() + " and " +
                   b->type.to_string() + hint);
}

NodeRef Checker::binary(const Syntax& syntax) {
  NodeRef a = check(*syntax.args[0]);
  NodeRef b = check(*syntax.args[1]);
  if (!a || !b) return nullptr;
  if (syntax.name == "in") return membership(syntax, std::move(a), std::move(b));
  if (const auto op = comparison_op(syntax.name)) {
    return comparison(syntax, *op, std::move(a), std::move(b));
  }
  return arithmetic(syntax, arithmetic_op(syntax.name), std::move(a), std::move(b));
}

NodeRef Checker::unary(const Syntax& syntax) {
  if (syntax.name == "!") {
    NodeRef operand = condition(*syntax.args[0]);
    if (!operand) return nullptr;
    return make(Op::kNot, make_type(Tag::kBool), syntax.offset, {std::move(operand)});
  }
  NodeRef operand = check(*syntax.args[0]);
  if (!operand) return nullptr;
  const Tag tag = operand->type.tag;
  if (!is_number(tag) && tag != Tag::kDecimal && tag != Tag::kDuration) {
    return fault(syntax.offset, "rule_type", "`-` does not work on " + operand->type.to_string());
  }
  Type type = operand->type;
  type.nullable = false;
  return make(Op::kNegate, type, syntax.offset, {std::move(operand)});
}

}  // namespace mettle::rules

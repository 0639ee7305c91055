#include "rules/fold.h"

#include <algorithm>
#include <utility>

#include "rules/operations.h"

namespace mettle::rules {
namespace {

bool is_literal(const Node& node) {
  return node.op == Op::kLiteral;
}

NodeRef literal_like(const Node& node, Value value) {
  Node out;
  out.type = node.type;
  out.offset = node.offset;
  out.value = std::move(value);
  return share(std::move(out));
}

// An operand may stand for the whole only where null and unknown cannot be told apart anyway.
bool stands_alone(const Node& node) {
  return !node.type.nullable;
}

NodeRef fold_logic(Node node) {
  const bool decides = node.op == Op::kOr;
  std::vector<NodeRef> kept;
  for (NodeRef& arg : node.args) {
    if (!is_literal(*arg) || arg->value.kind() != Kind::kBool) {
      kept.push_back(std::move(arg));
    } else if (arg->value.boolean() == decides) {
      return literal_like(node, Value(decides));
    }
  }
  if (kept.empty()) return literal_like(node, Value(!decides));
  if (kept.size() == 1 && stands_alone(*kept[0])) return kept[0];
  if (kept.size() == 1) kept.push_back(literal_like(node, Value(!decides)));
  node.args = std::move(kept);
  return share(std::move(node));
}

// `a == 'x'`: the term and the literal; nullptr for other shapes.
std::pair<const Node*, const Node*> against_literal(const Node& node, Op op) {
  if (node.op != op) return {};
  const Node &a = *node.args[0], &b = *node.args[1];
  if (is_literal(b)) return {&a, &b};
  if (is_literal(a)) return {&b, &a};
  return {};
}

// Two of the operands compare one term with two different literals.
bool clash(const std::vector<NodeRef>& args, Op op) {
  for (size_t i = 0; i < args.size(); ++i) {
    const auto [term, literal] = against_literal(*args[i], op);
    if (!term) continue;
    for (size_t j = i + 1; j < args.size(); ++j) {
      const auto [other, other_literal] = against_literal(*args[j], op);
      if (!other || !same_tree(*term, *other)) continue;
      // Two that do not even compare clash, too.
      if (!equal(literal->value, other_literal->value).is_true()) return true;
    }
  }
  return false;
}

// One operand is the negation of another.
bool has_opposites(const std::vector<NodeRef>& args) {
  for (const NodeRef& a : args) {
    if (a->op != Op::kNot) continue;
    for (const NodeRef& b : args) {
      if (same_tree(*a->args[0], *b)) return true;
    }
  }
  return false;
}

Outcomes of_logic(const Node& node) {
  const bool is_or = node.op == Op::kOr;
  Outcomes out = is_or ? Outcomes{false, true} : Outcomes{true, false};
  for (const NodeRef& arg : node.args) {
    const Outcomes each = outcomes(*arg);
    if (is_or) {
      out.can_be_true |= each.can_be_true;
      out.can_be_false &= each.can_be_false;
    } else {
      out.can_be_true &= each.can_be_true;
      out.can_be_false |= each.can_be_false;
    }
  }
  const bool opposites = has_opposites(node.args);
  if (is_or && (opposites || clash(node.args, Op::kNotEqual))) out.can_be_false = false;
  if (!is_or && (opposites || clash(node.args, Op::kEqual))) out.can_be_true = false;
  return out;
}

Outcomes of_comparison(const Node& node) {
  const Node &a = *node.args[0], &b = *node.args[1];
  const bool holds_for_same =
      node.op == Op::kEqual || node.op == Op::kLessEqual || node.op == Op::kGreaterEqual;
  if (same_tree(a, b)) return {holds_for_same, !holds_for_same};
  const auto never_null = [](const Node& x, const Node& null) {
    return is_literal(null) && null.value.is_null() && !x.type.nullable;
  };
  if ((node.op == Op::kEqual || node.op == Op::kNotEqual) &&
      (never_null(a, b) || never_null(b, a))) {
    return {node.op == Op::kNotEqual, node.op == Op::kEqual};
  }
  return {};
}

}  // namespace

NodeRef fold(Node node) {
  if (node.op == Op::kAnd || node.op == Op::kOr) return fold_logic(std::move(node));
  if (node.op == Op::kConditional && is_literal(*node.args[0]) &&
      node.args[0]->value.kind() == Kind::kBool) {
    const NodeRef& taken = node.args[node.args[0]->value.boolean() ? 1 : 2];
    if (taken->type.nullable == node.type.nullable) return taken;
  }
  if (!std::ranges::all_of(node.args, [](const NodeRef& arg) { return is_literal(*arg); })) {
    return share(std::move(node));
  }
  const NodeRef whole = share(std::move(node));
  Value value = evaluate(Expr(whole), Bindings{});
  return value.is_unknown() ? whole : literal_like(*whole, std::move(value));
}

Outcomes outcomes(const Node& condition) {
  std::vector<std::string> names;
  free_names(condition, names);
  if (names.empty()) {  // 1 / 0 == 1 is neither
    const Value value = evaluate(Expr(std::make_shared<const Node>(condition)), Bindings{});
    return {value.is_true(), value.kind() == Kind::kBool && !value.boolean()};
  }
  switch (condition.op) {
    case Op::kNot: {
      const Outcomes inner = outcomes(*condition.args[0]);
      return {inner.can_be_false, inner.can_be_true};
    }
    case Op::kAnd:
    case Op::kOr:
      return of_logic(condition);
    case Op::kEqual:
    case Op::kNotEqual:
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual:
      return of_comparison(condition);
    case Op::kIn: {
      const Node& list = *condition.args[1];
      return {!is_literal(list) || !list.value.list().empty(), true};
    }
    case Op::kConditional: {
      const Outcomes a = outcomes(*condition.args[1]), b = outcomes(*condition.args[2]);
      return {a.can_be_true || b.can_be_true, a.can_be_false || b.can_be_false};
    }
    default:
      return {};
  }
}

}  // namespace mettle::rules

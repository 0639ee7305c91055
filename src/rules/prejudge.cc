#include "rules/prejudge.h"

#include "base/check.h"
#include "rules/ast.h"

namespace mettle::rules {

namespace {

// The outcomes that are still possible, as a set.
constexpr unsigned kT = 1, kF = 2, kU = 4, kAny = kT | kF | kU;

bool reads_a_row(const Node& node) {
  if (walks(node)) return true;
  std::vector<std::string> names;
  free_names(node, names);
  for (const std::string& name : names) {
    if (name == "row" || name == "new") return true;
  }
  return false;
}

unsigned outcome_of(const Value& value) {
  if (value.kind() != Kind::kBool) return kU;
  return value.boolean() ? kT : kF;
}

// Every pair of outcomes through Kleene's conjunction.
unsigned both(unsigned a, unsigned b) {
  unsigned made = 0;
  if ((a | b) & kF) made |= kF;
  if ((a & kT) && (b & kT)) made |= kT;
  if (((a & kU) && (b & (kT | kU))) || ((b & kU) && (a & (kT | kU)))) made |= kU;
  return made;
}

unsigned opposite(unsigned a) {
  return ((a & kT) ? kF : 0u) | ((a & kF) ? kT : 0u) | (a & kU);
}

bool is_strict(Op op) {
  switch (op) {
    case Op::kEqual:
    case Op::kNotEqual:
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual:
      return true;
    default:
      return false;
  }
}

}  // namespace

Prejudge::Prejudge(const Expr& expr) : root_(build(expr.root_ref())) {}

Prejudge::Part Prejudge::build(const std::shared_ptr<const Node>& node) {
  Part part;
  if (!reads_a_row(*node)) {
    part.form = Part::Form::kKnown;
    part.expr = std::make_shared<const Expr>(node);
    return part;
  }
  switch (node->op) {
    case Op::kAnd:
      part.form = Part::Form::kAnd;
      break;
    case Op::kOr:
      part.form = Part::Form::kOr;
      break;
    case Op::kNot:
      part.form = Part::Form::kNot;
      break;
    case Op::kConditional:
      part.form = Part::Form::kConditional;
      break;
    default:
      if (is_strict(node->op)) part.form = Part::Form::kStrict;
      break;
  }
  if (part.form == Part::Form::kOpen) return part;
  for (const auto& arg : node->args) {
    Part operand = build(arg);
    if (part.form == Part::Form::kStrict && operand.form != Part::Form::kKnown) continue;
    part.parts.push_back(std::move(operand));
  }
  return part;
}

unsigned Prejudge::outcomes(const Part& part, const Bindings& bindings) {
  switch (part.form) {
    case Part::Form::kKnown:
      return outcome_of(evaluate(*part.expr, bindings));
    case Part::Form::kAnd: {
      unsigned made = kT;
      for (const Part& operand : part.parts) made = both(made, outcomes(operand, bindings));
      return made;
    }
    case Part::Form::kOr: {
      unsigned made = kT;  // of the negation: De Morgan
      for (const Part& operand : part.parts)
        made = both(made, opposite(outcomes(operand, bindings)));
      return opposite(made);
    }
    case Part::Form::kNot:
      return opposite(outcomes(part.parts[0], bindings));
    case Part::Form::kConditional: {
      const unsigned condition = outcomes(part.parts[0], bindings);
      unsigned made = condition & kU;
      if (condition & kT) made |= outcomes(part.parts[1], bindings);
      if (condition & kF) made |= outcomes(part.parts[2], bindings);
      return made;
    }
    case Part::Form::kStrict:
      for (const Part& operand : part.parts) {
        if (evaluate(*operand.expr, bindings).is_unknown()) return kU;
      }
      return kAny;
    case Part::Form::kOpen:
      return kAny;
  }
  CHECK(false);
}

Verdict Prejudge::judge(const Bindings& bindings) const {
  const unsigned made = outcomes(root_, bindings);
  if (made == kT) return Verdict::kTrue;
  if ((made & kT) == 0) return Verdict::kNotTrue;
  return Verdict::kDepends;
}

}  // namespace mettle::rules

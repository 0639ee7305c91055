// compile(): parse, check, bring to the wanted type, warn of what decides nothing.
#include <algorithm>
#include <utility>

#include "base/datetime.h"
#include "rules/check.h"
#include "rules/fold.h"
#include "rules/parser.h"
#include "rules/rules.h"

namespace mettle::rules {
namespace {

using Tag = Type::Tag;

// A text literal where a date, time or timestamp is wanted: taken if it is one.
std::optional<Value> as_time(Tag tag, const std::string& text) {
  if (tag == Tag::kDate) {
    if (auto date = parse_date(text)) return Value(*date);
  } else if (tag == Tag::kTime) {
    if (auto time = parse_time(text)) return Value(*time);
  } else if (tag == Tag::kTimestamp) {
    if (auto timestamp = parse_timestamp(text)) return Value(*timestamp);
  }
  return std::nullopt;
}

bool holds_anything(const Type& want) {
  return want.tag == Tag::kDyn || want.tag == Tag::kJson;
}

void warn_of_constant(const Expr& expr, const Syntax& syntax, std::string_view path,
                      model::Faults& faults) {
  const bool written = syntax.kind == Syntax::Kind::kLiteral;
  const Outcomes out = outcomes(expr.root());
  if (written || (out.can_be_true && out.can_be_false)) return;
  const model::Pos pos = expr.source().at(syntax.offset);
  if (!out.can_be_true) {
    faults.warning(pos, std::string(path), "rule_never_true",
                   "the rule can never be true; write false if that is meant", "false");
  } else {
    faults.warning(pos, std::string(path), "rule_always_true",
                   "the rule can never be false; write true if that is meant", "true");
  }
}

}  // namespace

NodeRef Checker::assign(NodeRef node, const Type& want) {
  const Tag from = node->type.tag;
  if (holds_anything(want)) return node;
  if (is_dyn(node->type)) {
    const bool held = want.tag == Tag::kBool || want.tag == Tag::kText || want.tag == Tag::kUuid ||
                      want.tag == Tag::kInt || want.tag == Tag::kFloat;
    if (!held) return fault(node->offset, "rule_type", "json holds no " + want.to_string());
    NodeRef cast = cast_to(node, want.tag == Tag::kInt ? Tag::kFloat : want.tag);
    return want.tag == Tag::kInt ? converted(cast, want) : cast;
  }
  if (from == Tag::kNull) {
    if (want.nullable) return node;
    return fault(node->offset, "rule_type",
                 "null must not stand here: a " + want.to_string() + " is wanted");
  }
  if (is_text_literal(*node) && (want.values || want.tag == Tag::kUuid)) {
    Node stand_in;
    stand_in.op = Op::kName;
    stand_in.type = want;
    return unify_literal(node, share(std::move(stand_in))) ? node : nullptr;
  }
  if (is_text_literal(*node)) {
    if (const auto value = as_time(want.tag, node->value.text())) {
      Node out = *node;
      out.type = make_type(want.tag);
      out.value = *value;
      return share(std::move(out));
    }
  }
  if (want.tag == Tag::kDecimal && (from == Tag::kInt || from == Tag::kDecimal)) {
    if (from == Tag::kDecimal && node->type.scale > want.scale && node->op != Op::kLiteral) {
      return fault(node->offset, "rule_type",
                   "this has " + std::to_string(node->type.scale) + " digits after the point and " +
                       std::to_string(want.scale) + " are wanted",
                   "round(x, " + std::to_string(want.scale) + ")");
    }
    if (from == Tag::kDecimal && node->type.scale == want.scale) return node;
    NodeRef out = converted(node, want);
    if (node->op != Op::kLiteral || out->op == Op::kLiteral) return out;
    return fault(node->offset, "rule_type", "the number does not fit " + want.to_string());
  }
  if (want.tag == Tag::kFloat && from == Tag::kInt) return converted(node, want);
  if (want.tag == Tag::kDecimal && from == Tag::kFloat) {
    return fault(node->offset, "rule_decimal_float",
                 "decimal does not mix with float, which is not exact");
  }
  const bool object_of_row = want.tag == Tag::kObject && (from == Tag::kRow || from == Tag::kMap);
  if (from == want.tag || object_of_row) return node;
  return fault(node->offset, "rule_type",
               "a " + want.to_string() + " is wanted here, and this is " + node->type.to_string());
}

ExprRef true_of_many(const ExprRef& equality) {
  Node node = equality->root();
  node.name = kOfMany;
  return std::make_shared<const Expr>(share(std::move(node)), equality->source());
}

ExprRef all_of(const std::vector<ExprRef>& parts, model::Source source) {
  if (parts.size() == 1)
    return std::make_shared<const Expr>(parts[0]->root_ref(), std::move(source));
  Node all;
  all.op = Op::kAnd;
  all.type.tag = Tag::kBool;
  for (const ExprRef& part : parts) all.args.push_back(part->root_ref());
  return std::make_shared<const Expr>(share(std::move(all)), std::move(source));
}

ExprRef compile(const model::Source& source, const Environment& environment, const Type& want,
                std::string_view path, model::Faults& faults) {
  SyntaxFault syntax_fault;
  const SyntaxRef syntax = parse(source.text, syntax_fault);
  if (!syntax) {
    faults.error(source.at(syntax_fault.offset), std::string(path), "rule_syntax",
                 std::move(syntax_fault.message), std::move(syntax_fault.fix));
    return nullptr;
  }
  Checker checker(source, environment, path, faults);
  NodeRef root = checker.check(*syntax);
  if (!root) return nullptr;
  if (root->op == Op::kRelated) {
    faults.error(source.at(root->offset), std::string(path), "rule_type",
                 "these are many rows; say exists(x, …) or all(x, …) of them");
    return nullptr;
  }
  root = checker.assign(std::move(root), want);
  if (!root) return nullptr;
  auto expr = std::make_shared<const Expr>(std::move(root), source);
  if (expr->random() && (want.tag == Type::Tag::kBool || expr->needs_sql())) {
    faults.error(source.pos, std::string(path), "rule_type",
                 "random_code makes values: it stands in no condition and beside no related row");
    return nullptr;
  }
  if (want.tag == Type::Tag::kBool) warn_of_constant(*expr, *syntax, path, faults);
  return expr;
}

}  // namespace mettle::rules

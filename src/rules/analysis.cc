// What a rule reads, and the parts of it that the caller alone decides.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "rules/ast.h"
#include "rules/fold.h"
#include "rules/operations.h"
#include "rules/rules.h"

namespace mettle::rules {
namespace {

void collect_names(const Node& node, std::vector<std::string_view>& bound,
                   std::vector<std::string>& out) {
  if (node.op == Op::kName) {
    if (std::ranges::find(bound, node.name) == bound.end() &&
        std::ranges::find(out, node.name) == out.end()) {
      out.push_back(node.name);
    }
    return;
  }
  const bool binds = node.op == Op::kExists || node.op == Op::kAll;
  for (size_t i = 0; i < node.args.size(); ++i) {
    if (binds && i == 1) bound.push_back(node.name);
    collect_names(*node.args[i], bound, out);
  }
  if (binds) bound.pop_back();
}

void collect_columns(const Node& node, std::string_view name, std::vector<std::string>& out) {
  const auto add = [&out](const std::string& column) {
    if (std::ranges::find(out, column) == out.end()) out.push_back(column);
  };
  const bool of_name =
      !node.args.empty() && node.args[0]->op == Op::kName && node.args[0]->name == name;
  if (of_name && node.op == Op::kColumn) add(node.name);
  if (of_name && (node.op == Op::kReference || node.op == Op::kRelated)) add(node.walk.from);
  for (const NodeRef& arg : node.args) collect_columns(*arg, name, out);
}

// No row below, and none bound outside: the caller decides it.
bool by_caller(const Node& node, const std::vector<std::string>& rows) {
  if (walks(node)) return false;
  std::vector<std::string> names;
  free_names(node, names);
  return std::ranges::none_of(names, [&rows](const std::string& each) {
    return std::ranges::find(rows, each) != rows.end();
  });
}

void row_names(const Node& node, std::vector<std::string>& out) {
  if (node.op == Op::kName && node.type.tag == Type::Tag::kRow) out.push_back(node.name);
  for (const NodeRef& arg : node.args) row_names(*arg, out);
}

bool same_value(const Value& a, const Value& b) {
  if (a.kind() != b.kind()) return false;
  if (a.kind() == Kind::kList) {
    return std::ranges::equal(a.list(), b.list(), same_value);
  }
  return a.is_null() || equal(a, b).is_true();
}

bool is_logic(Op op) {
  return op == Op::kAnd || op == Op::kOr || op == Op::kNot;
}

// Visits the switches in order; `replace` may give a node to put in place of one.
template <class Visit>
NodeRef visit_switches(const NodeRef& node, const std::vector<std::string>& rows, Visit& visit) {
  if (by_caller(*node, rows)) return node->op == Op::kLiteral ? node : visit(node);
  if (!is_logic(node->op) && node->op != Op::kConditional) return node;
  Node copy = *node;
  for (size_t i = 0; i < copy.args.size(); ++i) {
    if (copy.args[i]->type.tag != Type::Tag::kBool) continue;
    copy.args[i] = visit_switches(copy.args[i], rows, visit);
  }
  return fold(std::move(copy));
}

}  // namespace

bool walks(const Node& node) {
  if (node.op == Op::kReference || node.op == Op::kRelated) return true;
  return std::ranges::any_of(node.args, [](const NodeRef& arg) { return walks(*arg); });
}

bool draws(const Node& node) {
  if (node.op == Op::kRandomCode) return true;
  return std::ranges::any_of(node.args, [](const NodeRef& arg) { return draws(*arg); });
}

// Where a walk leads follows from its name and its row, the pattern from its text, which is the
// name.
bool same_tree(const Node& a, const Node& b) {
  if (&a == &b) return true;
  if (a.op != b.op || a.name != b.name || a.args.size() != b.args.size() ||
      a.type.tag != b.type.tag || a.type.scale != b.type.scale || !same_value(a.value, b.value)) {
    return false;
  }
  for (size_t i = 0; i < a.args.size(); ++i) {
    if (!same_tree(*a.args[i], *b.args[i])) return false;
  }
  return true;
}

void free_names(const Node& node, std::vector<std::string>& out) {
  std::vector<std::string_view> bound;
  collect_names(node, bound, out);
}

Expr::Expr(NodeRef root, model::Source source)
    : root_(std::move(root)), source_(std::move(source)) {
  CHECK(root_ != nullptr);
  free_names(*root_, uses_);
  needs_sql_ = walks(*root_);
  random_ = draws(*root_);
}

const Type& Expr::type() const {
  return root_->type;
}

bool Expr::uses_name(std::string_view name) const {
  return std::ranges::find(uses_, name) != uses_.end();
}

std::optional<Value> Expr::constant() const {
  if (!uses_.empty() || random_) return std::nullopt;  // a walk begins at a name
  return evaluate(*this, Bindings{});
}

std::vector<std::string> columns_read(const Expr& expr, std::string_view name) {
  std::vector<std::string> out;
  collect_columns(expr.root(), name, out);
  return out;
}

bool independent_of_rows(const Expr& expr) {
  if (expr.needs_sql()) return false;
  std::vector<std::string> rows;
  row_names(expr.root(), rows);
  return rows.empty();
}

std::vector<ExprRef> switches(const Expr& expr) {
  std::vector<std::string> rows;
  row_names(expr.root(), rows);
  std::vector<ExprRef> out;
  auto collect = [&out](const NodeRef& node) {
    out.push_back(std::make_shared<const Expr>(node));
    return node;
  };
  visit_switches(expr.root_ref(), rows, collect);
  return out;
}

ExprRef resolve(const Expr& expr, const std::vector<Value>& outcomes) {
  std::vector<std::string> rows;
  row_names(expr.root(), rows);
  size_t next = 0;
  auto decide = [&outcomes, &next](const NodeRef& node) {
    CHECK(next < outcomes.size());
    const Value& outcome = outcomes[next++];
    Node literal;
    literal.type.tag = Type::Tag::kBool;
    literal.offset = node->offset;
    literal.value = outcome.kind() == Kind::kBool ? outcome : Value(Unknown{});
    return share(std::move(literal));
  };
  return std::make_shared<const Expr>(visit_switches(expr.root_ref(), rows, decide), expr.source());
}

}  // namespace mettle::rules

// The type checker: from an untyped tree to a checked one, with every fault that can be told from
// the rule alone. One Checker a rule; nothing is kept. Internal to rules/: others call compile().
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/source.h"
#include "rules/ast.h"
#include "rules/parser.h"

namespace mettle::rules {

class Checker {
 public:
  Checker(const model::Source& source, const Environment& environment, std::string_view path,
          model::Faults& faults)
      : source_(source), environment_(environment), path_(path), faults_(faults) {}

  // nullptr after a fault. Goes on after one where the rest means something without it.
  NodeRef check(const Syntax& syntax);
  // `node` brought to `want` (kDyn: anything), or nullptr after a fault.
  NodeRef assign(NodeRef node, const Type& want);

 private:
  using Tag = Type::Tag;

  std::nullptr_t fault(uint32_t offset, std::string code, std::string message,
                       std::string fix = {});

  // check.cc: names, members, logic
  NodeRef literal(const Syntax& syntax);
  NodeRef name(const Syntax& syntax);
  NodeRef member(const Syntax& syntax);
  NodeRef member_of(NodeRef base, const std::string& name, uint32_t offset);
  NodeRef row_member(NodeRef base, const std::string& name, uint32_t offset);
  NodeRef element(const Syntax& syntax);
  NodeRef list(const Syntax& syntax);
  NodeRef logic(const Syntax& syntax);
  NodeRef conditional(const Syntax& syntax);
  NodeRef condition(const Syntax& syntax);

  // check_operators.cc
  NodeRef unary(const Syntax& syntax);
  NodeRef binary(const Syntax& syntax);
  NodeRef comparison(const Syntax& syntax, Op op, NodeRef a, NodeRef b);
  NodeRef null_comparison(const Syntax& syntax, Op op, NodeRef a, NodeRef b);
  NodeRef membership(const Syntax& syntax, NodeRef x, NodeRef container);
  NodeRef membership_of_list(const Syntax& syntax, NodeRef x, const NodeRef& list);
  NodeRef arithmetic(const Syntax& syntax, Op op, NodeRef a, NodeRef b);
  NodeRef decimal_arithmetic(const Syntax& syntax, Op op, NodeRef a, NodeRef b);
  // Brings both to one type, so that they compare; false after a fault.
  bool unify(NodeRef& a, NodeRef& b, uint32_t offset);
  bool unify_dyn(NodeRef& dyn, const NodeRef& other, uint32_t offset);
  bool unify_decimals(NodeRef& a, NodeRef& b, uint32_t offset);
  // A text literal beside something typed: an enum's value, a uuid. False after a fault.
  bool unify_literal(NodeRef& literal, const NodeRef& other);
  void mismatch(uint32_t offset, const Type& a, const Type& b);

  // check_calls.cc
  NodeRef call(const Syntax& syntax);
  NodeRef method(const Syntax& syntax);
  NodeRef quantifier(const Syntax& syntax);
  NodeRef has(const Syntax& syntax);
  NodeRef size(const Syntax& syntax, const Syntax& argument);
  NodeRef matches(const Syntax& syntax, NodeRef text);
  NodeRef text_test(const Syntax& syntax, Op op, NodeRef text);
  NodeRef round(const Syntax& syntax);
  NodeRef div(const Syntax& syntax);
  NodeRef random_code(const Syntax& syntax);
  NodeRef conversion(const Syntax& syntax);
  NodeRef literal_conversion(const Syntax& syntax, const NodeRef& argument);
  bool digits(const Syntax& syntax, int& out);

  const model::Source& source_;
  const Environment& environment_;
  std::string path_;
  model::Faults& faults_;
  std::vector<std::pair<std::string, Type>> variables_;  // of enclosing exists and all
};

// Conversions as nodes, folded. The result is nullable where the operand is.
NodeRef converted(const NodeRef& node, Type to);
NodeRef cast_to(const NodeRef& node, Type::Tag tag);
// Brings what are decimals, and the ints beside them, to the largest scale among them.
void align_decimals(std::vector<NodeRef>& nodes);
Type make_type(Type::Tag tag, bool nullable = false);
bool is_dyn(const Type& type);
bool is_null_literal(const Node& node);
bool is_text_literal(const Node& node);

}  // namespace mettle::rules

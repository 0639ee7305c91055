// Folding of what is constant, and what a condition can come to: how compile() warns of rules that
// decide nothing and how resolve() simplifies. Pure; any thread.
#pragma once

#include "rules/ast.h"

namespace mettle::rules {

// The node, or a simpler one with the same value: a literal for what reads nothing (unless its
// value is Unknown), && and || without the operands that do not matter. Operands are taken as
// folded.
NodeRef fold(Node node);

struct Outcomes {
  bool can_be_true = true;
  bool can_be_false = true;
};
// Conservative: both unless the shape of the rule says otherwise.
Outcomes outcomes(const Node& condition);

}  // namespace mettle::rules

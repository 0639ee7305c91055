// Prejudge: what a condition comes to before any row is known, given the caller. It answers "is
// this refused whatever the row is?" (then 401 or 403 before the body is read) and "is it granted
// whatever the row is?" (then the statement carries no condition). Over-careful where it cannot
// tell: it says kDepends.
//
// Built once a rule; judging costs the evaluation of the parts that read no row. Immutable; any
// thread.
#pragma once

#include <memory>
#include <vector>

#include "rules/rules.h"

namespace mettle::rules {

enum class Verdict : uint8_t {
  kTrue,     // true whatever the row is
  kNotTrue,  // false or unknown whatever the row is
  kDepends,
};

class Prejudge {
 public:
  // The names "row" and "new", and everything looked up in the database, count as not known yet.
  explicit Prejudge(const Expr& expr);
  Verdict judge(const Bindings& bindings) const;

 private:
  struct Part {
    enum class Form : uint8_t {
      kKnown,
      kAnd,
      kOr,
      kNot,
      kConditional,
      kStrict,
      kOpen
    } form = Form::kOpen;
    ExprRef expr;  // kKnown
    std::vector<Part>
        parts;  // kStrict: the operands that are known; one Unknown makes the whole Unknown
  };
  static Part build(const std::shared_ptr<const Node>& node);
  static unsigned outcomes(const Part& part, const Bindings& bindings);

  Part root_;
};

}  // namespace mettle::rules

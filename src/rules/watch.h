// RuleWatch: hears which access rules were asked on behalf of a caller, and what each came to, part
// by part. It rides on the bindings (Bindings::set_watch); requests that nobody wants explained
// bear none, and pay a comparison with nullptr a rule.
//
// asked() is called where the rule is: on the core, or on the writer's thread while the core waits.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rules/parts.h"
#include "rules/prejudge.h"
#include "rules/rules.h"

namespace mettle::rules {

struct PartAsked {
  std::string text;
  int depth = 0;
  std::optional<Value> value;  // none: it depends on the row
  std::vector<std::pair<std::string, std::optional<Value>>> operands;
};

struct RuleAsked {
  enum class Stage : uint8_t {
    kCaller,  // before any row is known: `verdict`
    kRow,     // of one row: `value`
    kCall,    // the `access` of a command, query or route: `value`
  };
  Stage stage = Stage::kCaller;
  const void* rule = nullptr;  // which, where the asker keeps it: a records::Rule
  ExprRef expr;                // nullptr: there is none, so nobody may
  Verdict verdict = Verdict::kNotTrue;
  std::string left;  // kCaller, kDepends: the condition that rows have to meet
  Value value = Unknown{};
  std::string_view moment;  // kRow: "before" or "after", where a change has both
  std::string subject;      // kCall: "the command place_order"
  std::vector<PartAsked> parts;
};

class RuleWatch {
 public:
  virtual ~RuleWatch() = default;
  virtual void asked(RuleAsked asked) = 0;
};

// The parts with the values that need no row (`with_row` false), or all that memory can tell.
// What only SQL can tell is left open; `open` has the places to fill.
struct OpenPart {
  ExprRef expr;
  std::optional<Value>* value;
};
std::vector<PartAsked> parts_asked(const Expr& rule, const Bindings& bindings, bool with_row);
// Of the parts of `rule` just made: what is still open, with what it is to be made of.
std::vector<OpenPart> open_parts(const Expr& rule, std::vector<PartAsked>& parts);

}  // namespace mettle::rules

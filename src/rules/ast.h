// The checked syntax tree: what check.cc makes of a rule and evaluate.cc and sql.cc walk. Every
// node has its type, operands of an operator are already brought to one type (conversions are
// nodes), and names are resolved, so neither walker decides anything about types again: that is how
// both give the same result.
//
// Immutable once built and shared; any thread. Nothing in it points into the AppModel.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/pattern.h"
#include "base/value.h"
#include "rules/rules.h"

namespace mettle::rules {

enum class Op : uint8_t {
  kLiteral,      // value
  kName,         // name: of the environment, or the variable of an enclosing exists/all
  kColumn,       // args[0] a row; name
  kReference,    // args[0] a row; the row that walk leads to (to one)
  kRelated,      // args[0] a row; the rows that walk leads to: only as the range of exists/all
  kMember,       // args[0] an object, map or json; name
  kElement,      // args[0] a list, map or json; args[1] the index or key
  kList,         // args
  kNot,          // bool
  kAnd,          // two or more
  kOr,           // two or more
  kConditional,  // condition, then, else
  kEqual,        // null-safe
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,  // args[0] in args[1], a list or map
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kRemainder,
  kNegate,
  kHas,         // args[0] an object, map or json has the member `name`
  kIsNull,      // args[0] is null (json null included)
  kExists,      // args[0] a range; name the variable; args[1] the condition
  kAll,         // likewise
  kSize,        // code points, bytes, elements
  kStartsWith,  // args[0] starts with args[1]
  kEndsWith,
  kContains,
  kMatches,     // args[0] text; pattern
  kRound,       // args[0] decimal → decimal of type.scale, half away from zero
  kDiv,         // args[0] / args[1], decimals → decimal of type.scale, half away from zero
  kConvert,     // args[0] → type; what does not fit is unknown
  kCast,        // args[0], json or dyn, is of type (kFloat: an int or float) or null; else unknown
  kRandomCode,  // value: how many letters
  kKnown,       // args[0] is not unknown: true or false (made by sql.cc)
  kStored,      // args[0], a list, as the JSON text that SQL takes apart (made by sql.cc)
};

// One step along a reference, either way: rows of `table` whose `to` is the row's `from`.
struct Walk {
  std::string table;
  std::string from, to;
  std::string tenant;  // the column of `table` that must be the caller's; none: of no tenant
};

class Node {
 public:
  Op op = Op::kLiteral;
  Type type;
  uint32_t offset = 0;  // in the source
  std::vector<NodeRef> args;
  Value value;
  std::string name;
  Walk walk;
  std::shared_ptr<const Pattern> pattern;
};

inline NodeRef share(Node node) {
  return std::make_shared<const Node>(std::move(node));
}
// The name of a kEqual that is true of many rows.
inline constexpr std::string_view kOfMany = "of many";
// Whether a row of the database is looked up below `node`.
bool walks(const Node& node);
// Whether random_code() stands below `node`.
bool draws(const Node& node);
// Same operator, names and values all the way down.
bool same_tree(const Node& a, const Node& b);
// Names read below `node` that it does not bind itself, each once.
void free_names(const Node& node, std::vector<std::string>& out);

}  // namespace mettle::rules

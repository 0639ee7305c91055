// What the operators of rules do to values: the one definition that evaluation, constant folding
// and (through db/sqlite/rule_functions.cc, which calls the same base functions) SQL hold to. Pure;
// any thread. Nothing fails: an error is Unknown.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/value.h"
#include "rules/ast.h"

namespace mettle::rules {

// Null equals null only; ints and floats compare by number; Unknown for other pairs of kinds.
Value equal(const Value& a, const Value& b);
// kLess … kGreaterEqual. Unknown for null and for kinds without an order.
Value ordered(Op op, const Value& a, const Value& b);
// kAdd … kRemainder. Floats that would be infinite or no number, ints and decimals that overflow,
// times outside the years 1 to 9999 and division by zero are Unknown.
Value arithmetic(Op op, const Value& a, const Value& b);
Value negate(const Value& a);
// x in the list (an element of another kind is not equal) or among the keys of the map.
Value contains(const Value& x, const Value& container);

// A json text that holds a scalar becomes that scalar (a number without fraction and exponent an
// int if it fits 64 bits); lists and objects stay json.
Value plain(const Value& dyn);
// The member of a map or of a json object; Unknown if there is none.
Value member(const Value& base, std::string_view key);
Value element(const Value& base, const Value& index);
// Whether a map or json object has the member; Unknown if the base is neither.
Value has_member(const Value& base, std::string_view key);

// Op::kCast and Op::kConvert.
Value cast(const Value& dyn, const Type& to);
Value convert(const Value& from, const Type& to);
// A list as JSON text whose elements are written as SQL stores them: decimals as units at
// element.scale, times as microseconds, uuids and bytes as hex digits. Nulls and elements of other
// kinds, which nothing but null can equal, are left out. Unknown for what is no list.
Value stored_list(const Value& list, const Type& element);

}  // namespace mettle::rules

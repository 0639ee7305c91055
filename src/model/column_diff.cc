#include "model/column_diff.h"

#include <algorithm>
#include <cstdlib>

#include "base/decimal.h"

namespace mettle::model {

using Effect = Change::Effect;
using Kind = Change::Kind;
using Needs = Change::Needs;

std::string definition(const ColumnSchema& column) {
  std::string out;
  if (column.type == Type::kReference) {
    out = "references " + column.references;
  } else {
    out = type_name(column.type);
  }
  if (column.type == Type::kDecimal) {
    out += "(" + std::to_string(column.precision) + "," + std::to_string(column.scale) + ")";
  }
  return out;
}

namespace {

std::string bounds(const ColumnSchema& column) {
  std::vector<std::string> parts;
  if (column.type == Type::kDecimal) parts.push_back(definition(column));
  if (column.min) parts.push_back("min " + *column.min);
  if (column.max) parts.push_back("max " + *column.max);
  if (column.length_min) parts.push_back("min " + std::to_string(*column.length_min));
  if (column.length_max) parts.push_back("max " + std::to_string(*column.length_max));
  if (!column.match.empty()) parts.push_back("match " + column.match);
  if (!column.values.empty()) {
    std::string values = "values [";
    for (size_t i = 0; i < column.values.size(); ++i) {
      values += (i > 0 ? ", " : "") + column.values[i];
    }
    parts.push_back(values + "]");
  }
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out.empty() ? "no bounds" : out;
}

// Negative, zero, positive as a is below, at or above b. Dates and times in wire form sort as text.
int compare_wire(Type type, const std::string& a, const std::string& b) {
  if (type == Type::kInt || type == Type::kDecimal) {
    const auto x = parse_decimal_number(a), y = parse_decimal_number(b);
    if (x && y) {
      const auto order = decimal_compare(*x, *y);
      return order < 0 ? -1 : (order > 0 ? 1 : 0);
    }
  }
  if (type == Type::kInt || type == Type::kDecimal || type == Type::kFloat) {
    const double x = std::strtod(a.c_str(), nullptr), y = std::strtod(b.c_str(), nullptr);
    return x < y ? -1 : (x > y ? 1 : 0);
  }
  const int order = a.compare(b);
  return order < 0 ? -1 : (order > 0 ? 1 : 0);
}

// Whether a bound came or moved inwards. `sign`: 1 for a minimum, -1 for a maximum.
bool tighter(Type type, const std::optional<std::string>& from,
             const std::optional<std::string>& to, int sign) {
  if (!to) return false;
  return !from || sign * compare_wire(type, *to, *from) > 0;
}

bool tighter_length(const std::optional<int64_t>& from, const std::optional<int64_t>& to,
                    int sign) {
  if (!to) return false;
  return !from || (sign > 0 ? *to > *from : *to < *from);
}

bool narrows(const ColumnSchema& from, const ColumnSchema& to) {
  if (tighter(to.type, from.min, to.min, 1) || tighter(to.type, from.max, to.max, -1)) return true;
  if (tighter_length(from.length_min, to.length_min, 1)) return true;
  if (tighter_length(from.length_max, to.length_max, -1)) return true;
  if (!to.match.empty() && to.match != from.match) return true;
  if (to.type == Type::kDecimal &&
      (to.scale < from.scale || to.precision - to.scale < from.precision - from.scale)) {
    return true;
  }
  return std::ranges::any_of(from.values, [&](const std::string& value) {
    return std::ranges::find(to.values, value) == to.values.end();
  });
}

bool same_bounds(const ColumnSchema& a, const ColumnSchema& b) {
  return a.min == b.min && a.max == b.max && a.length_min == b.length_min &&
         a.length_max == b.length_max && a.match == b.match && a.values == b.values &&
         (a.type != Type::kDecimal || (a.precision == b.precision && a.scale == b.scale));
}

// Whether every whole number within the column's bounds has a place in the decimal.
bool whole_numbers_fit(const ColumnSchema& from, const ColumnSchema& to) {
  if (!from.min || !from.max) return false;
  std::string most(static_cast<size_t>(std::max(to.precision - to.scale, 1)), '9');
  if (to.precision == to.scale) most = "0";
  return compare_wire(Type::kInt, *from.max, most) <= 0 &&
         compare_wire(Type::kInt, *from.min, "-" + most) >= 0;
}

class ColumnDiff {
 public:
  ColumnDiff(const std::string& table, const ColumnSchema& from, const ColumnSchema& to, Pos pos,
             std::vector<Change>& out)
      : table_(table), from_(from), to_(to), pos_(pos), out_(out) {}

  void compare(bool dropped) {
    const auto needs = conversion(from_, to_);
    if (!needs && dropped) return replace();
    if (!needs) return refuse();
    const bool same_type = from_.type == to_.type;
    if (!same_type) {
      Change& change = add(Kind::kChangeType, Effect::kRebuild, *needs);
      describe(change, definition(from_), definition(to_));
      change.way_out = "values that do not fit " + definition(to_) +
                       " must be changed first, or --allow-drop " + table_ + "." + from_.name;
    }
    compare_null();
    if (same_type && !same_bounds(from_, to_)) compare_bounds();
    if (from_.default_value != to_.default_value) {
      const bool literal = (from_.default_value && !from_.default_value->starts_with('=')) ||
                           (to_.default_value && !to_.default_value->starts_with('='));
      Change& change = add(Kind::kDefault, literal ? Effect::kRebuild : Effect::kSafe);
      describe(change, "default " + from_.default_value.value_or("none"),
               "default " + to_.default_value.value_or("none"));
    }
    compare_reference();
    compare_unique();
  }

 private:
  Change& add(Kind kind, Effect effect, Needs needs = Needs::kNothing) {
    Change change;
    change.kind = kind;
    change.effect = effect;
    change.needs = needs;
    change.table = table_;
    change.column = to_.name;
    change.pos = pos_;
    return out_.emplace_back(std::move(change));
  }
  void describe(Change& change, std::string from, std::string to) {
    change.message = table_ + "." + to_.name + ": " + from + " → " + to;
    change.from = std::move(from);
    change.to = std::move(to);
  }

  void replace() {
    Change& change = add(Kind::kReplaceColumn, Effect::kRebuild);
    describe(change, definition(from_), definition(to_) + ", empty");
    change.loses_data = true;
    if (!to_.optional && !to_.default_value) change.needs = Needs::kNoRows;
    change.way_out = "optional: true, or a default";
  }

  void refuse() {
    Change& change = add(Kind::kChangeType, Effect::kRefused);
    describe(change, definition(from_), definition(to_));
    change.message += " cannot keep the values";
    change.way_out =
        "give the new column another name and copy what can be kept, or --allow-drop " + table_ +
        "." + from_.name + " to start it empty";
  }

  void compare_null() {
    if (from_.optional == to_.optional) return;
    if (to_.optional) {
      describe(add(Kind::kUnrequire, Effect::kRebuild), "required", "optional");
      return;
    }
    Change& change = add(Kind::kRequire, Effect::kRebuild, Needs::kNoNulls);
    describe(change, "optional", "required");
    change.way_out = "give the rows that lack it a value first";
  }

  void compare_bounds() {
    const bool tight = narrows(from_, to_);
    Change& change =
        add(Kind::kBounds, Effect::kRebuild, tight ? Needs::kFittingValues : Needs::kNothing);
    describe(change, bounds(from_), bounds(to_));
    if (tight) change.way_out = "change the rows that do not fit first";
  }

  void compare_reference() {
    if (from_.type != Type::kReference || to_.type != Type::kReference) return;
    if (from_.references == to_.references && from_.on_delete == to_.on_delete) return;
    const bool target = from_.references != to_.references;
    Change& change =
        add(Kind::kReference, Effect::kRebuild, target ? Needs::kFittingValues : Needs::kNothing);
    const auto action = [](const ColumnSchema& c) {
      const char* name = c.on_delete == OnDelete::kCascade   ? "cascade"
                         : c.on_delete == OnDelete::kSetNull ? "set_null"
                                                             : "restrict";
      return "references " + c.references + ", on_delete " + name;
    };
    describe(change, action(from_), action(to_));
    if (target) change.way_out = "each value must be the id of a row of " + to_.references;
  }

  void compare_unique() {
    if (from_.unique == to_.unique) return;
    const bool on = to_.unique;
    Change& change = add(on ? Kind::kAddUnique : Kind::kDropUnique, Effect::kRebuild,
                         on ? Needs::kUniqueValues : Needs::kNothing);
    change.columns = {to_.name};
    describe(change, on ? "not unique" : "unique", on ? "unique" : "not unique");
    if (on) change.way_out = "change the rows that hold the same value first";
  }

  const std::string& table_;
  const ColumnSchema& from_;
  const ColumnSchema& to_;
  Pos pos_;
  std::vector<Change>& out_;
};

}  // namespace

std::optional<Needs> conversion(const ColumnSchema& from, const ColumnSchema& to) {
  if (from.type == to.type) return Needs::kNothing;  // its bounds are compared apart
  const bool bounded = to.length_min || to.length_max || !to.match.empty();
  switch (to.type) {
    case Type::kText:
      // Everything but bytes has a wire form as text.
      if (from.type == Type::kBytes || from.type == Type::kReference) return std::nullopt;
      return bounded ? Needs::kFittingValues : Needs::kNothing;
    case Type::kDecimal:
      if (from.type != Type::kInt) return std::nullopt;
      return whole_numbers_fit(from, to) && !to.min && !to.max ? Needs::kNothing
                                                               : Needs::kFittingValues;
    case Type::kFloat:
      if (from.type != Type::kInt) return std::nullopt;
      return Needs::kFittingValues;  // above 2^53 not every whole number is a float
    case Type::kEnum:
      if (from.type != Type::kText) return std::nullopt;
      return Needs::kFittingValues;
    case Type::kUuid:
      if (from.type != Type::kReference) return std::nullopt;
      return Needs::kFittingValues;  // unless its target had numbers for ids
    case Type::kReference:
      if (from.type != Type::kUuid && from.type != Type::kInt) return std::nullopt;
      return Needs::kFittingValues;
    default:
      return std::nullopt;
  }
}

void diff_column(const std::string& table, const ColumnSchema& from, const ColumnSchema& to,
                 bool dropped, Pos pos, std::vector<Change>& out) {
  ColumnDiff(table, from, to, pos, out).compare(dropped);
}

Change add_column(const std::string& table, const ColumnSchema& column, Pos pos) {
  Change change;
  change.kind = Kind::kAddColumn;
  change.table = table;
  change.column = column.name;
  change.to = definition(column);
  change.pos = pos;
  change.message = table + "." + column.name + ": new, " + definition(column);
  const bool literal = column.default_value && !column.default_value->starts_with('=');
  if (!column.optional && !literal) {
    change.needs = Needs::kNoRows;
    change.way_out = column.default_value == "=auth.tenant"
                         ? "`optional: true` beside `tenant: none` until each row has a value"
                         : "a literal `default`, or `optional: true` until each row has a value";
  } else if (column.unique && literal) {
    change.needs = Needs::kUniqueValues;
    change.columns = {column.name};
    change.way_out = "`optional: true` instead of a default that all rows would share";
  }
  return change;
}

}  // namespace mettle::model

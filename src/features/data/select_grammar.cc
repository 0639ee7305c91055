#include "features/data/select_grammar.h"

#include "base/limits.h"
#include "features/data/filter_grammar.h"

namespace mettle::data {

using records::Aggregate;
using records::Order;
using records::Select;
using records::SelectItem;

namespace {

Aggregate aggregate_of(std::string_view name) {
  if (name == "count") return Aggregate::kCount;
  if (name == "sum") return Aggregate::kSum;
  if (name == "avg") return Aggregate::kAvg;
  if (name == "min") return Aggregate::kMin;
  if (name == "max") return Aggregate::kMax;
  return Aggregate::kNone;
}

Result<Select> select_list(Scanner& in, int depth);

// What stands between parentheses of a relation.
Result<> relation(Scanner& in, SelectItem& item, int depth) {
  item.relation = item.path.column;
  item.path = {};
  item.child = std::make_unique<Select>();
  if (in.take(')')) {
    item.child->all = false;
    return {};
  }
  TRY(*item.child, select_list(in, depth + 1));
  if (!in.take(')')) return in.expected("`,` or `)`");
  return {};
}

Result<SelectItem> select_item(Scanner& in, int depth) {
  SelectItem item;
  if (in.take('*')) {
    item.path.column = "*";
    return item;
  }
  TRY(item.path, parse_path(in));
  if (item.path.keys.empty() && in.take(':')) {
    item.alias = item.path.column;
    TRY(item.path, parse_path(in));
  }
  if (in.take("::")) return in.wrong("select: casts (`::`) are not offered; convert in the client");
  if (in.take("!inner")) {
    item.inner = true;
  } else if (in.take("!left")) {
    item.inner = false;
  }
  if (in.take('.')) {
    const std::string_view name = in.name();
    item.aggregate = aggregate_of(name);
    if (item.aggregate == Aggregate::kNone || !in.take("()")) {
      return in.expected("count(), sum(), avg(), min() or max() behind the point");
    }
    return item;
  }
  if (item.path.column == "count" && item.path.keys.empty() && in.take("()")) {
    item.aggregate = Aggregate::kCount;
    item.path = {};
    return item;
  }
  if (in.take('(')) {
    TRY_VOID(relation(in, item, depth));
  } else if (item.inner) {
    return in.expected("`(` of the relation's columns");
  }
  return item;
}

Result<Select> select_list(Scanner& in, int depth) {
  Select select;
  select.all = false;
  if (depth > static_cast<int>(limits::kSelectDepth)) {
    return in.wrong(fmt::format("select embeds deeper than {}", limits::kSelectDepth),
                    Code::kQueryTooComplex);
  }
  while (true) {
    TRY(SelectItem item, select_item(in, depth));
    select.items.push_back(std::move(item));
    if (select.items.size() > limits::kSelectColumns) {
      return in.wrong(fmt::format("select names more than {} items", limits::kSelectColumns),
                      Code::kQueryTooComplex);
    }
    if (!in.take(',')) break;
  }
  // `*` alone is what one gets without select, ETag of the row included.
  if (select.items.size() == 1 && select.items[0].path.column == "*") {
    select.items.clear();
    select.all = true;
  }
  return select;
}

}  // namespace

Result<Select> parse_select(std::string_view text) {
  std::string compact;
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (quoted || (c != ' ' && c != '\n' && c != '\t' && c != '\r')) compact += c;
  }
  Scanner in(compact, "select");
  TRY(Select select, select_list(in, 0));
  if (!in.at_end()) return in.expected("`,` or the end");
  return select;
}

Result<std::vector<Order>> parse_order(std::string_view parameter, std::string_view text,
                                       int keys_max) {
  Scanner in(text, parameter);
  std::vector<Order> made;
  while (true) {
    Order order;
    TRY(order.path, parse_path(in));
    while (in.take('.')) {
      const std::string_view word = in.name();
      if (word == "asc") {
        order.descending = false;
      } else if (word == "desc") {
        order.descending = true;
      } else if (word == "nullsfirst") {
        order.nulls = Order::Nulls::kFirst;
      } else if (word == "nullslast") {
        order.nulls = Order::Nulls::kLast;
      } else {
        return in.wrong(
            fmt::format("`{}`: behind a column stand asc, desc, nullsfirst or nullslast, not `{}`",
                        parameter, word));
      }
    }
    made.push_back(std::move(order));
    if (static_cast<int>(made.size()) > keys_max) {
      return in.wrong(fmt::format("`{}` names more than {} columns", parameter, keys_max),
                      Code::kQueryTooComplex);
    }
    if (in.take(',')) continue;
    if (in.at_end()) return made;
    return in.expected("`,` or the end");
  }
}

}  // namespace mettle::data

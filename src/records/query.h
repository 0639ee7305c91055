// Query: what a read asks for, before access rules and SQL: the select tree, filters, order, page.
// Made by the URL grammar (features/data), by steps, and by later readers (GraphQL, realtime);
// turned into one statement by the door. Values are text as they came, converted by the column's
// type in the door, which reports what does not fit by the `parameter` it came from.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/value.h"

namespace mettle::records {

// A column, or a path into a json column: meta->a->>b.
struct Path {
  struct Key {
    std::string name;              // object member
    std::optional<int64_t> index;  // array element, instead
  };
  std::string column;
  std::vector<Key> keys;
  bool as_text = false;  // ends with ->>
};

enum class Op : uint8_t { kEq, kNeq, kGt, kGte, kLt, kLte, kLike, kIlike, kMatch, kIn, kIs };
enum class Aggregate : uint8_t { kNone, kCount, kSum, kAvg, kMin, kMax };

struct Filter {
  enum class Form : uint8_t { kCompare, kAnd, kOr };
  Form form = Form::kAnd;
  bool negated = false;
  // kCompare
  Path path;
  Op op = Op::kEq;
  std::vector<std::string> operands;  // one; any number for kIn; "null|true|false|unknown" for kIs
  std::string parameter;              // the query parameter it came from, for messages
  // Its one operand is the request's text of this number, and the next request of the same form
  // may have another one there (known_list.h); -1: it is as fixed as the rest.
  int text = -1;
  // kAnd, kOr
  std::vector<Filter> children;
};

struct Order {
  enum class Nulls : uint8_t { kDefault, kFirst, kLast };
  Path path;
  bool descending = false;
  Nulls nulls = Nulls::kDefault;  // ascending puts nulls last, descending first
};

struct Select;

struct SelectItem {
  std::string alias;  // empty: the column's or relation's own name
  // A column (or json path, or an aggregate over it; `count()` has an empty column) …
  Path path;
  Aggregate aggregate = Aggregate::kNone;
  // … or an embedded relation.
  std::string relation;
  bool inner = false;
  std::unique_ptr<Select> child;
};

struct Select {
  bool all = true;  // `*` or nothing said: every readable column
  std::vector<SelectItem> items;
  // Of an embedded relation; the top level's stand in Query.
  Filter filter;
  std::vector<Order> order;
  std::optional<int64_t> limit, offset;
};

enum class Count : uint8_t { kNone, kExact };

struct Query {
  int table = -1;
  Select select;
  Filter filter;
  std::vector<Order> order;
  int64_t limit = 20;
  int64_t offset = 0;
  std::string cursor;  // as it came; empty for the first page
  Count count = Count::kNone;
  bool own = false;  // Door::own alone: the table's read rule has no say
};

}  // namespace mettle::records

// Known lists: what resolving the query of a list gave, for the next request of the same form. That
// one differs in the texts which its filters compare with (Filter::text says which) and in its
// cursor, and in nothing else; so names, rules and plan need no second look, only the texts are
// converted. What the rules said of the caller is part of it and is asked again each time: a caller
// of whom they say something else gets nothing from here.
//
// A KnownList is immutable, of one catalogue, and any thread may use it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "records/cursor.h"
#include "records/plan.h"

namespace mettle::records {

struct KnownList {
  Learned learned;
  // Of the form, without a cursor: the key of its plan, and every operand; those of `learned.texts`
  // are the ones of the request it was learned from.
  std::string shape_key;
  std::vector<Value> operands;
  CursorShape cursor_shape;
  std::vector<db::ColumnKind> keys;  // of the order
  int64_t limit = 0;
  bool count = false;
  std::shared_ptr<const Plan> plan;  // of the first page
};

// A list ready to be read: a statement and its values.
struct ListRead {
  std::shared_ptr<const Plan> plan;
  std::vector<Value> values, count_values;
  CursorShape cursor_shape;
  int64_t limit = 0;
  bool count = false;
};

}  // namespace mettle::records

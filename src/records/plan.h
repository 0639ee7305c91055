// Plan: a resolved query as one SQL statement, whatever it embeds, with the shape that renders its
// rows. Made once a shape (Resolved::shape_key) and shared; the operands and the rules' parameters
// are bound per execution.
//
// Embedding (docs/decisions/0003): a related row or rows are a scalar subquery in the parent's
// column list, whose columns pass through mt_row / mt_rows, SQL functions of ours that render them
// as JSON with a Shape of their own. So a statement at any depth stays one statement, each parent's
// limit runs down the child's index, and nothing is merged afterwards.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "records/resolve.h"
#include "records/shape.h"

namespace mettle::records {

// What one parameter of the statement is bound to.
struct PlanParam {
  int operand = -1;     // index into Resolved::operands …
  rules::ExprRef rule;  // … or evaluated with the caller's bindings
};

struct Plan {
  db::StatementRef statement;
  std::vector<PlanParam> params;
  std::shared_ptr<const Shape> shape;
  // The sort keys (list), or version and created_at (one): result columns of the shape where it
  // has them, others after it.
  struct Key {
    int column = 0;
    db::ColumnKind kind;
  };
  std::vector<Key> keys;
  // How long a row of a page became at most, so that the next page's memory is asked for once. Any
  // thread; it rarely changes.
  mutable std::atomic<uint32_t> row_bytes{128};
  // count=exact
  db::StatementRef count;
  std::vector<PlanParam> count_params;
};

std::shared_ptr<const Plan> make_plan(const Catalog& catalog, const Resolved& resolved,
                                      const QueryLimits& limits);

// The WHERE of a filter by the caller, with the table's read rule, over alias t0; for changes by
// filter.
struct Condition {
  std::string sql;
  std::vector<PlanParam> params;
};
Condition make_condition(const Catalog& catalog, const Resolved& resolved);

// The values to bind: operands and rules in the order of the parameters.
std::vector<Value> bind_params(const std::vector<PlanParam>& params,
                               const std::vector<Value>& operands, const rules::Bindings& bindings);

}  // namespace mettle::records

// Resolve: a Query's names and texts become columns, relations and values, after asking the rules
// what this caller may see at all. What depends on the query's form alone goes into `shape_key`;
// two queries with the same key share one plan (plan.h) and differ only in their operands.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "records/catalog.h"
#include "records/query.h"

namespace mettle::records {

struct ResolvedPath {
  int column = -1;
  int json_operand = -1;  // operand holding the path into a json column; -1: the column itself
  bool as_text = false;
  bool nullable = false;
  db::ColumnKind kind;  // of the value the path gives
};

struct ResolvedFilter {
  // How a path into json is compared: as text, or as a number.
  enum class Json : uint8_t { kNone, kText, kNumber };
  Filter::Form form = Filter::Form::kAnd;
  bool negated = false;
  ResolvedPath path;
  Json json = Json::kNone;
  Op op = Op::kEq;
  std::string is;    // of kIs: null, true, false, unknown
  int operand = -1;  // the first
  int operands = 0;
  std::vector<ResolvedFilter> children;

  bool empty() const { return form != Filter::Form::kCompare && children.empty(); }
};

struct ResolvedOrder {
  ResolvedPath path;
  bool descending = false;
  bool nulls_first = false;
};

struct ResolvedSelect;

struct ResolvedItem {
  std::string key;  // `"price":`
  ResolvedPath path;
  Aggregate aggregate = Aggregate::kNone;
  rules::ExprRef guard;  // column rule that depends on the row
  const model::Relation* relation = nullptr;
  bool inner = false;
  std::unique_ptr<ResolvedSelect> child;
};

struct ResolvedSelect {
  int table = -1;
  rules::ExprRef rule;   // what is left of the read rule for this caller; none: all rows
  bool grouped = false;  // has aggregates
  std::vector<ResolvedItem> items;
  ResolvedFilter filter;
  std::vector<ResolvedOrder> order;
  int limit_operand = -1;
  int offset_operand = -1;
  bool bounded = false;  // the caller said limit or offset
};

struct Resolved {
  ResolvedSelect top;
  std::string shape_key;
  std::vector<Value> operands;
  bool by_key = false;  // one row: operands 0.. are the key's values
  bool count = false;
  int64_t limit = 0;
  std::vector<std::optional<Value>>
      after;               // cursor: the last row's sort keys; empty for the first page
  int after_operand = -1;  // the first
};

// What a later query of the same form need not ask again, or must (known_list.h).
struct Learned {
  // What a rule that is not the same for everybody said of the caller.
  struct Asked {
    const Rule* rule = nullptr;
    Grant grant = Grant::kNever;
    std::string outcomes;
    bool operator==(const Asked&) const = default;
  };
  std::vector<Asked> asked;
  // Where the request's texts went (Filter::text), and of which shape they are.
  struct Text {
    int text = 0;
    int operand = 0;
    const ShapeInfo* shape = nullptr;
  };
  std::vector<Text> texts;
};

struct QueryLimits {
  int64_t limit_max = limits::kListLimitMax;
  int filter_depth_max = limits::kFilterDepth;
  int filter_terms_max = limits::kFilterConditions;
  int select_depth_max = limits::kSelectDepth;
  int select_items_max = limits::kSelectColumns;
  int select_embeds_max = limits::kSelectEmbeds;
  int in_values_max = limits::kFilterInValues;
  int operands_max = 30'000;  // of one statement, below the 32,766 that SQLite takes
  int64_t count_max = limits::kCountBound;
  int64_t embed_limit = 1000;  // rows of an embedded relation a parent, unless less is asked
};

class Resolver {
 public:
  enum class Want : uint8_t {
    kAll,
    kShape,  // the key and the operands, for a plan that is known: `items` may be left empty
  };
  Resolver(const Catalog& catalog, const Principal& who, const rules::Bindings& bindings,
           const QueryLimits& limits, Want want = Want::kAll, Learned* learned = nullptr)
      : catalog_(catalog),
        who_(who),
        bindings_(bindings),
        limits_(limits),
        want_(want),
        learned_(learned) {}

  // Errors: kForbidden/kUnauthenticated (a rule refuses whatever the row is), kInvalidParameter
  // (unknown names, with the nearest; values that do not fit), kQueryTooComplex naming the limit.
  Result<Resolved> list(const Query& query);
  Result<Resolved> one(int table, std::vector<Value> key, const Select& select);
  // A filter alone, over `table`: for PATCH and DELETE by filter; with the read rule or, for the
  // app's own work, within the caller's tenant.
  Result<Resolved> matching(int table, const Filter& filter, bool under_rule);

 private:
  Result<> select(const Select& in, int table, int depth, ResolvedSelect& out);
  // `only`: nothing else is selected.
  Result<> everything(const TableInfo& table, bool only, ResolvedSelect& out);
  Result<> item(const SelectItem& in, const TableInfo& table, int depth, ResolvedSelect& out);
  Result<> may_follow(const model::Relation& relation);
  Result<> relation(const SelectItem& in, const TableInfo& table, int depth, ResolvedItem& out);
  Result<> aggregate(const SelectItem& in, const TableInfo& table, ResolvedItem& out);
  Result<> filter(const Filter& in, const TableInfo& table, int depth, ResolvedFilter& out);
  Result<> compare(const Filter& in, const TableInfo& table, ResolvedFilter& out);
  Result<> order(const std::vector<Order>& in, const TableInfo& table, ResolvedSelect& out);
  Result<> order_of_groups(ResolvedSelect& out);
  Result<ResolvedPath> path(const Path& in, const TableInfo& table, std::string_view parameter,
                            bool must_be_open);
  Result<> may_read(const TableInfo& table, ResolvedSelect& out);
  // Each rule is asked here: what one caller's answers rest on is known by it.
  Judged ask(const Rule& rule);
  Grant judged(const Rule& rule, rules::ExprRef& left);
  Result<> grouped(const ResolvedSelect& in, int depth);
  Result<> add(ResolvedItem item, std::string_view name, ResolvedSelect& out);
  Result<> operands(const Filter& in, const ColumnInfo& column, ResolvedFilter& out);
  int operand(Value value);
  void key(std::string_view text) { resolved_.shape_key += text; }
  void key(int64_t number);

  const Catalog& catalog_;
  const Principal& who_;
  const rules::Bindings& bindings_;
  const QueryLimits& limits_;
  const Want want_;
  Learned* const learned_;
  Resolved resolved_;
  int terms_ = 0;
  int items_ = 0;
  int embeds_ = 0;
  bool own_ = false;
};

}  // namespace mettle::records

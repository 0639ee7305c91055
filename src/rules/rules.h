// Rules: the subset of CEL that conditions and `=` values are written in. parse → check against an
// Environment → an Expr that can be evaluated in memory or turned into SQL, with the same result
// (DESIGN.md "Expressions").
//
// Logic is Kleene's: an error is Unknown, only true allows. An Expr is immutable; any thread may
// use it. Compiling costs tens of microseconds and happens when the app is loaded or a query shape
// is first seen, never per row.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/seams.h"
#include "base/value.h"
#include "db/dialect.h"
#include "model/app_model.h"
#include "model/source.h"
#include "rules/types.h"

namespace mettle::rules {

// The names an expression may use, with their types.
class Environment {
 public:
  explicit Environment(const model::AppModel& app) : app_(&app) {}
  const model::AppModel& app() const { return *app_; }
  // Adds or replaces.
  void declare(std::string name, Type type);
  const Type* find(std::string_view name) const;
  std::vector<std::string> names() const;
  // `auth`, `now` and `request`, which are always there.
  static Environment base(const model::AppModel& app);

 private:
  const model::AppModel* app_;
  std::map<std::string, Type, std::less<>> names_;
};

class RuleWatch;

// What the names are worth at evaluation. A row is a Map of column name → Value (logical names); a
// member that is missing is Unknown.
class Bindings {
 public:
  void bind(std::string name, Value value);
  // Made when it is first asked for, if it ever is. What `make` refers to must outlive the bindings
  // and their copies.
  void bind_lazily(std::string name, std::function<Value()> make);
  const Value* find(std::string_view name) const;
  // Where random_code() draws from; without it the function is Unknown.
  void set_random(Random* random) { random_ = random; }
  Random* random() const { return random_; }
  // Who is told of each access rule that is asked with these (records/watch.h); mostly nobody.
  void set_watch(RuleWatch* watch) { watch_ = watch; }
  RuleWatch* watch() const { return watch_; }

 private:
  Random* random_ = nullptr;
  RuleWatch* watch_ = nullptr;
  struct Name {
    std::string name;
    Value value;
    std::function<Value()> make;  // none: `value` is there
  };
  // Few: the first ones in place, since each request binds these.
  static constexpr size_t kInPlace = 3;
  Name& at(size_t index) const { return index < kInPlace ? few_[index] : more_[index - kInPlace]; }
  Name& slot(std::string name);
  mutable std::array<Name, kInPlace> few_;
  mutable std::vector<Name> more_;
  size_t count_ = 0;
};

class Node;  // the checked syntax tree (rules/ast.h)
using NodeRef = std::shared_ptr<const Node>;

class Expr {
 public:
  // REQUIRES: root is a checked tree.
  explicit Expr(NodeRef root, model::Source source = {});

  const Type& type() const;
  const model::Source& source() const { return source_; }
  // Names of the environment that the expression reads ("row", "auth", ...).
  const std::vector<std::string>& uses() const { return uses_; }
  bool uses_name(std::string_view name) const;
  // Reads related rows (member access along references, exists/all over relations): only SQL can
  // tell.
  bool needs_sql() const { return needs_sql_; }
  // Has another value each time: names random_code().
  bool random() const { return random_; }
  // The value if it is the same whatever the bindings are.
  std::optional<Value> constant() const;
  const Node& root() const { return *root_; }
  const NodeRef& root_ref() const { return root_; }

 private:
  NodeRef root_;
  model::Source source_;
  std::vector<std::string> uses_;
  bool needs_sql_ = false;
  bool random_ = false;
};
using ExprRef = std::shared_ptr<const Expr>;

// Parses and type-checks. Faults go to `faults` at the position inside the source; nullptr then.
// `want` is the type the result must have (kDyn: any). A condition (want kBool) that can only be
// true or only false without being written so is a warning.
ExprRef compile(const model::Source& source, const Environment& environment, const Type& want,
                std::string_view path, model::Faults& faults);

// The same condition, which is true of many rows: an index is chosen by the others first.
ExprRef true_of_many(const ExprRef& equality);
// True where each part is, of one condition or more; `source` is what it is said to come from.
ExprRef all_of(const std::vector<ExprRef>& parts, model::Source source);

// The columns of the row `name` that the rule reads, in order of appearance, each once: named
// outright, followed as a reference, or matched by a relation.
std::vector<std::string> columns_read(const Expr& expr, std::string_view name);
// Reads no row, neither `row` nor `new` nor a related one: decided by the caller alone, before the
// body is read.
bool independent_of_rows(const Expr& expr);

// The parts of a condition that the caller alone decides and that stand beside parts that rows
// decide: `'clerk' in auth.roles` of `row.user_id == auth.id || 'clerk' in auth.roles`. A statement
// that keeps them as parameters cannot use an index; so evaluate() each, and make one statement for
// each outcome that occurs of the rule that resolve() leaves.
std::vector<ExprRef> switches(const Expr& expr);
// `outcomes[i]` is the value of switches(expr)[i]. What is then decided is folded.
ExprRef resolve(const Expr& expr, const std::vector<Value>& outcomes);

// In memory. REQUIRES: !expr.needs_sql(). Never fails: errors are Unknown, and so is what would
// cost more than about a million steps (elements visited, kilobytes searched).
Value evaluate(const Expr& expr, const Bindings& bindings);

// A name of the environment that is a row of the statement: its columns are written as
// alias.column. Aliases that begin with "mt_" are taken.
struct SqlRow {
  std::string name;  // "row"
  int table = -1;
  std::string alias;  // "t0"
};

// SQL text with the values to bind. Subexpressions that read no SqlRow and no relation become one
// parameter each, whose value is evaluated per execution: so the text depends on the rule alone and
// the statement is prepared once.
struct SqlExpr {
  std::string sql;  // parameters stand as \x01n\x01 (n: index into `parameters`); see number()
  std::vector<ExprRef>
      parameters;  // evaluate() each with the request's bindings; Unknown binds as NULL
};

enum class SqlContext : uint8_t {
  kCondition,  // only "is it true" counts (a WHERE): NULL may stand for false, indexes are used
  kValue,      // the exact three-valued result is wanted
};

// Fails with kInvalidApp where SQL cannot say it: exists/all over a list of the input whose
// condition reads the statement's rows, `in` over a json column; with kQueryTooComplex beyond 64
// KiB of SQL.
Result<SqlExpr> to_sql(const Expr& expr, const std::vector<SqlRow>& rows,
                       const db::Dialect& dialect, SqlContext context);

// Replaces the parameter marks by the dialect's, numbered from `first`; the i-th parameter gets
// first + i.
std::string number(const SqlExpr& expr, const db::Dialect& dialect, int first);

}  // namespace mettle::rules

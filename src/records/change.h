// Changes: what a Mutation does to rows, inside its transaction. Each operation applies the
// caller's rules (or, for the app's own steps, none), validates, writes, and gives the rows as they
// now are. The single place that writes app tables.
//
// Runs on the writer (SQLite) or on the core that holds the transaction's connection; one
// WriteScope, one coroutine at a time.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/id.h"
#include "base/json_read.h"
#include "db/db.h"
#include "records/answer.h"
#include "records/catalog.h"
#include "records/query.h"
#include "records/resolve.h"

namespace mettle::records {

struct Plan;
struct PlanParam;
struct Shape;

enum class Authority : uint8_t {
  kCaller,    // the table's rules hold
  kApp,       // steps of commands and routes, in the caller's tenant: their `access` has decided
  kOperator,  // beside all rules and tenants: loads, sign-in
};

// Values for some of a table's columns, by column index.
struct RowInput {
  std::vector<std::optional<Value>> values;
  explicit RowInput(const TableInfo& table) : values(table.columns.size()) {}
};

// A whole row as it stands in the database, by column index.
struct StoredRow {
  std::vector<Value> values;
  const Value& operator[](int column) const { return values[static_cast<size_t>(column)]; }
};

enum class RowMode : uint8_t { kCreate, kReplace, kPatch };

// A JSON object as input for a row: types, constraints, unknown members (all reported at once into
// `faults`, up to kFaultsMax); for kCreate and kReplace also what is required and absent. Members
// that the caller may not write, whatever the row is, are a kForbidden naming them (kReplace keeps
// them for the transaction, where an unchanged value passes; kApp may write them).
Result<RowInput> read_row(const Catalog& catalog, const TableInfo& table, const JsonNode& body,
                          RowMode mode, const rules::Bindings& bindings, const std::string& pointer,
                          std::vector<Fault>& faults, Authority authority = Authority::kCaller);

// Ids for the rows made by all writers of a process; ascending.
class SharedIds {
 public:
  explicit SharedIds(Seams& seams) : ids_(seams), random_(*seams.random) {}
  Uuid next() {
    const std::lock_guard lock(mutex_);
    return ids_.next();
  }
  Random& random() const { return random_; }

 private:
  std::mutex mutex_;
  IdGenerator ids_;
  Random& random_;
};

// Rows that are inserted one after another (WriteScope::insertion): what they share is made once.
struct Insertion {
  const TableInfo* table = nullptr;
  db::StatementRef statement;
  StoredRow row;  // the latest; its memory serves the next
};

// How rows of a table are shown to the scope's caller: made once, used for any number of rows.
struct Representation {
  const TableInfo* table = nullptr;
  bool refused = false;  // the read rule refuses every row
  Resolved resolved;
  std::shared_ptr<const Shape> in_memory;  // rows are rendered as they were written …
  std::shared_ptr<const Plan> plan;        // … or read back
};

class WriteScope {
 public:
  WriteScope(const Catalog& catalog, db::WriteTx& tx, const Principal& who, SharedIds& ids,
             Timestamp now, const QueryLimits& limits);

  const Catalog& catalog() const { return catalog_; }
  db::WriteTx& tx() const { return tx_; }
  const Principal& who() const { return who_; }
  Timestamp now() const { return now_; }
  const rules::Bindings& bindings() const { return bindings_; }
  const QueryLimits& limits() const { return limits_; }

  // Tells who watches the bindings, which hold the row, what the rule and its parts come to.
  Task<Result<>> tell(const Rule& rule, const rules::Bindings& bindings, std::string_view moment);
  // The value of any expression, looked up in the database where it walks to related rows.
  Task<Result<Value>> evaluate(const rules::ExprRef& expr, const rules::Bindings& bindings);

  // `pointer` is where the row's input stands, for faults ("" or "/3").
  Task<Result<StoredRow>> insert(const TableInfo& table, RowInput input, Authority authority,
                                 std::string pointer);
  // The same for many rows by the app itself. Takes the values out of `input`.
  Insertion insertion(const TableInfo& table) const;
  Task<Result<>> insert(Insertion& rows, RowInput& input);
  // The row with that key, if there is one that the authority may see.
  Task<Result<std::optional<StoredRow>>> find(const TableInfo& table,
                                              const std::vector<int>& columns,
                                              std::vector<Value> values, Authority authority);
  // Rows that a caller's filter selects among those readable; kTooManyRows above `rows_max`.
  Task<Result<std::vector<StoredRow>>> matching(const TableInfo& table, const Filter& filter,
                                                int64_t rows_max, Authority authority);
  // Rows for which `where` is true (`row` in it is the row, other names from `bindings`), in order
  // of the id.
  Task<Result<std::vector<StoredRow>>> where(const TableInfo& table, const rules::ExprRef& where,
                                             const rules::Bindings& bindings, int64_t rows_max);
  // Gives the row as it is afterwards (version and updated_at move on, also when no value differs).
  Task<Result<StoredRow>> update(const TableInfo& table, const StoredRow& before,
                                 const RowInput& changes, Authority authority, std::string pointer);
  Task<Result<>> remove(const TableInfo& table, const StoredRow& row, Authority authority);

  // What the caller may see of rows just written: JSON, or nullopt where the read rule refuses one.
  // Errors are Resolver::one's; a refused read is one only where `select` asks by name.
  Result<Representation> representation(const TableInfo& table, const Select& select) const;
  Task<Result<std::optional<std::string>>> represent(const Representation& how,
                                                     const StoredRow& row);
  // The row (of as_value()) that a command or route hands out, by the rules of its columns alone.
  Task<Result<std::string>> shown(const TableInfo& table, const Value& row);
  // Whether the column's rule lets the caller make of the row before (none: a new one) that after.
  Task<Result<bool>> may_write(const TableInfo& table, const ColumnInfo& column,
                               const StoredRow* before, const StoredRow& after);
  // The row as rules know it: every column but the hidden ones.
  Value as_value(const TableInfo& table, const StoredRow& row) const;

 private:
  struct RowQuery;    // a prepared SELECT of whole rows (find.cc)
  struct Question;    // a prepared expression (change.cc)
  struct Difference;  // what an update changes (change.cc)

  Task<Result<>> forget_predecessor(const TableInfo& table, const RowInput& input);
  Task<Result<>> allowed(const Rule& rule, const TableInfo& table, const StoredRow* before,
                         const StoredRow* after, std::string_view action);
  Task<Result<>> columns_allowed(const TableInfo& table, const RowInput& input,
                                 const StoredRow* before, const StoredRow& after,
                                 const std::string& pointer);
  Task<Result<bool>> may_read(const TableInfo& table, const ColumnInfo& column,
                              const StoredRow& row);
  Task<Result<>> checks_hold(const TableInfo& table, const StoredRow& row,
                             const std::string& pointer);
  // Makes the whole row: what was sent (moved out of `input`), defaults, what the server sets.
  Task<Result<>> complete(const TableInfo& table, RowInput& input, const std::string& pointer,
                          StoredRow& row);
  // Goes on after an INSERT that gave `done`: again with other random values where one was taken.
  Task<Result<int64_t>> insert_anew(const TableInfo& table, const db::StatementRef& statement,
                                    const RowInput& input, StoredRow& row, db::RowSink* number,
                                    Result<int64_t> done);
  Task<Result<bool>> made_anew(const TableInfo& table, const RowInput& input, const Error& error,
                               StoredRow& row);
  db::StatementRef insert_statement(const TableInfo& table) const;
  db::StatementRef update_statement(const TableInfo& table, const Difference& change) const;
  // `after` is the row with the changes.
  Result<Difference> difference(const TableInfo& table, const StoredRow& before,
                                const RowInput& changes, StoredRow& after,
                                const std::string& pointer) const;
  std::string rule_condition(const TableInfo& table, const rules::ExprRef& rule,
                             std::vector<PlanParam>& params) const;
  std::shared_ptr<const RowQuery> row_query(const TableInfo& table, std::string condition,
                                            std::vector<PlanParam> params,
                                            rules::ExprRef keeps) const;
  Task<Result<std::vector<StoredRow>>> rows_of(const TableInfo& table, const RowQuery& query,
                                               const std::vector<Value>& operands,
                                               const rules::Bindings& bindings, int64_t rows_max);
  rules::Bindings row_bindings(const TableInfo& table, const StoredRow* before,
                               const StoredRow* after) const;

  const Catalog& catalog_;
  db::WriteTx& tx_;
  const Principal& who_;
  SharedIds& ids_;
  const Timestamp now_;
  const QueryLimits& limits_;
  rules::Bindings bindings_;
};

// A change that commits as one. run() may be called again from the start: it keeps nothing from the
// call before.
class Mutation {
 public:
  virtual ~Mutation() = default;
  virtual Task<Result<Answer>> run(WriteScope& scope) = 0;
};

}  // namespace mettle::records

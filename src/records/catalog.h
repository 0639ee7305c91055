// Catalogue: the app's tables compiled for the door: rules as expressions, columns with their wire
// keys and storage kinds, and the statements that every request of a table uses. Immutable but for
// its cache of statements by shape, which is bounded and locked; shared by all cores and the
// writer.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "db/db.h"
#include "db/dialect.h"
#include "model/app_model.h"
#include "records/codec.h"
#include "records/principal.h"
#include "rules/prejudge.h"
#include "rules/rules.h"

namespace mettle::records {

// An access rule, compiled. Absent in the file: nobody (or the owner).
struct Rule {
  rules::ExprRef expr;     // nullptr: never
  bool reads_row = false;  // names `row` or `new`: cannot be told before the row is known
  bool names_new = false;  // says itself how before and after may differ
  std::shared_ptr<const rules::Prejudge> prejudge;
  std::vector<rules::ExprRef> switches;  // parts the caller alone decides: rules::switches()

  bool always() const;  // the literal true
};

// What a rule says before any row is looked at.
enum class Grant : uint8_t {
  kNever,    // false (or unknown) whatever the row is
  kAlways,   // true whatever the row is
  kDepends,  // on the row
};

// The same with what is left to ask of rows.
struct Judged {
  Grant grant = Grant::kNever;
  rules::ExprRef left;   // kDepends: the rule without the parts that this caller decides
  std::string outcomes;  // of those parts: tells apart the statements made of `left`
};

struct ColumnInfo {
  const model::Column* column = nullptr;
  int index = 0;
  ShapeInfo shape;
  std::string json_key;             // `"price":`
  std::string sql_name;             // quoted
  std::optional<Rule> read, write;  // absent: as the table

  const std::string& name() const { return column->name; }
};

struct CheckInfo {
  rules::ExprRef expr;
  std::string message;
};

struct TableInfo {
  int index = 0;
  const model::Table* table = nullptr;
  std::vector<ColumnInfo> columns;
  Rule read, create, update, delete_;
  std::vector<CheckInfo> checks;
  std::string sql_name;  // quoted, qualified
  std::vector<int> key;  // columns that address a row: the natural key, or {0} for the id
  bool has_row_dependent_columns = false;
  rules::ExprRef in_tenant;  // `row.org_id == auth.tenant`; nullptr: its rows belong to no tenant

  int find(std::string_view column) const { return table->find_column(column); }
  int tenant() const { return table->tenant; }  // the column; -1: none
};

class Catalog {
 public:
  // Compiles every rule of the model. A rule that does not compile is a fault and refuses
  // everybody, so that the other parts of the app can be checked too; do not serve with faults.
  static std::shared_ptr<const Catalog> compile(std::shared_ptr<const model::AppModel> model,
                                                const db::Dialect& dialect, model::Faults& faults,
                                                std::span<const std::string> leavings = {});

  const model::AppModel& model() const { return *model_; }
  const std::shared_ptr<const model::AppModel>& model_ref() const { return model_; }
  const db::Dialect& dialect() const { return *dialect_; }
  const TableInfo& table(int index) const { return tables_[static_cast<size_t>(index)]; }
  const std::vector<TableInfo>& tables() const { return tables_; }

  // Statements that take away what other tables keep of a person, ?1 being the id: of the features'
  // own tables, which no reference leads to.
  const std::vector<db::StatementRef>& leavings() const { return leavings_; }

  // What `rule` says of the caller before any row is known. Costs one evaluation in memory of the
  // parts that read no row; what is left of the rule is made once for each way they come out.
  Judged judge(const Rule& rule, const rules::Bindings& bindings) const;
  Grant grant(const Rule& rule, const rules::Bindings& bindings) const {
    return judge(rule, bindings).grant;
  }

  // Anything made once a shape and then shared (plans, statements): the cached one, or what `make`
  // gives. The cache holds a bounded number and starts over when it is full.
  template <class T>
  std::shared_ptr<const T> cached(std::string_view key, auto&& make) const {
    if (auto found = find_cached(key)) return std::static_pointer_cast<const T>(found);
    std::shared_ptr<const T> made = make();
    put_cached(key, made);
    return made;
  }
  std::shared_ptr<const void> find_cached(std::string_view key) const;
  void put_cached(std::string_view key, std::shared_ptr<const void> value) const;

 private:
  Judged judged(const Rule& rule, const rules::Bindings& bindings) const;

  std::shared_ptr<const model::AppModel> model_;
  const db::Dialect* dialect_ = nullptr;
  std::vector<TableInfo> tables_;
  std::vector<db::StatementRef> leavings_;

  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  mutable std::mutex cache_mutex_;
  mutable std::unordered_map<std::string, std::shared_ptr<const void>, Hash, std::equal_to<>>
      cache_;
};

// `auth` and `now` for evaluating rules on behalf of `who`, who must outlive them.
rules::Bindings base_bindings(const Principal& who, Timestamp now);

// The error for a caller whom a rule refuses whatever the row is: 401 for nobody, else 403.
Error refused(const Principal& who, std::string_view action, std::string_view table);

}  // namespace mettle::records

// Writes a checked tree as SQL with the same three-valued result. Internal to rules/: others call
// to_sql(). One writer an expression.
//
// SQL has one NULL for two things: null, which equals null, and unknown, which equals nothing. So
// each value is written as a Term that says which of the two its NULL may mean and, where it may be
// both, carries the condition that tells. Arithmetic, comparisons by order and functions make
// unknown of both, so only == != in ?: and has() ask.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/ast.h"
#include "rules/rules.h"

namespace mettle::rules {

class SqlWriter {
 public:
  SqlWriter(const std::vector<SqlRow>& rows, const db::Dialect& dialect);
  Result<SqlExpr> run(const NodeRef& root, SqlContext context);

 private:
  using Tag = Type::Tag;
  enum class Mode : uint8_t {
    kTrue,   // only whether it is true counts: NULL and FALSE mean the same
    kExact,  // TRUE, FALSE or NULL
  };
  struct Term {
    std::string sql;
    bool nullable = false;    // NULL may mean null
    bool unknowable = false;  // NULL may mean unknown
    std::string known;        // if both: TRUE or FALSE, never NULL
  };
  struct Condition {
    std::string sql;
    bool maybe_null = true;
  };
  // Where the rows that a walk leads to are found.
  struct Rows {
    std::string alias;        // the row's; empty for one in memory
    std::string from, where;  // empty for a row of the statement
  };
  struct JsonPart {
    std::string json;
    db::JsonPath path;
  };

  // sql.cc: conditions
  Condition condition(const NodeRef& node, Mode mode);
  Condition condition_of(const NodeRef& node, Mode mode);
  Condition logic(const Node& node, Mode mode);
  Condition equality(const Node& node, Mode mode);
  Condition order(const Node& node);
  Condition text_test(const Node& node);
  Condition among(const Node& node, Mode mode);
  Condition among_elements(const Node& node, Mode mode);
  Condition among_literals(const Node& node, const std::vector<NodeRef>& elements, Mode mode);
  Condition guarded_membership(const Term& x, std::string found, std::string null_found,
                               std::string guard, Mode mode);
  Condition quantified(const Node& node, Mode mode);
  std::string quantified_exactly(const Node& node, const Rows& rows, const Condition& body);

  // sql_terms.cc: values
  Term term(const NodeRef& node);
  Term term_of(const NodeRef& node);
  Term parameter_term(const NodeRef& node);
  Term column(const Node& node);
  Term chosen(const Node& node);
  Term converted(const Node& node);
  Term cast(const Node& node);
  std::string arithmetic(const Node& node);
  std::optional<JsonPart> json_part(const Node& node);
  std::string known(const Term& term) const;

  // Rows and parameters.
  Rows rows_at(const Node& row);
  std::string column_of(const Node& row, const Rows& rows, const std::string& column);
  // ` AND …`: that the rows a walk leads to are of the caller's tenant; empty where they have none.
  std::string of_tenant(const Walk& walk, const std::string& alias);
  // When the row is there at all; empty for always.
  std::string row_known(const Node& row, const std::string& column);
  const std::string* alias_of(std::string_view name) const;
  bool independent(const Node& node) const;
  std::string parameter(const NodeRef& node);

  void keep_used(SqlExpr& out) const;

  // The largest SQL that is written on; beyond it everything is NULL and run() fails.
  std::string bounded(std::string sql);
  void unsupported(std::string what);

  const db::Dialect& dialect_;
  std::vector<std::pair<std::string, std::string>> aliases_;  // name → alias
  std::vector<ExprRef> parameters_;
  std::optional<Error> error_;
  int next_alias_ = 1;
};

Kind kind_of(Type::Tag tag);

}  // namespace mettle::rules

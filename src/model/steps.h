// Steps of commands and routes, as written: `insert update delete get check each set sql`. They are
// data; the executor is features/commands, which compiles the expressions against the table rows
// and names in scope.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/value.h"
#include "model/source.h"

namespace mettle::model {

struct Member;  // app_model.h

// A value in a step: a literal; `=expr`; or text with `{expr}` holes (parts alternate text and
// hole).
struct Expression {
  enum class Form { kLiteral, kRule, kTemplate, kMap, kList };
  Form form = Form::kLiteral;
  Value literal;
  Source rule;                     // kRule: without its '='
  std::vector<std::string> texts;  // kTemplate: holes.size() + 1
  std::vector<Source> holes;
  std::vector<std::pair<std::string, Expression>> members;  // kMap
  std::vector<Expression> elements;                         // kList
  Pos pos;

  Expression();  // declared, so that pairs of it can be named inside it
};

struct Let {
  std::string name;
  Expression value;
  Pos pos;
};

// `else: {status, code, detail, pointer}`: the problem to answer with.
struct Else {
  int status = 0;
  std::string code;
  Expression detail;
  std::string pointer;  // an input path: "item.product_id"; empty for none
  Pos pos;
};

struct Step {
  enum class Verb { kInsert, kUpdate, kDelete, kGet, kCheck, kEach, kSet, kSql };
  Verb verb = Verb::kCheck;
  int table = -1;  // insert, update, delete, get
  std::vector<std::pair<std::string, Expression>>
      values;                                      // insert, update: columns; set: names; sql: none
  std::optional<Source> where;                     // update, delete, get
  Source condition;                                // check
  std::string item;                                // each: the name
  Source list;                                     // each: the list
  std::vector<Step> steps;                         // each
  std::optional<Source> sql_sqlite, sql_postgres;  // sql
  std::vector<std::pair<std::string, std::string>> returns;  // sql with `as`: column → type name
  std::vector<Member> returns_shapes;                        // the same with scales and the like
  std::string as;
  std::optional<Source> when;
  std::optional<int64_t> expect_rows;
  std::optional<Else> otherwise;
  Pos pos;
};

struct Respond {
  int status = 200;
  std::vector<std::pair<std::string, Expression>> headers;
  std::optional<Expression> body;
  Pos pos;
};

}  // namespace mettle::model

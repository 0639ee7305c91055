// What a parameter of an SQL text is compared with or assigned to. How a value is stored depends on
// the column (SQLite keeps a timestamp as microseconds and a date as text; a decimal as units of
// its scale), so that a value bound in another form compares silently wrong: what stands beside a
// parameter decides its form, or is a fault (docs/decisions/0004-sql-parameters.md). Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "features/commands/sql_tokens.h"
#include "model/app_model.h"

namespace mettle::commands {

// The tables that a text names and their aliases.
class SqlNames {
 public:
  SqlNames(const std::vector<SqlToken>& tokens, const model::AppModel& app);
  const std::vector<int>& tables() const { return tables_; }
  // nullptr where it is none of theirs, or means different things in several.
  const model::Column* column(const std::string& qualifier, const std::string& name) const;
  // Whether a column of that type is named anywhere.
  bool mentions(model::Type type) const;

 private:
  const std::vector<SqlToken>& tokens_;
  const model::AppModel& app_;
  std::vector<int> tables_;
  std::map<std::string, int> aliases_;
  std::vector<std::string> made_;  // names that the text itself gives: AS name
};

struct Beside {
  enum class What : uint8_t {
    kNothing,   // not compared, or with what has no type of its own
    kColumn,    // a column, by itself
    kFunction,  // the result of a function, or its argument
    kOther,     // arithmetic and the like
  };
  What what = What::kNothing;
  const model::Column* column = nullptr;
  std::string function;  // lower case
};

// Of the parameter tokens[index].
Beside beside(const std::vector<SqlToken>& tokens, size_t index, const SqlNames& names);

// Decimal columns that the text computes with (arithmetic, avg, round): the engines store them
// differently, so what comes out differs. Indexes of tokens.
std::vector<size_t> computed_decimals(const std::vector<SqlToken>& tokens, const SqlNames& names);

}  // namespace mettle::commands

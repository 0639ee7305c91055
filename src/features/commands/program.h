// A program: the steps of a command or route, compiled against the model. Made when a snapshot is
// built, immutable then; holds the catalogue that its tables belong to, so it may outlive the
// snapshot (steps that run after the answer do).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "features/commands/sql.h"
#include "features/commands/value.h"
#include "records/catalog.h"

namespace mettle::commands {

struct Assignment {
  const records::ColumnInfo* column = nullptr;
  ValueCode value;
};

struct ElseCode {
  int status = 409;
  std::string code;
  std::optional<ValueCode> detail;
  std::vector<std::string> pointer;  // along names: {"item", "product_id"}; empty for none
};

// What a step's `as` names. An insert and a get give one row; an update and a delete one row
// (perhaps none: null) where `expect_rows` is 1 or `where` names the row by its id or natural key,
// else the list of the rows; a sql the list of its rows.
enum class As : uint8_t { kNothing, kRow, kRows };

struct StepCode {
  using Verb = model::Step::Verb;
  Verb verb = Verb::kCheck;
  const records::TableInfo* table = nullptr;
  std::vector<Assignment> values;                         // insert, update
  std::vector<std::pair<std::string, ValueCode>> assign;  // set
  rules::ExprRef where;                                   // update, delete, get
  rules::ExprRef condition;                               // check
  rules::ExprRef list;                                    // each
  std::vector<std::string> list_path;                     // of the input, if the list is one
  std::string item;
  std::vector<StepCode> steps;
  std::vector<std::string> inner_names;  // that the steps of an each introduce
  std::optional<SqlCode> sql;
  std::string as_name;
  As as = As::kNothing;
  rules::ExprRef when;
  std::optional<int64_t> expect_rows;
  std::optional<ElseCode> otherwise;
};

struct Program {
  std::shared_ptr<const records::Catalog> catalog;
  std::vector<std::pair<std::string, ValueCode>> let;
  std::vector<StepCode> steps;
  records::Authority authority = records::Authority::kApp;
  bool writes = false;  // some step does: it needs the writer
};

// Compiles steps one list after another, with the names that the earlier ones introduced.
class ProgramCompiler {
 public:
  // `environment`: base() with `input` and, of a route, `path`. `input`: what sql parameters may
  // name for short.
  ProgramCompiler(const Compiling& compiling, std::shared_ptr<const records::Catalog> catalog,
                  rules::Environment environment, const std::vector<model::Member>& input,
                  bool as_caller);

  void let(const std::vector<model::Let>& lets, const std::string& path);
  void steps(const std::vector<model::Step>& steps, const std::string& path);
  // The names that are there by now: for `returns` and `respond`.
  const rules::Environment& environment() const { return environment_; }
  // What came so far; begins another program with the same names (the `after` of a route).
  Program take();

 private:
  void step(const model::Step& step, const std::string& path, std::vector<StepCode>& out);
  void find_rows(const model::Step& step, const std::string& path, StepCode& code);
  void values(const model::Step& step, const rules::Environment& environment,
              const std::string& path, StepCode& code);
  void each(const model::Step& step, const std::string& path, StepCode& code);
  void set(const model::Step& step, const std::string& path, StepCode& code);
  void sql(const model::Step& step, const std::string& path, StepCode& code);
  void otherwise(const model::Step& step, const std::string& path, StepCode& code);
  void introduce(const model::Step& step, const std::string& path, StepCode& code);
  rules::ExprRef readable(const records::TableInfo& table, const rules::ExprRef& where) const;

  const Compiling compiling_;
  const std::shared_ptr<const records::Catalog> catalog_;
  rules::Environment environment_;
  const std::vector<model::Member>& input_;
  Program program_;
  std::vector<std::string> introduced_;  // by `as`, in order
};

// `access`, decided before the body is read where it names neither `input` nor `path`.
struct Access {
  rules::ExprRef rule;
  bool names_input = false;
};
Access compile_access(const model::Source& source, const rules::Environment& environment,
                      const std::string& path, model::Faults& faults);

// 4xx that the steps may answer with: (status, codes, comma separated), for the documentation.
std::vector<std::pair<int, std::string>> declared_problems(const std::vector<StepCode>& steps);

}  // namespace mettle::commands

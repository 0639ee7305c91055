// ProgramCompiler: steps as data become steps with compiled rules; every fault with its position.
#include <algorithm>
#include <map>

#include "base/text.h"
#include "features/commands/program.h"
#include "rules/ast.h"

namespace mettle::commands {
namespace {

using Tag = rules::Type::Tag;
using Verb = model::Step::Verb;

std::string_view verb_name(Verb verb) {
  constexpr std::string_view kNames[] = {"insert", "update", "delete", "get",
                                         "check",  "each",   "set",    "sql"};
  return kNames[static_cast<size_t>(verb)];
}

// The columns of `row` that must equal something for the condition to be true.
void fixed_columns(const rules::Node& node, std::vector<std::string>& out) {
  using rules::Op;
  if (node.op == Op::kAnd) {
    for (const rules::NodeRef& arg : node.args) fixed_columns(*arg, out);
    return;
  }
  if (node.op != Op::kEqual) return;
  for (size_t i = 0; i < 2; ++i) {
    const rules::Node& side = *node.args[i];
    if (side.op != Op::kColumn || side.args[0]->op != Op::kName || side.args[0]->name != "row") {
      continue;
    }
    std::vector<std::string> names;
    rules::free_names(*node.args[1 - i], names);
    if (std::ranges::find(names, "row") == names.end()) out.push_back(side.name);
  }
}

// Whether the condition can be true of one row at most.
bool names_one_row(const rules::Expr& where, const records::TableInfo& table) {
  std::vector<std::string> fixed;
  fixed_columns(where.root(), fixed);
  const auto is_fixed = [&](int column) {
    const std::string& name = table.columns[static_cast<size_t>(column)].name();
    return std::ranges::find(fixed, name) != fixed.end();
  };
  return is_fixed(0) || std::ranges::all_of(table.key, is_fixed);
}

// The type of a name that `set` may assign to: any value of the kind.
rules::Type widened(rules::Type type) {
  type.values = nullptr;
  type.nullable = true;
  if (type.tag == Tag::kNull) type.tag = Tag::kDyn;
  return type;
}

void collect_problems(const std::vector<StepCode>& steps,
                      std::map<int, std::vector<std::string>>& out) {
  for (const StepCode& step : steps) {
    collect_problems(step.steps, out);
    if (!step.otherwise) continue;
    auto& codes = out[step.otherwise->status];
    if (std::ranges::find(codes, step.otherwise->code) == codes.end()) {
      codes.push_back(step.otherwise->code);
    }
  }
}

}  // namespace

ProgramCompiler::ProgramCompiler(const Compiling& compiling,
                                 std::shared_ptr<const records::Catalog> catalog,
                                 rules::Environment environment,
                                 const std::vector<model::Member>& input, bool as_caller)
    : compiling_(compiling),
      catalog_(std::move(catalog)),
      environment_(std::move(environment)),
      input_(input) {
  program_.authority = as_caller ? records::Authority::kCaller : records::Authority::kApp;
}

Program ProgramCompiler::take() {
  Program made = std::move(program_);
  made.catalog = catalog_;
  program_ = Program();
  program_.authority = made.authority;
  return made;
}

void ProgramCompiler::let(const std::vector<model::Let>& lets, const std::string& path) {
  for (const model::Let& one : lets) {
    ValueCode value =
        compile_value(one.value, environment_, {}, path + "." + one.name, compiling_.faults);
    environment_.declare(one.name, widened(value.type));
    program_.let.emplace_back(one.name, std::move(value));
  }
}

void ProgramCompiler::steps(const std::vector<model::Step>& steps, const std::string& path) {
  for (size_t i = 0; i < steps.size(); ++i) {
    step(steps[i], path + "." + std::to_string(i), program_.steps);
  }
}

void ProgramCompiler::step(const model::Step& step, const std::string& path,
                           std::vector<StepCode>& out) {
  StepCode code;
  code.verb = step.verb;
  code.expect_rows = step.expect_rows;
  if (step.table >= 0) code.table = &catalog_->table(step.table);
  if (step.when) {
    code.when = compile_condition(*step.when, environment_, path + ".when", compiling_.faults);
  }
  switch (step.verb) {
    case Verb::kInsert:
      values(step, environment_, path, code);
      break;
    case Verb::kUpdate:
    case Verb::kDelete:
    case Verb::kGet:
      find_rows(step, path, code);
      break;
    case Verb::kCheck:
      code.condition =
          compile_condition(step.condition, environment_, path + ".check", compiling_.faults);
      break;
    case Verb::kEach:
      each(step, path, code);
      break;
    case Verb::kSet:
      set(step, path, code);
      break;
    case Verb::kSql:
      sql(step, path, code);
      break;
  }
  const bool changes =
      step.verb == Verb::kInsert || step.verb == Verb::kUpdate || step.verb == Verb::kDelete;
  if (changes || (code.sql && !code.sql->read_only)) program_.writes = true;
  otherwise(step, path, code);
  introduce(step, path, code);
  out.push_back(std::move(code));
}

void ProgramCompiler::find_rows(const model::Step& step, const std::string& path, StepCode& code) {
  if (code.table == nullptr) return;
  rules::Environment with_row = environment_;
  with_row.declare("row", rules::row_type(step.table));
  if (step.where) {
    const std::string key =
        step.verb == Verb::kUpdate ? ".where" : "." + std::string(verb_name(step.verb));
    code.where = compile_condition(*step.where, with_row, path + key, compiling_.faults);
  }
  if (step.verb == Verb::kGet && step.expect_rows.value_or(1) > 1) {
    compiling_.faults.error(step.pos, path + ".expect_rows", "out_of_range",
                            "a get reads one row; it may expect 1 or, to be sure there is none, 0",
                            "expect_rows: 1");
  }
  if (step.verb == Verb::kUpdate) values(step, with_row, path, code);
  if (!code.where) return;
  code.as =
      step.verb == Verb::kGet || step.expect_rows == 1 || names_one_row(*code.where, *code.table)
          ? As::kRow
          : As::kRows;
  if (program_.authority == records::Authority::kCaller) {
    code.where = readable(*code.table, code.where);
  }
}

// Acting for the caller, a step finds what the caller may read.
rules::ExprRef ProgramCompiler::readable(const records::TableInfo& table,
                                         const rules::ExprRef& where) const {
  rules::Node both;
  both.op = rules::Op::kAnd;
  both.type.tag = Tag::kBool;
  if (table.read.expr) {
    both.args = {where->root_ref(), table.read.expr->root_ref()};
  } else {
    rules::Node never;
    never.type.tag = Tag::kBool;
    never.value = Value(false);
    both.args = {where->root_ref(), rules::share(std::move(never))};
  }
  return std::make_shared<const rules::Expr>(rules::share(std::move(both)), where->source());
}

void ProgramCompiler::values(const model::Step& step, const rules::Environment& environment,
                             const std::string& path, StepCode& code) {
  if (code.table == nullptr) return;
  const std::string at =
      path + "." + std::string(verb_name(step.verb)) + "." + code.table->table->name;
  for (const auto& [name, value] : step.values) {
    Assignment assignment;
    assignment.column = &code.table->columns[static_cast<size_t>(code.table->find(name))];
    assignment.value = compile_value(
        value, environment, rules::type_of(compiling_.app, assignment.column->column->shape),
        at + "." + name, compiling_.faults);
    code.values.push_back(std::move(assignment));
  }
  if (step.verb == Verb::kInsert) code.as = As::kRow;
}

void ProgramCompiler::each(const model::Step& step, const std::string& path, StepCode& code) {
  code.item = step.item;
  code.list = rules::compile(step.list, environment_, {}, path + ".each", compiling_.faults);
  rules::Type element;
  if (code.list) {
    const rules::Type& type = code.list->type();
    if (type.tag != Tag::kList || !type.element) {
      compiling_.faults.error(step.list.pos, path + ".each", "rule_type",
                              "a list is wanted here, and this is " + type.to_string());
    } else {
      element = *type.element;
    }
    code.list_path = path_of(*code.list);
  }
  const rules::Environment outer = environment_;
  const size_t names = introduced_.size();
  environment_.declare(step.item, element);
  for (size_t i = 0; i < step.steps.size(); ++i) {
    this->step(step.steps[i], path + ".steps." + std::to_string(i), code.steps);
  }
  for (size_t i = names; i < introduced_.size(); ++i) {
    if (outer.find(introduced_[i]) == nullptr) code.inner_names.push_back(introduced_[i]);
  }
  introduced_.resize(names);
  environment_ = outer;
}

void ProgramCompiler::set(const model::Step& step, const std::string& path, StepCode& code) {
  for (const auto& [name, value] : step.values) {
    const rules::Type* type = environment_.find(name);
    if (type == nullptr) continue;  // reported when the file was read
    code.assign.emplace_back(
        name, compile_value(value, environment_, *type, path + ".set." + name, compiling_.faults));
  }
}

void ProgramCompiler::sql(const model::Step& step, const std::string& path, StepCode& code) {
  if (program_.authority == records::Authority::kCaller) {
    compiling_.faults.error(step.pos, path + ".sql", "sql_as_caller",
                            "a sql step obeys no table's rules, so it does not go with as_caller");
  }
  const SqlText text{.sqlite = step.sql_sqlite,
                     .postgres = step.sql_postgres,
                     .pos = step.pos,
                     .returns = step.returns_shapes,
                     .input = input_};
  code.sql = compile_sql(text, environment_, path + ".sql", compiling_);
  code.as = As::kRows;
}

void ProgramCompiler::otherwise(const model::Step& step, const std::string& path, StepCode& code) {
  if (!step.otherwise) return;
  ElseCode out;
  out.status = step.otherwise->status;
  out.code = step.otherwise->code;
  const model::Expression& detail = step.otherwise->detail;
  const bool said = detail.form != model::Expression::Form::kLiteral || !detail.literal.is_null();
  if (said) {
    out.detail = compile_value(detail, environment_, {}, path + ".else.detail", compiling_.faults);
  }
  if (!step.otherwise->pointer.empty()) {
    for (const std::string_view part : split(step.otherwise->pointer, '.')) {
      out.pointer.emplace_back(part);
    }
  }
  code.otherwise = std::move(out);
}

void ProgramCompiler::introduce(const model::Step& step, const std::string& path, StepCode& code) {
  if (step.as.empty()) {
    code.as = As::kNothing;
    return;
  }
  rules::Type type;
  if (step.verb == Verb::kSql) {
    type.element = std::make_shared<const rules::Type>(
        rules::object_type(compiling_.app, step.returns_shapes));
  } else {
    type = rules::row_type(step.table);
    if (code.as == As::kRows) type.element = std::make_shared<const rules::Type>(type);
  }
  if (code.as == As::kRows) type.tag = Tag::kList;
  // Such a name may be compared with null: whether there was a row.
  if (code.as == As::kRow && (step.verb != Verb::kInsert || step.when)) type.nullable = true;
  const rules::Type* before = environment_.find(step.as);
  if (before != nullptr && before->tag != type.tag) {
    compiling_.faults.error(step.pos, path + ".as", "name_taken",
                            "\"" + step.as + "\" names one row in one step and many in another",
                            code.as == As::kRows ? "expect_rows: 1" : step.as + "_2");
    return;
  }
  code.as_name = step.as;
  environment_.declare(step.as, std::move(type));
  introduced_.push_back(step.as);
}

Access compile_access(const model::Source& source, const rules::Environment& environment,
                      const std::string& path, model::Faults& faults) {
  Access access;
  access.rule = compile_condition(source, environment, path + ".access", faults);
  if (access.rule) {
    access.names_input = access.rule->uses_name("input") || access.rule->uses_name("path");
  }
  return access;
}

std::vector<std::pair<int, std::string>> declared_problems(const std::vector<StepCode>& steps) {
  std::map<int, std::vector<std::string>> by_status;
  collect_problems(steps, by_status);
  std::vector<std::pair<int, std::string>> out;
  for (const auto& [status, codes] : by_status) {
    std::string text;
    for (const std::string& code : codes) text += (text.empty() ? "" : ", ") + code;
    out.emplace_back(status, std::move(text));
  }
  return out;
}

}  // namespace mettle::commands

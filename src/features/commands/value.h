// Values of steps, compiled: a literal, `=rule`, text with {…} holes, or a map or list of those.
// Compiling reports faults of the file; evaluating runs inside the transaction (rules may walk to
// related rows) and cannot fail but for the store.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/app_model.h"
#include "records/change.h"
#include "rules/rules.h"

namespace mettle::commands {

struct ValueCode {
  using Form = model::Expression::Form;
  Form form = Form::kLiteral;
  Value literal;
  rules::ExprRef rule;
  std::vector<std::string> texts;  // template: holes.size() + 1
  std::vector<rules::ExprRef> holes;
  std::vector<struct ValueMember> members;
  std::vector<ValueCode> elements;
  rules::Type type;
  // Of a rule that is no more than a path ("item.product_id"): its parts, so that what is wrong
  // with the value can be said of the input.
  std::vector<std::string> path;
};
struct ValueMember {
  std::string name;
  ValueCode value;
};

// `want`: the type it must have; kDyn: any.
ValueCode compile_value(const model::Expression& value, const rules::Environment& environment,
                        const rules::Type& want, const std::string& path, model::Faults& faults);

// A rule that must be true or false; nullptr after a fault.
rules::ExprRef compile_condition(const model::Source& source, const rules::Environment& environment,
                                 const std::string& path, model::Faults& faults);

// The parts of a rule that is no more than a path of names; empty for others.
std::vector<std::string> path_of(const rules::Expr& expr);

Task<Result<Value>> evaluate(records::WriteScope& scope, const ValueCode& code,
                             const rules::Bindings& bindings);
// As the caller gets to see it, JSON: rows lose the columns that the caller may not read.
Task<Result<std::string>> render(records::WriteScope& scope, const ValueCode& code,
                                 const rules::Bindings& bindings);

// As it stands in text: dates, decimals and the like in their wire form, nothing for null.
std::string text_of(const Value& value);

// What render() gives, as JSON Schema.
std::string returns_schema(const model::AppModel& app, const ValueCode& code);

}  // namespace mettle::commands

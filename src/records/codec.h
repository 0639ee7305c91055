// Codec: values between the wire (JSON bodies, query strings, paths) and base/value.h, checked
// against the shapes of the app file. Every fault that can be told without the database is reported
// at once, each with its pointer.
//
// Pure; any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_read.h"
#include "base/pattern.h"
#include "base/result.h"
#include "base/value.h"
#include "db/db.h"
#include "model/app_model.h"
#include "rules/rules.h"

namespace mettle::records {

// Faults of one body that are told at once; more would only make the answer long.
inline constexpr size_t kFaultsMax = 100;

// A model::Shape with what is compiled from it.
struct ShapeInfo {
  const model::Shape* shape = nullptr;
  db::ColumnKind kind;  // of its values; a reference's is its target id's
  std::shared_ptr<const Pattern> match;
  rules::ExprRef default_expr;               // `default: =…`
  std::vector<struct MemberInfo> members;    // object
  std::shared_ptr<const ShapeInfo> element;  // list
};
struct MemberInfo {
  std::string name;
  ShapeInfo info;
};
ShapeInfo compile_shape(const model::AppModel& model, const model::Shape& shape,
                        std::string_view path, model::Faults& faults);
// The members of a command's, query's or route's input.
using InputInfo = std::vector<MemberInfo>;
InputInfo compile_input(const model::AppModel& model, const std::vector<model::Member>& input,
                        std::string_view path, model::Faults& faults);

// The value of a JSON node, checked; on faults adds to `faults` and gives Null. JSON null is taken
// where the shape is optional. `pointer` is the RFC 6901 pointer of the node.
Value value_from_json(const ShapeInfo& info, const JsonNode& node, const std::string& pointer,
                      std::vector<Fault>& faults);

// The value of text as it stands in a query string or path; only its form is checked, not min, max,
// match (a filter may ask for what cannot be there). The error's detail says what the text must
// look like.
Result<Value> value_from_text(const ShapeInfo& info, std::string_view text);

// Brings a computed value (a step's, a default's) to the shape's kind and scale and checks it as if
// it had come in JSON.
Value value_from_value(const ShapeInfo& info, const Value& value, const std::string& pointer,
                       std::vector<Fault>& faults);

// A whole input object: required members, defaults, unknown names (with the nearest known one).
// Defaults that are expressions are evaluated with `bindings`. Gives a Map of every declared member
// (Null where optional and absent).
Result<Value> read_input(const InputInfo& input, const JsonNode& body,
                         const rules::Bindings& bindings);
// The same from a query string's pairs; text values.
Result<Value> read_input(const InputInfo& input,
                         const std::vector<std::pair<std::string, std::string>>& pairs,
                         const rules::Bindings& bindings);

// "/items/2" + "product_id" → "/items/2/product_id", escaped (RFC 6901 section 3).
std::string pointer_to(std::string_view parent, std::string_view member);
std::string pointer_to(std::string_view parent, size_t index);

// The error of collected faults: 422 with all of them.
Error invalid(std::vector<Fault> faults);

}  // namespace mettle::records

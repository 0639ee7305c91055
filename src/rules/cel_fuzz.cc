// Any text as a rule: parsing, checking, evaluation and SQL neither crash nor run away, and what
// compiles also compiles a second time with the same SQL.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "rules/rules.h"

namespace mettle::rules {
namespace {

model::AppModel make_app() {
  model::AppModel app;
  model::Table table;
  table.name = "items";
  const auto add = [&table](const char* name, model::Type type, bool optional) {
    model::Column column;
    column.name = name;
    column.shape.type = type;
    column.shape.optional = optional;
    column.shape.scale = 2;
    if (type == model::Type::kReference) column.shape.references = 0;
    if (type == model::Type::kEnum) column.shape.values = {"x", "y"};
    table.columns.push_back(std::move(column));
  };
  add("id", model::Type::kUuid, false);
  add("a", model::Type::kInt, true);
  add("p", model::Type::kDecimal, true);
  add("f", model::Type::kFloat, true);
  add("t", model::Type::kText, true);
  add("b", model::Type::kBool, true);
  add("s", model::Type::kEnum, false);
  add("w", model::Type::kTimestamp, true);
  add("d", model::Type::kDate, true);
  add("j", model::Type::kJson, true);
  add("r_id", model::Type::kReference, true);
  app.tables.push_back(std::move(table));
  app.relations.push_back({"r", 0, 0, 10, true});
  app.relations.push_back({"many", 0, 0, 10, false});
  return app;
}

void run(std::string_view text) {
  static const model::AppModel app = make_app();
  static const Environment environment = [] {
    Environment out = Environment::base(app);
    out.declare("row", row_type(0));
    return out;
  }();
  static const Bindings bindings = [] {
    Bindings out;
    out.bind("row", Value(Map{{"a", int64_t{1}}, {"t", Value("x")}, {"j", Json{"{\"a\":[1]}"}}}));
    out.bind("now", Timestamp{0});
    return out;
  }();
  for (const Type::Tag tag : {Type::Tag::kDyn, Type::Tag::kBool, Type::Tag::kDecimal}) {
    Type want;
    want.tag = tag;
    want.scale = tag == Type::Tag::kDecimal ? 2 : 0;
    model::Faults faults;
    const ExprRef expr = compile({std::string(text), {1, 1}}, environment, want, "fuzz", faults);
    CHECK((expr == nullptr) == faults.has_errors());
    if (!expr) continue;
    if (!expr->needs_sql()) evaluate(*expr, bindings);
    const auto sql = to_sql(*expr, {{"row", 0, "t0"}}, db::sqlite_dialect(), SqlContext::kValue);
    const auto again = to_sql(*expr, {{"row", 0, "t0"}}, db::sqlite_dialect(), SqlContext::kValue);
    CHECK(sql.has_value() == again.has_value());
    if (sql) CHECK(sql->sql == again->sql && sql->parameters.size() == again->parameters.size());
  }
}

}  // namespace
}  // namespace mettle::rules

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mettle::rules::run({reinterpret_cast<const char*>(data), size});
  return 0;
}

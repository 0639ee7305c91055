// Any text as a rule: parsing, checking, evaluation and SQL neither crash nor run away; what parses
// and is printed parses to the same tree; what compiles also compiles a second time with the same
// SQL; faults stand inside of the text.
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "rules/parser.h"
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

void print_text(const std::string& text, std::string& out) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else {
      out += c;
    }
  }
  out += '"';
}

void print_literal(const Value& value, std::string& out) {
  switch (value.kind()) {
    case Kind::kNull:
      out += "null";
      return;
    case Kind::kBool:
      out += value.boolean() ? "true" : "false";
      return;
    case Kind::kInt:
      out += std::to_string(value.integer());
      return;
    case Kind::kFloat: {
      char digits[64];
      const auto end = std::to_chars(digits, digits + sizeof digits, value.real(),
                                     std::chars_format::scientific);
      out.append(digits, end.ptr);
      return;
    }
    default:
      print_text(value.text(), out);
  }
}

void print(const Syntax& tree, std::string& out);

void print_list(const Syntax& tree, size_t first, const char* between, std::string& out) {
  for (size_t i = first; i < tree.args.size(); ++i) {
    if (i > first) out += between;
    print(*tree.args[i], out);
  }
}

// With every parenthesis that there may be, so that the text says the tree whatever binds tighter.
void print(const Syntax& tree, std::string& out) {
  using Kind = Syntax::Kind;
  out += '(';
  switch (tree.kind) {
    case Kind::kLiteral:
      print_literal(tree.value, out);
      break;
    case Kind::kName:
      out += tree.name;
      break;
    case Kind::kMember:
      print(*tree.args[0], out);
      out += "." + tree.name;
      break;
    case Kind::kElement:
      print(*tree.args[0], out);
      out += '[';
      print(*tree.args[1], out);
      out += ']';
      break;
    case Kind::kCall:
      out += tree.name + "(";
      print_list(tree, 0, ",", out);
      out += ')';
      break;
    case Kind::kMethod:
      print(*tree.args[0], out);
      out += "." + tree.name + "(";
      print_list(tree, 1, ",", out);
      out += ')';
      break;
    case Kind::kUnary:
      out += tree.name;
      print(*tree.args[0], out);
      break;
    case Kind::kBinary:
    case Kind::kLogic:
      print_list(tree, 0, (" " + tree.name + " ").c_str(), out);
      break;
    case Kind::kConditional:
      print(*tree.args[0], out);
      out += '?';
      print(*tree.args[1], out);
      out += ':';
      print(*tree.args[2], out);
      break;
    case Kind::kList:
      out += '[';
      print_list(tree, 0, ",", out);
      out += ']';
      break;
  }
  out += ')';
}

bool same(const Syntax& a, const Syntax& b) {
  if (a.kind != b.kind || a.name != b.name || a.value.storage() != b.value.storage() ||
      a.args.size() != b.args.size()) {
    return false;
  }
  for (size_t i = 0; i < a.args.size(); ++i) {
    if (!same(*a.args[i], *b.args[i])) return false;
  }
  return true;
}

void print_and_parse(std::string_view text) {
  SyntaxFault fault;
  const SyntaxRef tree = parse(text, fault);
  if (!tree) {
    CHECK(fault.offset <= text.size() && !fault.message.empty());
    return;
  }
  std::string printed;
  print(*tree, printed);
  // The parentheses are levels of their own, and they count.
  if (printed.size() > kRuleBytesMax || tree->depth > kRuleDepthMax / 2) return;
  const SyntaxRef again = parse(printed, fault);
  CHECK(again != nullptr);
  CHECK(same(*tree, *again));
}

Bindings make_bindings() {
  Bindings out;
  out.bind("row", Value(Map{{"a", int64_t{1}},
                            {"p", Decimal{150, 2}},
                            {"f", 0.5},
                            {"t", Value("x")},
                            {"b", Value()},
                            {"d", Date{0}},
                            {"j", Json{"{\"a\":[1]}"}}}));
  out.bind("now", Timestamp{0});
  return out;
}

void run(std::string_view text) {
  static const model::AppModel app = make_app();
  static const Environment environment = [] {
    Environment out = Environment::base(app);
    out.declare("row", row_type(0));
    return out;
  }();
  static const Bindings bindings = make_bindings();
  print_and_parse(text);
  const auto lines = static_cast<int>(std::ranges::count(text, '\n')) + 1;
  for (const Type::Tag tag : {Type::Tag::kDyn, Type::Tag::kBool, Type::Tag::kDecimal}) {
    Type want;
    want.tag = tag;
    want.scale = tag == Type::Tag::kDecimal ? 2 : 0;
    model::Faults faults;
    const ExprRef expr = compile({std::string(text), {1, 1}}, environment, want, "fuzz", faults);
    CHECK((expr == nullptr) == faults.has_errors());
    for (const model::FileFault& fault : faults.sorted()) {
      CHECK(fault.pos.line >= 1 && fault.pos.line <= lines && fault.pos.column >= 1);
      CHECK(fault.pos.column <= static_cast<int>(text.size()) + 1);
      CHECK(!fault.message.empty() && !fault.code.empty());
    }
    if (!expr) continue;
    if (!expr->needs_sql()) evaluate(*expr, bindings);
    const auto sql = to_sql(*expr, {{"row", 0, "t0"}}, db::sqlite_dialect(), SqlContext::kValue);
    const auto again = to_sql(*expr, {{"row", 0, "t0"}}, db::sqlite_dialect(), SqlContext::kValue);
    CHECK(sql.has_value() == again.has_value());
    if (sql) CHECK(sql->sql == again->sql && sql->parameters.size() == again->parameters.size());
    if (!sql) {
      CHECK(sql.error().code == Code::kInvalidApp || sql.error().code == Code::kQueryTooComplex);
    }
    columns_read(*expr, "row");
    resolve(*expr, std::vector<Value>(switches(*expr).size(), Value(true)));
  }
}

}  // namespace
}  // namespace mettle::rules

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mettle::rules::run({reinterpret_cast<const char*>(data), size});
  return 0;
}

#include "features/commands/value.h"

#include <algorithm>

#include "base/decimal.h"
#include "base/json_write.h"
#include "rules/ast.h"

namespace mettle::commands {
namespace {

using Form = model::Expression::Form;
using Tag = rules::Type::Tag;

rules::Type simple(Tag tag) {
  rules::Type type;
  type.tag = tag;
  return type;
}

rules::Type type_of_literal(const Value& value) {
  rules::Type type;
  switch (value.kind()) {
    case Kind::kBool:
      return simple(Tag::kBool);
    case Kind::kInt:
      return simple(Tag::kInt);
    case Kind::kFloat:
      return simple(Tag::kFloat);
    case Kind::kDecimal:
      type = simple(Tag::kDecimal);
      type.scale = value.decimal().scale;
      return type;
    case Kind::kText:
      return simple(Tag::kText);
    case Kind::kNull:
      type = simple(Tag::kNull);
      type.nullable = true;
      return type;
    default:
      return type;
  }
}

bool takes(const rules::Type& want, Tag tag) {
  return want.tag == Tag::kDyn || want.tag == Tag::kJson || want.tag == tag;
}

bool is_number(Tag tag) {
  return tag == Tag::kInt || tag == Tag::kDecimal || tag == Tag::kFloat;
}

// Literals of columns were checked with the file; those assigned by `set` are checked here.
bool literal_fits(const rules::Type& type, const rules::Type& want, const Value& literal) {
  if (want.tag == Tag::kDyn || type.tag == want.tag || type.tag == Tag::kDyn) return true;
  if (type.tag == Tag::kNull) return true;
  if (type.tag == Tag::kInt) return is_number(want.tag);
  // Texts that were brought to the column's kind when the file was read keep that kind.
  return type.tag == Tag::kText && literal.kind() == Kind::kText && want.values != nullptr;
}

// A number that is assigned to what holds another kind of numbers becomes of that kind.
Value as_wanted(const Value& literal, const rules::Type& want) {
  if (literal.kind() != Kind::kInt) return literal;
  if (want.tag == Tag::kFloat) return Value(static_cast<double>(literal.integer()));
  if (want.tag != Tag::kDecimal) return literal;
  const auto whole = decimal_from_int(literal.integer());
  const auto scaled = whole ? decimal_rescale(*whole, want.scale) : std::nullopt;
  return scaled ? Value(*scaled) : Value(Unknown{});
}

bool is_row(const rules::Type& type) {
  return type.tag == Tag::kRow;
}
bool is_rows(const rules::Type& type) {
  return type.tag == Tag::kList && type.element && is_row(*type.element);
}

// A rule as a value: a row that is walked to has no columns read yet.
void refuse_walked_row(const rules::ExprRef& rule, const std::string& path, model::Faults& faults) {
  if (!rule || !rule->needs_sql() || !is_row(rule->type())) return;
  faults.error(rule->source().pos, path, "rule_type",
               "a related row cannot be a value by itself; read it with a `get` step",
               "- get: {…: \"row.id == …\"}");
}

Task<Result<std::string>> render_typed(records::WriteScope& scope, const rules::Type& type,
                                       const Value& value) {
  if (is_row(type)) {
    co_return co_await scope.shown(scope.catalog().table(type.table), value);
  }
  if (!is_rows(type) || value.kind() != Kind::kList) co_return to_json(value);
  const records::TableInfo& table = scope.catalog().table(type.element->table);
  std::string out = "[";
  for (const Value& each : value.list()) {
    CO_TRY(const std::string row, co_await scope.shown(table, each));
    if (out.size() > 1) out += ',';
    out += row;
  }
  out += ']';
  co_return out;
}

}  // namespace

std::vector<std::string> path_of(const rules::Expr& expr) {
  std::vector<std::string> parts;
  const rules::Node* node = &expr.root();
  while (node->op == rules::Op::kMember || node->op == rules::Op::kColumn) {
    parts.push_back(node->name);
    node = node->args[0].get();
  }
  if (node->op != rules::Op::kName) return {};
  parts.push_back(node->name);
  std::ranges::reverse(parts);
  return parts;
}

rules::ExprRef compile_condition(const model::Source& source, const rules::Environment& environment,
                                 const std::string& path, model::Faults& faults) {
  return rules::compile(source, environment, simple(Tag::kBool), path, faults);
}

ValueCode compile_value(const model::Expression& value, const rules::Environment& environment,
                        const rules::Type& want, const std::string& path, model::Faults& faults) {
  ValueCode code;
  code.form = value.form;
  switch (value.form) {
    case Form::kLiteral:
      code.literal = value.literal;
      code.type = type_of_literal(value.literal);
      if (!literal_fits(code.type, want, value.literal)) {
        faults.error(
            value.pos, path, "rule_type",
            "a " + want.to_string() + " is wanted here, and this is " + code.type.to_string());
      }
      code.literal = as_wanted(value.literal, want);
      if (code.type.tag == Tag::kInt && is_number(want.tag)) code.type = want;
      break;
    case Form::kRule:
      code.rule = rules::compile(value.rule, environment, want, path, faults);
      refuse_walked_row(code.rule, path, faults);
      if (code.rule) {
        code.type = code.rule->type();
        code.path = path_of(*code.rule);
      }
      break;
    case Form::kTemplate:
      if (!takes(want, Tag::kText) || want.values) {
        faults.error(value.pos, path, "rule_type",
                     "text with holes cannot be a " + want.to_string(),
                     value.holes.size() == 1 ? "=" + value.holes[0].text : "");
      }
      code.texts = value.texts;
      for (const model::Source& hole : value.holes) {
        code.holes.push_back(rules::compile(hole, environment, {}, path, faults));
      }
      code.type = simple(Tag::kText);
      break;
    case Form::kMap:
      if (!takes(want, Tag::kMap)) {
        faults.error(value.pos, path, "rule_type", "a map cannot be a " + want.to_string());
      }
      for (const auto& [name, member] : value.members) {
        code.members.push_back(
            {name, compile_value(member, environment, {}, path + "." + name, faults)});
      }
      code.type = simple(Tag::kMap);
      code.type.element = std::make_shared<const rules::Type>();
      break;
    case Form::kList:
      if (!takes(want, Tag::kList)) {
        faults.error(value.pos, path, "rule_type", "a list cannot be a " + want.to_string());
      }
      for (size_t i = 0; i < value.elements.size(); ++i) {
        code.elements.push_back(compile_value(value.elements[i], environment, {},
                                              path + "." + std::to_string(i), faults));
      }
      code.type = simple(Tag::kList);
      code.type.element = std::make_shared<const rules::Type>();
      break;
  }
  return code;
}

std::string text_of(const Value& value) {
  switch (value.kind()) {
    case Kind::kNull:
    case Kind::kUnknown:
      return {};
    case Kind::kText:
      return value.text();
    default:
      break;
  }
  std::string text = to_json(value);
  // Dates, decimals, ids: nothing in them is ever escaped.
  if (text.size() >= 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
  return text;
}

Task<Result<Value>> evaluate(records::WriteScope& scope, const ValueCode& code,
                             const rules::Bindings& bindings) {
  switch (code.form) {
    case Form::kLiteral:
      co_return code.literal;
    case Form::kRule:
      co_return co_await scope.evaluate(code.rule, bindings);
    case Form::kTemplate: {
      std::string text = code.texts[0];
      for (size_t i = 0; i < code.holes.size(); ++i) {
        CO_TRY(const Value hole, co_await scope.evaluate(code.holes[i], bindings));
        text += text_of(hole);
        text += code.texts[i + 1];
      }
      co_return Value(std::move(text));
    }
    case Form::kMap: {
      Map map;
      for (const auto& [name, member] : code.members) {
        CO_TRY(Value value, co_await evaluate(scope, member, bindings));
        map.emplace_back(name, std::move(value));
      }
      co_return Value(std::move(map));
    }
    case Form::kList: {
      List list;
      for (const ValueCode& element : code.elements) {
        CO_TRY(Value value, co_await evaluate(scope, element, bindings));
        list.push_back(std::move(value));
      }
      co_return Value(std::move(list));
    }
  }
  co_return Value(Unknown{});
}

Task<Result<std::string>> render(records::WriteScope& scope, const ValueCode& code,
                                 const rules::Bindings& bindings) {
  std::string out;
  if (code.form == Form::kMap) {
    out = "{";
    for (const auto& [name, member] : code.members) {
      CO_TRY(const std::string part, co_await render(scope, member, bindings));
      if (out.size() > 1) out += ',';
      out += json_key_fragment(name);
      out += part;
    }
    out += '}';
    co_return out;
  }
  if (code.form == Form::kList) {
    out = "[";
    for (const ValueCode& element : code.elements) {
      CO_TRY(const std::string part, co_await render(scope, element, bindings));
      if (out.size() > 1) out += ',';
      out += part;
    }
    out += ']';
    co_return out;
  }
  CO_TRY(const Value value, co_await evaluate(scope, code, bindings));
  co_return co_await render_typed(scope, code.type, value);
}

}  // namespace mettle::commands

#include "rules/parts.h"

#include <fmt/format.h>

#include "base/json_write.h"
#include "rules/ast.h"

namespace mettle::rules {
namespace {

// How tightly an operator binds, by the grammar.
enum : uint8_t { kTernary = 1, kOrs, kAnds, kComparison, kSum, kProduct, kPrefix, kWhole };

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string literal(const Value& value) {
  if (value.is_unknown()) return "unknown";
  if (value.kind() == Kind::kText) return quoted(value.text());
  if (value.kind() == Kind::kList) {
    std::string out = "[";
    for (const Value& each : value.list()) out += (out.size() > 1 ? ", " : "") + literal(each);
    return out + "]";
  }
  std::string json = to_json(value);
  if (json.size() >= 2 && json.front() == '"') return quoted(json.substr(1, json.size() - 2));
  return json;
}

struct Infix {
  const char* sign;
  int binds;
};

const Infix* infix(Op op) {
  static constexpr std::pair<Op, Infix> kSigns[] = {
      {Op::kAnd, {" && ", kAnds}},          {Op::kOr, {" || ", kOrs}},
      {Op::kEqual, {" == ", kComparison}},  {Op::kNotEqual, {" != ", kComparison}},
      {Op::kLess, {" < ", kComparison}},    {Op::kLessEqual, {" <= ", kComparison}},
      {Op::kGreater, {" > ", kComparison}}, {Op::kGreaterEqual, {" >= ", kComparison}},
      {Op::kIn, {" in ", kComparison}},     {Op::kAdd, {" + ", kSum}},
      {Op::kSubtract, {" - ", kSum}},       {Op::kMultiply, {" * ", kProduct}},
      {Op::kDivide, {" / ", kProduct}},     {Op::kRemainder, {" % ", kProduct}},
  };
  for (const auto& [each, sign] : kSigns) {
    if (each == op) return &sign;
  }
  return nullptr;
}

const char* method(Op op) {
  switch (op) {
    case Op::kStartsWith:
      return "startsWith";
    case Op::kEndsWith:
      return "endsWith";
    case Op::kContains:
      return "contains";
    case Op::kExists:
      return "exists";
    case Op::kAll:
      return "all";
    default:
      return nullptr;
  }
}

std::string written(const Node& node, int around);

std::string argument(const Node& node, size_t index, int around = 0) {
  return written(*node.args[index], around);
}

std::string call(const Node& node) {
  switch (node.op) {
    case Op::kSize:
      return "size(" + argument(node, 0) + ")";
    case Op::kHas:
      return "has(" + argument(node, 0, kWhole) + "." + node.name + ")";
    case Op::kMatches:
      return argument(node, 0, kWhole) + ".matches(" + quoted(node.name) + ")";
    case Op::kRound:
      return fmt::format("round({}, {})", argument(node, 0), node.type.scale);
    case Op::kDiv:
      return fmt::format("div({}, {}, {})", argument(node, 0), argument(node, 1), node.type.scale);
    case Op::kRandomCode:
      return "random_code(" + literal(node.value) + ")";
    default:
      break;
  }
  const char* name = method(node.op);
  if (name == nullptr) return "…";  // made for SQL alone; no rule has it
  const bool binds = node.op == Op::kExists || node.op == Op::kAll;
  return fmt::format("{}.{}({}{})", argument(node, 0, kWhole), name,
                     binds ? node.name + ", " : std::string(), argument(node, 1));
}

std::string enclosed(std::string text, int binds, int around) {
  return binds < around ? "(" + text + ")" : text;
}

std::string list(const Node& node) {
  std::string out = "[";
  for (size_t i = 0; i < node.args.size(); ++i) out += (i > 0 ? ", " : "") + argument(node, i);
  return out + "]";
}

// `around`: how tightly the operator binds that this stands beside.
std::string written(const Node& node, int around) {
  if (const Infix* sign = infix(node.op)) {
    std::string out;
    for (size_t i = 0; i < node.args.size(); ++i) {
      if (i > 0) out += sign->sign;
      out += argument(node, i, sign->binds + (i > 0 ? 1 : 0));
    }
    return enclosed(std::move(out), sign->binds, around);
  }
  switch (node.op) {
    case Op::kLiteral:
      return literal(node.value);
    case Op::kName:
      return node.name;
    case Op::kColumn:
    case Op::kReference:
    case Op::kRelated:
    case Op::kMember:
      return argument(node, 0, kWhole) + "." + node.name;
    case Op::kElement:
      return argument(node, 0, kWhole) + "[" + argument(node, 1) + "]";
    case Op::kList:
      return list(node);
    case Op::kNot:
      return enclosed("!" + argument(node, 0, kPrefix), kPrefix, around);
    case Op::kNegate:
      return enclosed("-" + argument(node, 0, kPrefix), kPrefix, around);
    case Op::kIsNull:
      return enclosed(argument(node, 0, kComparison) + " == null", kComparison, around);
    case Op::kConvert:
    case Op::kCast:
    case Op::kKnown:
    case Op::kStored:
      return argument(node, 0, around);
    case Op::kConditional:
      return enclosed(argument(node, 0, kOrs) + " ? " + argument(node, 1, kOrs) + " : " +
                          argument(node, 2, kTernary),
                      kTernary, around);
    default:
      return call(node);
  }
}

ExprRef expression(const NodeRef& node) {
  return std::make_shared<const Expr>(node);
}

// Conversions say nothing to a reader.
const NodeRef& bare(const NodeRef& node) {
  const NodeRef* at = &node;
  while ((*at)->op == Op::kConvert || (*at)->op == Op::kCast) at = &(*at)->args[0];
  return *at;
}

bool has_value(const Node& node) {
  return node.op != Op::kLiteral && node.op != Op::kRelated && node.op != Op::kReference &&
         node.type.tag != Type::Tag::kRow;
}

void add_operands(const Node& node, Part& part) {
  const bool binds = node.op == Op::kExists || node.op == Op::kAll;
  const bool compares = node.op != Op::kColumn && node.op != Op::kMember;  // else it is one itself
  for (size_t i = 0; i < node.args.size() && !binds && compares; ++i) {
    const NodeRef& operand = bare(node.args[i]);
    if (operand->op == Op::kList || !has_value(*operand)) continue;
    part.operands.emplace_back(written(*operand, 0), expression(operand));
  }
}

void take_apart(const NodeRef& node, int depth, std::vector<Part>& out) {
  Part part;
  part.text = written(*node, 0);
  part.depth = depth;
  part.expr = expression(node);
  const Op op = node->op;
  const bool logic = op == Op::kAnd || op == Op::kOr || op == Op::kNot || op == Op::kConditional;
  if (!logic) add_operands(*node, part);
  out.push_back(std::move(part));
  if (!logic) return;
  for (const NodeRef& arg : node->args) {
    if (arg->type.tag == Type::Tag::kBool) take_apart(arg, depth + 1, out);
  }
}

}  // namespace

std::string text_of(const Expr& expr) {
  return written(expr.root(), 0);
}

std::vector<Part> parts_of(const Expr& condition) {
  std::vector<Part> out;
  take_apart(condition.root_ref(), 0, out);
  return out;
}

}  // namespace mettle::rules

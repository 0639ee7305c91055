// Evaluation in memory: a walk over the checked tree with Kleene's logic.
#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/decimal.h"
#include "base/mutant.h"
#include "base/text.h"
#include "rules/ast.h"
#include "rules/operations.h"
#include "rules/rules.h"

namespace mettle::rules {
namespace {

constexpr int64_t kCostMax = 1'000'000;

Value trit(bool any_unknown, bool otherwise) {
  return any_unknown ? Value(Unknown{}) : Value(otherwise);
}
bool is_false(const Value& v) {
  return v.kind() == Kind::kBool && !v.boolean();
}
Value inverse(const Value& v) {
  return v.kind() == Kind::kBool ? Value(!v.boolean()) : Value(Unknown{});
}

class Evaluator {
 public:
  explicit Evaluator(const Bindings& bindings) : bindings_(bindings) {}

  // The value of `node`: one that exists already, or made in `made`.
  const Value& value(const Node& node, Value& made) {
    if (cost_ > kCostMax) return unknown_;
    switch (node.op) {
      case Op::kLiteral:
        return node.value;
      case Op::kName:
        return name(node.name);
      case Op::kColumn:
      case Op::kMember: {
        Value hold;
        const Value& base = value(*node.args[0], hold);
        if (&base != &hold && base.kind() == Kind::kMap) {
          const Value* found = base.find(node.name);
          return found ? *found : unknown_;
        }
        if (base.kind() == Kind::kJson) ++cost_;
        made = member(base, node.name);
        return made;
      }
      default:
        made = compute(node);
        return made;
    }
  }

 private:
  const Value& name(std::string_view name) const {
    for (auto it = variables_.rbegin(); it != variables_.rend(); ++it) {
      if (it->first == name) return *it->second;
    }
    const Value* bound = bindings_.find(name);
    return bound ? *bound : unknown_;
  }

  Value compute(const Node& node) {
    ++cost_;
    switch (node.op) {
      case Op::kNot: {
        Value hold;
        return inverse(value(*node.args[0], hold));
      }
      case Op::kAnd:
        return logic(node, false);
      case Op::kOr:
        return logic(node, true);
      case Op::kConditional: {
        Value hold;
        const Value& condition = value(*node.args[0], hold);
        if (condition.kind() != Kind::kBool) return Unknown{};
        Value out;
        return value(*node.args[condition.boolean() ? 1 : 2], out);
      }
      case Op::kList:
        return list(node);
      case Op::kRandomCode:
        return random_code(node);
      case Op::kExists:
        return quantified(node, true);
      case Op::kAll:
        return quantified(node, false);
      default:  // no walk: evaluate() requires !needs_sql()
        return node.args.size() == 2 ? binary(node) : unary(node);
    }
  }

  Value logic(const Node& node, bool decides) {
    bool unknown = false;
    for (const NodeRef& arg : node.args) {
      Value hold;
      const Value& v = value(*arg, hold);
      if (v.kind() != Kind::kBool) {
        unknown = true;
      } else if (v.boolean() == decides) {
        return Value(decides);
      }
    }
    return trit(unknown && !(!decides && planted(Mutant::kUnknownLostInAnd)), !decides);
  }

  // Letters that nobody mistakes for another: no 0 and o, no 1 and l. 32 of them, so that five bits
  // of each random byte choose evenly.
  Value random_code(const Node& node) {
    static constexpr std::string_view kLetters = "abcdefghijkmnpqrstuvwxyz23456789";
    static_assert(kLetters.size() == 32);
    if (bindings_.random() == nullptr) return Unknown{};
    std::array<uint8_t, 32> bytes{};
    const auto length = static_cast<size_t>(node.value.integer());
    bindings_.random()->fill(std::span(bytes).first(length));
    std::string code;
    for (size_t i = 0; i < length; ++i) code += kLetters[bytes[i] & 31];
    return Value(std::move(code));
  }

  Value list(const Node& node) {
    List out;
    for (const NodeRef& arg : node.args) {
      Value hold;
      out.push_back(value(*arg, hold));
      if (out.back().is_unknown()) return Unknown{};
    }
    return out;
  }

  Value quantified(const Node& node, bool exists) {
    Value hold;
    const Value& range = value(*node.args[0], hold);
    if (range.kind() != Kind::kList) return Unknown{};
    bool unknown = false;
    for (const Value& each : range.list()) {
      if (++cost_ > kCostMax) return Unknown{};
      variables_.emplace_back(node.name, &each);
      Value hold_condition;
      const Value& v = value(*node.args[1], hold_condition);
      const bool decided = exists ? v.is_true() : is_false(v);
      if (v.kind() != Kind::kBool) unknown = true;
      variables_.pop_back();
      if (decided) return Value(exists);
    }
    return trit(unknown, !exists);
  }

  Value unary(const Node& node) {
    Value hold;
    const Value& a = value(*node.args[0], hold);
    switch (node.op) {
      case Op::kNegate:
        return negate(a);
      case Op::kHas:
        return has(node, a);
      case Op::kIsNull:
        return a.is_unknown() ? a : Value(plain(a).is_null());
      case Op::kSize:
        return size(a);
      case Op::kMatches:
        if (a.kind() != Kind::kText) return Unknown{};
        charge(a.text().size());
        return Value(node.pattern->found_in(a.text()));
      case Op::kRound:
        if (a.kind() != Kind::kDecimal) return Unknown{};
        if (const auto d = decimal_round(a.decimal(), node.type.scale)) return Value(*d);
        return Unknown{};
      case Op::kConvert:
        return convert(a, node.type);
      case Op::kCast:
        return cast(a, node.type);
      case Op::kKnown:
        return Value(!a.is_unknown());
      case Op::kStored:
        return stored_list(a, *node.type.element);
      default:
        CHECK(false);
    }
  }

  // Of an object, whose optional members may be null, has() means a value; of json and maps, that
  // the member is there.
  Value has(const Node& node, const Value& base) {
    const Value there = has_member(base, node.name);
    if (!there.is_true() || node.args[0]->type.tag != Type::Tag::kObject) return there;
    const Value v = member(base, node.name);
    return Value(!v.is_null() && !v.is_unknown());
  }

  Value size(const Value& a) {
    switch (a.kind()) {
      case Kind::kText:
        charge(a.text().size());
        return Value(static_cast<int64_t>(count_code_points(a.text())));
      case Kind::kBytes:
        return Value(static_cast<int64_t>(a.bytes().size()));
      case Kind::kList:
        return Value(static_cast<int64_t>(a.list().size()));
      case Kind::kMap:
        return Value(static_cast<int64_t>(a.map().size()));
      default:
        return Unknown{};
    }
  }

  Value binary(const Node& node) {
    Value hold_a, hold_b;
    const Value& a = value(*node.args[0], hold_a);
    const Value& b = value(*node.args[1], hold_b);
    switch (node.op) {
      case Op::kEqual:
        return equal(a, b);
      case Op::kNotEqual:
        return inverse(equal(a, b));
      case Op::kLess:
      case Op::kLessEqual:
      case Op::kGreater:
      case Op::kGreaterEqual:
        return ordered(node.op, a, b);
      case Op::kIn:
        if (b.kind() == Kind::kList) cost_ += static_cast<int64_t>(b.list().size());
        return contains(a, b);
      case Op::kAdd:
        if (a.kind() == Kind::kText && b.kind() == Kind::kText) {
          charge(a.text().size() + b.text().size());
        }
        return arithmetic(node.op, a, b);
      case Op::kSubtract:
      case Op::kMultiply:
      case Op::kDivide:
      case Op::kRemainder:
        return arithmetic(node.op, a, b);
      case Op::kElement:
        return element(a, b);
      case Op::kStartsWith:
      case Op::kEndsWith:
      case Op::kContains:
        return text_test(node.op, a, b);
      case Op::kDiv:
        if (a.kind() != Kind::kDecimal || b.kind() != Kind::kDecimal) return Unknown{};
        if (const auto d = decimal_div(a.decimal(), b.decimal(), node.type.scale)) return Value(*d);
        return Unknown{};
      default:
        CHECK(false);
    }
  }

  Value text_test(Op op, const Value& a, const Value& b) {
    if (a.kind() != Kind::kText || b.kind() != Kind::kText) return Unknown{};
    charge(a.text().size());
    if (op == Op::kStartsWith) return Value(a.text().starts_with(b.text()));
    if (op == Op::kEndsWith) return Value(a.text().ends_with(b.text()));
    return Value(a.text().find(b.text()) != std::string::npos);
  }

  void charge(size_t bytes) { cost_ += static_cast<int64_t>(bytes / 1024); }

  const Bindings& bindings_;
  std::vector<std::pair<std::string_view, const Value*>> variables_;
  int64_t cost_ = 0;
  const Value unknown_ = Unknown{};
};

}  // namespace

Value evaluate(const Expr& expr, const Bindings& bindings) {
  CHECK(!expr.needs_sql());
  Value made;
  return Evaluator(bindings).value(expr.root(), made);
}

}  // namespace mettle::rules

#include "rules/watch.h"

namespace mettle::rules {
namespace {

std::optional<Value> known(const Expr& expr, const Bindings& bindings, bool with_row) {
  if (expr.needs_sql() || (!with_row && !independent_of_rows(expr))) return std::nullopt;
  return evaluate(expr, bindings);
}

}  // namespace

std::vector<PartAsked> parts_asked(const Expr& rule, const Bindings& bindings, bool with_row) {
  std::vector<PartAsked> out;
  for (const Part& part : parts_of(rule)) {
    PartAsked asked;
    asked.text = part.text;
    asked.depth = part.depth;
    asked.value = known(*part.expr, bindings, with_row);
    for (const auto& [text, expr] : part.operands) {
      asked.operands.emplace_back(text, known(*expr, bindings, with_row));
    }
    out.push_back(std::move(asked));
  }
  return out;
}

std::vector<OpenPart> open_parts(const Expr& rule, std::vector<PartAsked>& parts) {
  std::vector<OpenPart> out;
  const std::vector<Part> made = parts_of(rule);
  for (size_t i = 0; i < made.size(); ++i) {
    if (!parts[i].value) out.push_back({made[i].expr, &parts[i].value});
    for (size_t k = 0; k < made[i].operands.size(); ++k) {
      std::optional<Value>& value = parts[i].operands[k].second;
      if (!value) out.push_back({made[i].operands[k].second, &value});
    }
  }
  return out;
}

}  // namespace mettle::rules

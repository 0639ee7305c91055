#include "app/rule_warnings.h"

#include <fmt/format.h>

#include <algorithm>

#include "rules/ast.h"
#include "rules/parts.h"

namespace mettle::app {
namespace {

using records::Rule;
using records::TableInfo;
using rules::Node;
using rules::NodeRef;
using rules::Op;

bool accepts(const model::Table& table, std::string_view warning) {
  return std::ranges::find(table.accept, warning) != table.accept.end();
}

bool reads_no_row(const Node& node) {
  if (rules::walks(node)) return false;
  std::vector<std::string> names;
  rules::free_names(node, names);
  return std::ranges::all_of(names, [](const std::string& name) {
    return name == "auth" || name == "now" || name == "request";
  });
}

// What a condition can come to for one caller, over all rows that there could be. Where it cannot
// tell it says both, but of what only the caller decides it says what it is.
struct Can {
  bool be_true = true, be_false = true;
};

Can can(const NodeRef& node, const rules::Bindings& caller);

Can can_all(const Node& node, bool both, const rules::Bindings& caller) {
  Can made{both, !both};
  for (const NodeRef& arg : node.args) {
    const Can part = can(arg, caller);
    made.be_true = both ? made.be_true && part.be_true : made.be_true || part.be_true;
    made.be_false = both ? made.be_false || part.be_false : made.be_false && part.be_false;
  }
  return made;
}

bool is_unknown(const NodeRef& node, const rules::Bindings& caller) {
  return reads_no_row(*node) && rules::evaluate(rules::Expr(node), caller).is_unknown();
}

Can can(const NodeRef& node, const rules::Bindings& caller) {
  if (reads_no_row(*node)) {
    const Value value = rules::evaluate(rules::Expr(node), caller);
    const bool known = value.kind() == Kind::kBool;
    return {known && value.boolean(), known && !value.boolean()};
  }
  switch (node->op) {
    case Op::kAnd:
      return can_all(*node, true, caller);
    case Op::kOr:
      return can_all(*node, false, caller);
    case Op::kNot: {
      const Can part = can(node->args[0], caller);
      return {part.be_false, part.be_true};
    }
    case Op::kExists:
      return {can(node->args[1], caller).be_true, true};
    case Op::kAll:
      return {true, can(node->args[1], caller).be_false};
    case Op::kEqual:
    case Op::kNotEqual:
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual: {
      const bool told = std::ranges::none_of(
          node->args, [&caller](const NodeRef& arg) { return is_unknown(arg, caller); });
      return {told, told};
    }
    default:
      return {};
  }
}

// `write` stands for three verbs at one place: one warning.
void warn_of_open_writes(const TableInfo& table, model::Faults& faults) {
  const records::Principal nobody;
  const rules::Bindings caller = records::base_bindings(nobody, Timestamp{});
  const std::pair<std::string_view, const Rule*> verbs[] = {
      {"create", &table.create}, {"update", &table.update}, {"delete", &table.delete_}};
  std::vector<std::pair<const Rule*, std::string>> open;
  for (const auto& [verb, rule] : verbs) {
    if (!rule->expr || !can(rule->expr->root_ref(), caller).be_true) continue;
    const auto same = std::ranges::find_if(open, [rule](const auto& one) {
      return one.first->expr->source().pos == rule->expr->source().pos;
    });
    if (same == open.end()) {
      open.emplace_back(rule, verb);
    } else {
      same->second += ", " + std::string(verb);
    }
  }
  const std::string& name = table.table->name;
  for (const auto& [rule, verbs_text] : open) {
    const std::string which = rule->always() ? "" : " where " + rules::text_of(*rule->expr);
    faults.warning(
        rule->expr->source().pos, "tables." + name + ".access", "open_write",
        fmt::format("anybody, without signing in, may {} rows of {}{}; if that is meant, "
                    "`accept: [open_write]` of the table says so",
                    verbs_text, name, which),
        rule->always() ? "\"auth.signed_in\""
                       : "\"auth.signed_in && (" + rules::text_of(*rule->expr) + ")\"");
  }
}

const NodeRef& bare(const NodeRef& node) {
  const NodeRef* at = &node;
  while ((*at)->op == Op::kConvert || (*at)->op == Op::kCast) at = &(*at)->args[0];
  return *at;
}

bool names_auth(const Node& node) {
  std::vector<std::string> names;
  rules::free_names(node, names);
  return std::ranges::find(names, "auth") != names.end();
}

// The columns of `row` that stand beside something of the caller's in an equality.
void compared_to_caller(const NodeRef& node, std::vector<std::pair<std::string, uint32_t>>& out) {
  for (size_t i = 0; i < 2 && node->op == Op::kEqual; ++i) {
    const NodeRef &column = bare(node->args[i]), &other = node->args[1 - i];
    const bool of_row = column->op == Op::kColumn && column->args[0]->op == Op::kName &&
                        column->args[0]->name == "row";
    if (of_row && reads_no_row(*other) && names_auth(*other)) {
      out.emplace_back(column->name, column->offset);
    }
  }
  for (const NodeRef& arg : node->args) compared_to_caller(arg, out);
}

// Whether an index begins with the column, after that of the tenant, which every list asks.
// References have one always, the id and keys theirs.
bool is_indexed(const model::Table& table, int index) {
  const model::Column& column = table.columns[static_cast<size_t>(index)];
  if (index == 0 || column.unique || column.shape.type == model::Type::kReference) return true;
  if (!table.key.empty() && table.key[0] == index) return true;
  return std::ranges::any_of(table.indexes, [&](const model::Index& one) {
    const bool tenants = one.columns[0] == table.tenant && one.columns.size() > 1;
    return one.columns[tenants ? 1 : 0] == index;
  });
}

void warn_of_scans(const TableInfo& table, model::Faults& faults) {
  if (!table.read.expr) return;
  std::vector<std::pair<std::string, uint32_t>> columns;
  compared_to_caller(table.read.expr->root_ref(), columns);
  for (const auto& [name, offset] : columns) {
    const int index = table.find(name);
    if (index < 0 || is_indexed(*table.table, index)) continue;
    faults.warning(table.read.expr->source().at(offset),
                   "tables." + table.table->name + ".access.read", "unindexed_rule",
                   fmt::format("no index begins with {}, so each list of {} reads every row of all "
                               "callers; if that is meant, `accept: [unindexed_rule]` says so",
                               name, table.table->name),
                   "indexes: [[" + name + "]]");
  }
}

}  // namespace

void warn_of_rules(const records::Catalog& catalog, model::Faults& faults) {
  for (const TableInfo& table : catalog.tables()) {
    if (!accepts(*table.table, "open_write")) warn_of_open_writes(table, faults);
    if (!accepts(*table.table, "unindexed_rule")) warn_of_scans(table, faults);
  }
}

}  // namespace mettle::app

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/mutant.h"
#include "rules/sql_writer.h"

namespace mettle::rules {

Kind kind_of(Type::Tag tag) {
  using Tag = Type::Tag;
  switch (tag) {
    case Tag::kBool:
      return Kind::kBool;
    case Tag::kInt:
      return Kind::kInt;
    case Tag::kFloat:
      return Kind::kFloat;
    case Tag::kDecimal:
      return Kind::kDecimal;
    case Tag::kText:
      return Kind::kText;
    case Tag::kBytes:
      return Kind::kBytes;
    case Tag::kUuid:
      return Kind::kUuid;
    case Tag::kTimestamp:
      return Kind::kTimestamp;
    case Tag::kDuration:
      return Kind::kDuration;
    case Tag::kDate:
      return Kind::kDate;
    case Tag::kTime:
      return Kind::kTime;
    case Tag::kJson:
      return Kind::kJson;
    default:
      return Kind::kNull;
  }
}

SqlWriter::Term SqlWriter::term(const NodeRef& node) {
  if (error_) return {"NULL", false, true};
  Term out = term_of(node);
  out.sql = bounded(std::move(out.sql));
  out.known = bounded(std::move(out.known));
  return out;
}

SqlWriter::Term SqlWriter::term_of(const NodeRef& node) {
  if (independent(*node)) return parameter_term(node);
  switch (node->op) {
    case Op::kColumn:
      return column(*node);
    case Op::kConvert:
      return converted(*node);
    case Op::kCast:
      return cast(*node);
    case Op::kConditional:
      return chosen(*node);
    case Op::kAdd:
    case Op::kSubtract:
    case Op::kMultiply:
    case Op::kDivide:
    case Op::kRemainder:
      return {arithmetic(*node), false, true};
    case Op::kNegate: {
      const Term x = term(node->args[0]);
      if (node->type.tag == Tag::kFloat) return {fmt::format("(- {})", x.sql), false, true};
      return {dialect_.guarded("-", x.sql, ""), false, true};
    }
    case Op::kRound:
      return {dialect_.decimal_round(term(node->args[0]).sql, node->args[0]->type.scale,
                                     node->type.scale),
              false, true};
    case Op::kDiv: {
      const Term a = term(node->args[0]), b = term(node->args[1]);
      return {dialect_.decimal_div(a.sql, node->args[0]->type.scale, b.sql,
                                   node->args[1]->type.scale, node->type.scale),
              false, true};
    }
    case Op::kSize: {
      const Tag of = node->args[0]->type.tag;
      if (of != Tag::kText && of != Tag::kBytes) break;
      const Term x = term(node->args[0]);
      return {dialect_.length(x.sql), false, x.nullable || x.unknowable};
    }
    default:
      if (node->type.tag == Tag::kBool && node->op != Op::kMember && node->op != Op::kElement) {
        const Condition c = condition(node, Mode::kExact);
        return {c.sql, false, c.maybe_null};
      }
  }
  unsupported("what lies in a json column, or a list of rows' values, as a value");
  return {"NULL", false, true};
}

SqlWriter::Term SqlWriter::parameter_term(const NodeRef& node) {
  if (node->op == Op::kLiteral) {
    const Value& value = node->value;
    switch (value.kind()) {
      case Kind::kNull:
        return {"NULL", true};
      case Kind::kUnknown:
        return {"NULL", false, true};
      case Kind::kBool:
        return {value.boolean() ? "TRUE" : "FALSE"};
      case Kind::kInt:
        if (value.integer() >= 0 && value.integer() <= INT32_MAX) {
          return {std::to_string(value.integer())};
        }
        break;
      default:
        break;
    }
    return {parameter(node)};
  }
  Term out{parameter(node), node->type.nullable, true};
  if (out.nullable) {
    Node known;
    known.op = Op::kKnown;
    known.type.tag = Tag::kBool;
    known.args = {node};
    out.known = parameter(share(std::move(known)));
  }
  return out;
}

SqlWriter::Term SqlWriter::column(const Node& node) {
  const Node& row = *node.args[0];
  const Rows rows = rows_at(row);
  Term out{column_of(row, rows, node.name), node.type.nullable};
  if (rows.from.empty()) return out;
  out.sql = fmt::format("(SELECT {} FROM {} WHERE {})", out.sql, rows.from, rows.where);
  out.unknowable = true;
  if (out.nullable) {
    out.known = fmt::format("EXISTS (SELECT 1 FROM {} WHERE {})", rows.from, rows.where);
  }
  return out;
}

SqlWriter::Term SqlWriter::chosen(const Node& node) {
  const Condition test = condition(node.args[0], Mode::kExact);
  const Term a = term(node.args[1]), b = term(node.args[2]);
  Term out;
  out.sql =
      fmt::format("(CASE {} WHEN TRUE THEN {} WHEN FALSE THEN {} END)", test.sql, a.sql, b.sql);
  out.nullable = a.nullable || b.nullable;
  out.unknowable = test.maybe_null || a.unknowable || b.unknowable;
  if (out.nullable && out.unknowable) {
    const std::string known_a = known(a), known_b = known(b);
    out.known =
        fmt::format("(CASE {} WHEN TRUE THEN {} WHEN FALSE THEN {} ELSE FALSE END)", test.sql,
                    known_a.empty() ? "TRUE" : known_a, known_b.empty() ? "TRUE" : known_b);
  }
  return out;
}

SqlWriter::Term SqlWriter::converted(const Node& node) {
  const NodeRef& arg = node.args[0];
  const Term x = term(arg);
  const Tag from = arg->type.tag, to = node.type.tag;
  Term out{x.sql, x.nullable && node.type.nullable, x.unknowable || x.nullable};
  const int from_scale = from == Tag::kDecimal ? arg->type.scale : 0;
  if (to == Tag::kDecimal) {  // from a decimal or an int
    CHECK(from_scale <= node.type.scale);
    if (from == Tag::kInt || from_scale < node.type.scale) {
      out.sql = dialect_.rescaled(x.sql, from_scale, node.type.scale);
    }
  } else if (to == Tag::kFloat) {  // a number of json may be an int
    out.sql = dialect_.converted(x.sql, from == Tag::kFloat ? Kind::kInt : kind_of(from),
                                 from_scale, Kind::kFloat);
  } else if (from != to) {
    out.sql = dialect_.converted(x.sql, kind_of(from), from_scale, kind_of(to));
  } else {
    return out;  // int(x) of an int: null is then unknown, and no more
  }
  out.unknowable = true;
  if (out.nullable) {
    const std::string fits = fmt::format("({} IS NULL OR {} IS NOT NULL)", x.sql, out.sql);
    const std::string before = known(x);
    out.known = before.empty() ? fits : fmt::format("({} AND {})", before, fits);
  }
  return out;
}

SqlWriter::Term SqlWriter::cast(const Node& node) {
  const auto part = json_part(*node.args[0]);
  if (!part) return {"NULL", false, true};
  Term out{dialect_.json_value(part->json, part->path, kind_of(node.type.tag)), true, true};
  out.known = fmt::format("(coalesce({}, FALSE) OR {} IS NOT NULL)",
                          dialect_.json_is_null(part->json, part->path), out.sql);
  return out;
}

std::string SqlWriter::arithmetic(const Node& node) {
  const Term a = term(node.args[0]), b = term(node.args[1]);
  const std::string_view op = node.op == Op::kAdd        ? "+"
                              : node.op == Op::kSubtract ? "-"
                              : node.op == Op::kMultiply ? "*"
                              : node.op == Op::kDivide   ? "/"
                                                         : "%";
  switch (node.type.tag) {
    case Tag::kText:
      return fmt::format("({} || {})", a.sql, b.sql);
    case Tag::kFloat:
      return dialect_.within(Kind::kFloat, fmt::format("({} {} {})", a.sql, op, b.sql));
    case Tag::kDecimal:
    case Tag::kTimestamp:
      return dialect_.within(kind_of(node.type.tag), dialect_.guarded(op, a.sql, b.sql));
    default:
      return dialect_.guarded(op, a.sql, b.sql);
  }
}

std::optional<SqlWriter::JsonPart> SqlWriter::json_part(const Node& node) {
  if (node.op == Op::kColumn) return JsonPart{column(node).sql, {}};
  const bool step =
      node.op == Op::kMember || (node.op == Op::kElement && node.args[1]->op == Op::kLiteral &&
                                 node.args[1]->value.kind() == Kind::kInt);
  if (!step) {
    unsupported("a part of json that no column holds");
    return std::nullopt;
  }
  auto base = json_part(*node.args[0]);
  if (!base) return base;
  if (node.op == Op::kMember) {
    base->path.push_back({node.name});
  } else {
    base->path.push_back({{}, node.args[1]->value.integer()});
  }
  return base;
}

std::string SqlWriter::known(const Term& term) const {
  if (!term.unknowable || planted(Mutant::kMissingRelationGrants)) return {};
  return term.nullable ? term.known : fmt::format("({} IS NOT NULL)", term.sql);
}

SqlWriter::Rows SqlWriter::rows_at(const Node& row) {
  if (row.op == Op::kName) {
    const std::string* alias = alias_of(row.name);
    return {alias ? *alias : "", {}, {}};
  }
  if (row.op != Op::kReference && row.op != Op::kRelated) {
    unsupported("a row that is chosen");
    return {};
  }
  const Node& base = *row.args[0];
  Rows rows = rows_at(base);
  const std::string key = column_of(base, rows, row.walk.from);
  rows.alias = fmt::format("mt_{}", next_alias_++);
  const std::string table = fmt::format("{} AS {}", dialect_.table(row.walk.table), rows.alias);
  const std::string match =
      fmt::format("{}.{} = {}{}", rows.alias, dialect_.identifier(row.walk.to), key,
                  of_tenant(row.walk, rows.alias));
  if (rows.from.empty()) {
    rows.from = table;
    rows.where = match;
  } else {
    rows.from += fmt::format(" JOIN {} ON {}", table, match);
  }
  return rows;
}

std::string SqlWriter::of_tenant(const Walk& walk, const std::string& alias) {
  if (walk.tenant.empty() || planted(Mutant::kTenantNotWalked)) return {};
  Node auth;
  auth.op = Op::kName;
  auth.name = "auth";
  Node tenant;
  tenant.op = Op::kMember;
  tenant.name = "tenant";
  tenant.args = {share(std::move(auth))};
  return " AND " +
         dialect_.true_of_many(fmt::format("({}.{} = {})", alias, dialect_.identifier(walk.tenant),
                                           parameter(share(std::move(tenant)))));
}

std::string SqlWriter::column_of(const Node& row, const Rows& rows, const std::string& name) {
  if (!rows.alias.empty()) return fmt::format("{}.{}", rows.alias, dialect_.identifier(name));
  Node column;
  column.op = Op::kColumn;
  column.name = name;
  column.args = {share(row)};
  return parameter(share(std::move(column)));
}

std::string SqlWriter::row_known(const Node& row, const std::string& name) {
  const Rows rows = rows_at(row);
  if (!rows.from.empty()) {
    return fmt::format("EXISTS (SELECT 1 FROM {} WHERE {})", rows.from, rows.where);
  }
  if (!rows.alias.empty()) return {};
  return fmt::format("({} IS NOT NULL)", column_of(row, rows, name));
}

const std::string* SqlWriter::alias_of(std::string_view name) const {
  for (auto it = aliases_.rbegin(); it != aliases_.rend(); ++it) {
    if (it->first == name) return &it->second;
  }
  return nullptr;
}

bool SqlWriter::independent(const Node& node) const {
  if (walks(node)) return false;
  std::vector<std::string> names;
  free_names(node, names);
  return std::ranges::none_of(
      names, [this](const std::string& name) { return alias_of(name) != nullptr; });
}

}  // namespace mettle::rules

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/mutant.h"
#include "rules/sql_writer.h"

namespace mettle::rules {
namespace {

constexpr char kMark = '\x01';

// Nested in halves: a flat chain is as deep as it is long for SQLite, which bounds the depth.
std::string balanced(std::string_view op, const std::vector<std::string>& parts, size_t from,
                     size_t to) {
  if (to - from == 1) return parts[from];
  const size_t middle = from + (to - from) / 2;
  return fmt::format("({} {} {})", balanced(op, parts, from, middle), op,
                     balanced(op, parts, middle, to));
}
std::string balanced(std::string_view op, const std::vector<std::string>& parts) {
  CHECK(!parts.empty());
  return balanced(op, parts, 0, parts.size());
}

std::string_view order_operator(Op op) {
  switch (op) {
    case Op::kLess:
      return "<";
    case Op::kLessEqual:
      return "<=";
    case Op::kGreater:
      return ">";
    default:
      return ">=";
  }
}

// The index between two marks.
size_t marked(const std::string& sql, size_t mark, size_t end) {
  CHECK(end != std::string::npos);
  size_t index = 0;
  for (size_t i = mark + 1; i < end; ++i) index = index * 10 + static_cast<size_t>(sql[i] - '0');
  return index;
}

std::string both(const std::string& a, const std::string& b) {
  if (a.empty()) return b;
  return b.empty() ? a : fmt::format("({} AND {})", a, b);
}

}  // namespace

SqlWriter::Condition SqlWriter::condition(const NodeRef& node, Mode mode) {
  if (error_) return {"NULL"};
  Condition out = condition_of(node, mode);
  out.sql = bounded(std::move(out.sql));
  return out;
}

SqlWriter::Condition SqlWriter::condition_of(const NodeRef& node, Mode mode) {
  if (independent(*node)) {
    const Term value = parameter_term(node);
    return {value.sql, value.nullable || value.unknowable};
  }
  switch (node->op) {
    case Op::kNot: {
      const Condition inner = condition(node->args[0], Mode::kExact);
      return {fmt::format("(NOT {})", inner.sql), inner.maybe_null};
    }
    case Op::kAnd:
    case Op::kOr:
      return logic(*node, mode);
    case Op::kConditional: {
      const Condition test = condition(node->args[0], Mode::kExact);
      const Condition a = condition(node->args[1], mode), b = condition(node->args[2], mode);
      return {
          fmt::format("(CASE {} WHEN TRUE THEN {} WHEN FALSE THEN {} END)", test.sql, a.sql, b.sql),
          test.maybe_null || a.maybe_null || b.maybe_null};
    }
    case Op::kEqual:
    case Op::kNotEqual: {
      Condition made = equality(*node, mode);
      if (node->name == kOfMany) made.sql = dialect_.true_of_many(std::move(made.sql));
      return made;
    }
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual:
      return order(*node);
    case Op::kIn:
      return among(*node, mode);
    case Op::kStartsWith:
    case Op::kEndsWith:
    case Op::kContains:
    case Op::kMatches:
      return text_test(*node);
    case Op::kExists:
    case Op::kAll:
      return quantified(*node, mode);
    case Op::kIsNull:
      if (const auto part = json_part(*node->args[0])) {
        return {dialect_.json_is_null(part->json, part->path)};
      }
      return {"NULL"};
    case Op::kHas:
      if (const auto part = json_part(*node->args[0])) {
        return {dialect_.json_has(part->json, part->path, node->name)};
      }
      return {"NULL"};
    default: {
      const Term value = term(node);
      return {value.sql, value.nullable || value.unknowable};
    }
  }
}

SqlWriter::Condition SqlWriter::logic(const Node& node, Mode mode) {
  std::vector<std::string> parts;
  bool maybe_null = false;
  for (const NodeRef& arg : node.args) {
    Condition each = condition(arg, mode);
    maybe_null = maybe_null || each.maybe_null;
    parts.push_back(std::move(each.sql));
  }
  return {balanced(node.op == Op::kAnd ? "AND" : "OR", parts), maybe_null};
}

SqlWriter::Condition SqlWriter::equality(const Node& node, Mode mode) {
  const Term a = term(node.args[0]), b = term(node.args[1]);
  const bool equal = node.op == Op::kEqual;
  const bool unknowable = a.unknowable || b.unknowable;
  if (!a.nullable && !b.nullable) {
    return {fmt::format("({} {} {})", a.sql, equal ? "=" : "<>", b.sql), unknowable};
  }
  // Null on one side only is not equal, as NULL is not true: `=`, which an index serves.
  if (mode == Mode::kTrue && equal && (!a.nullable || !b.nullable)) {
    return {fmt::format("({} = {})", a.sql, b.sql)};
  }
  std::string same = equal ? dialect_.is_same(a.sql, b.sql) : dialect_.is_not_same(a.sql, b.sql);
  const std::string guard = both(known(a), known(b));
  if (guard.empty()) return {std::move(same), false};
  if (mode == Mode::kTrue) return {fmt::format("({} AND {})", guard, same)};
  return {fmt::format("(CASE WHEN {} THEN {} END)", guard, same)};
}

SqlWriter::Condition SqlWriter::order(const Node& node) {
  const Term a = term(node.args[0]), b = term(node.args[1]);
  return {fmt::format("({} {} {})", a.sql, order_operator(node.op), b.sql),
          a.nullable || a.unknowable || b.nullable || b.unknowable};
}

SqlWriter::Condition SqlWriter::text_test(const Node& node) {
  const Term text = term(node.args[0]);
  const bool maybe_null = text.nullable || text.unknowable;
  if (node.op == Op::kMatches) {
    Node pattern;
    pattern.type.tag = Tag::kText;
    pattern.value = Value(node.name);
    return {dialect_.matches(text.sql, parameter(share(std::move(pattern)))), maybe_null};
  }
  const Term part = term(node.args[1]);
  const db::TextTest test = node.op == Op::kStartsWith ? db::TextTest::kStartsWith
                            : node.op == Op::kEndsWith ? db::TextTest::kEndsWith
                                                       : db::TextTest::kContains;
  return {dialect_.text_test(test, text.sql, part.sql),
          maybe_null || part.nullable || part.unknowable};
}

// `found` is exact for an x that is not null, NULL or FALSE for one that is.
SqlWriter::Condition SqlWriter::guarded_membership(const Term& x, std::string found,
                                                   std::string null_found, std::string guard,
                                                   Mode mode) {
  if (mode == Mode::kTrue && (!x.nullable || null_found == "FALSE")) {
    return {std::move(found)};
  }
  if (x.nullable) {
    found = fmt::format("(CASE WHEN {} IS NULL THEN {} ELSE {} END)", x.sql, null_found, found);
  }
  guard = both(known(x), guard);
  if (guard.empty()) return {std::move(found)};
  return {fmt::format("(CASE WHEN {} THEN {} END)", guard, found)};
}

SqlWriter::Condition SqlWriter::among(const Node& node, Mode mode) {
  const NodeRef& container = node.args[1];
  if (container->op == Op::kLiteral || (container->op == Op::kList && !independent(*container))) {
    return among_elements(node, mode);
  }
  if (!independent(*container)) {
    unsupported("`in` over json of a row");
    return {"NULL"};
  }
  const Term x = term(node.args[0]);
  Node stored;
  stored.op = Op::kStored;
  stored.type.tag = Tag::kList;
  stored.type.element = std::make_shared<const Type>(node.args[0]->type);
  stored.args = {container};
  const std::string list = parameter(share(std::move(stored)));
  std::string null_found = "FALSE";
  const Type* element = container->type.element.get();
  if (x.nullable && (element == nullptr || element->nullable || element->tag == Tag::kDyn)) {
    Node null, in;
    null.value = Null{};
    null.type.tag = Tag::kNull;
    in.op = Op::kIn;
    in.type.tag = Tag::kBool;
    in.args = {share(std::move(null)), container};
    null_found = parameter(share(std::move(in)));
  }
  const std::string guard = mode == Mode::kExact ? fmt::format("({} IS NOT NULL)", list) : "";
  return guarded_membership(x, dialect_.among(x.sql, list, kind_of(node.args[0]->type.tag)),
                            std::move(null_found), guard, mode);
}

SqlWriter::Condition SqlWriter::among_elements(const Node& node, Mode mode) {
  const Node& list = *node.args[1];
  std::vector<NodeRef> elements = list.args;
  if (list.op == Op::kLiteral) {
    for (const Value& each : list.value.list()) {
      Node element;
      element.type = *list.type.element;
      element.type.nullable = each.is_null();
      element.value = each;
      elements.push_back(share(std::move(element)));
    }
  }
  const auto is_literal = [](const NodeRef& e) { return e->op == Op::kLiteral; };
  if (std::ranges::all_of(elements, is_literal)) return among_literals(node, elements, mode);
  // The list is known if its elements are; then x is one of them or not.
  std::string guard;
  std::vector<std::string> parts;
  bool maybe_null = false;
  for (const NodeRef& each : elements) {
    guard = both(guard, known(term(each)));
    Node equal;
    equal.op = Op::kEqual;
    equal.type.tag = Tag::kBool;
    equal.args = {node.args[0], each};
    Condition part = condition(share(std::move(equal)), mode);
    maybe_null = maybe_null || part.maybe_null;
    parts.push_back(std::move(part.sql));
  }
  std::string any = balanced("OR", parts);
  if (guard.empty()) return {std::move(any), maybe_null};
  return {fmt::format("(CASE WHEN {} THEN {} END)", guard, any)};
}

SqlWriter::Condition SqlWriter::among_literals(const Node& node,
                                               const std::vector<NodeRef>& elements, Mode mode) {
  const Term x = term(node.args[0]);
  std::string list;
  bool has_null = false;
  for (const NodeRef& each : elements) {
    if (each->value.is_null()) {
      has_null = true;
      continue;
    }
    list += (list.empty() ? "" : ", ") + parameter_term(each).sql;
  }
  std::string found = list.empty() ? "FALSE" : fmt::format("({} IN ({}))", x.sql, list);
  Condition out = guarded_membership(x, std::move(found), has_null ? "TRUE" : "FALSE", {}, mode);
  out.maybe_null = mode == Mode::kTrue || x.unknowable;
  return out;
}

SqlWriter::Condition SqlWriter::quantified(const Node& node, Mode mode) {
  const Node& range = *node.args[0];
  if (range.op != Op::kRelated) {
    unsupported("exists or all over a list whose condition reads rows of the database");
    return {"NULL"};
  }
  const Rows rows = rows_at(range);
  aliases_.emplace_back(node.name, rows.alias);
  const bool exists = node.op == Op::kExists;
  const Condition body = condition(node.args[1], mode);
  aliases_.pop_back();
  const std::string row_guard = row_known(*range.args[0], range.walk.from);
  if (mode == Mode::kTrue && exists) {
    return {
        fmt::format("EXISTS (SELECT 1 FROM {} WHERE {} AND {})", rows.from, rows.where, body.sql)};
  }
  std::string sql;
  if (mode == Mode::kTrue) {
    sql = fmt::format("NOT EXISTS (SELECT 1 FROM {} WHERE {} AND {} {})", rows.from, rows.where,
                      body.sql, planted(Mutant::kUnknownPassesAll) ? "IS FALSE" : "IS NOT TRUE");
  } else {
    sql = quantified_exactly(node, rows, body);
  }
  const bool maybe_null = body.maybe_null && mode == Mode::kExact;
  if (row_guard.empty()) return {fmt::format("({})", sql), maybe_null};
  if (mode == Mode::kTrue) return {fmt::format("({} AND {})", row_guard, sql)};
  return {fmt::format("(CASE WHEN {} THEN {} END)", row_guard, sql)};
}

std::string SqlWriter::quantified_exactly(const Node& node, const Rows& rows,
                                          const Condition& body) {
  const bool exists = node.op == Op::kExists;
  if (!body.maybe_null) {
    return fmt::format("{}EXISTS (SELECT 1 FROM {} WHERE {} AND {}{})", exists ? "" : "NOT ",
                       rows.from, rows.where, exists ? "" : "NOT ", body.sql);
  }
  // One pass: 2 for true, 1 for unknown, 0 for false; of no rows the extreme is NULL.
  return fmt::format(
      "(SELECT CASE {}(CASE {} WHEN TRUE THEN 2 WHEN FALSE THEN 0 ELSE 1 END) WHEN {} THEN {} "
      "WHEN 1 THEN NULL ELSE {} END FROM {} WHERE {})",
      exists ? "max" : "min", body.sql, exists ? 2 : 0, exists ? "TRUE" : "FALSE",
      exists ? "FALSE" : "TRUE", rows.from, rows.where);
}

SqlWriter::SqlWriter(const std::vector<SqlRow>& rows, const db::Dialect& dialect)
    : dialect_(dialect) {
  for (const SqlRow& row : rows) aliases_.emplace_back(row.name, row.alias);
}

Result<SqlExpr> SqlWriter::run(const NodeRef& root, SqlContext context) {
  SqlExpr out;
  if (context == SqlContext::kCondition) {
    out.sql = condition(root, Mode::kTrue).sql;
  } else if (root->type.tag == Tag::kBool) {
    out.sql = condition(root, Mode::kExact).sql;
  } else {
    out.sql = term(root).sql;
  }
  if (error_) return fail(*error_);
  keep_used(out);
  return out;
}

// What was made and then not needed goes: a statement takes as many values as it names.
void SqlWriter::keep_used(SqlExpr& out) const {
  std::vector<size_t> numbers(parameters_.size(), SIZE_MAX);
  std::string sql;
  size_t at = 0;
  for (;;) {
    const size_t mark = out.sql.find(kMark, at);
    sql.append(out.sql, at, mark - at);
    if (mark == std::string::npos) break;
    const size_t end = out.sql.find(kMark, mark + 1);
    const size_t index = marked(out.sql, mark, end);
    size_t& number = numbers[index];
    if (number == SIZE_MAX) {
      number = out.parameters.size();
      out.parameters.push_back(parameters_[index]);
    }
    sql += fmt::format("{}{}{}", kMark, number, kMark);
    at = end + 1;
  }
  out.sql = std::move(sql);
}

std::string SqlWriter::bounded(std::string sql) {
  constexpr size_t kSqlBytesMax = 64 * 1024;
  if (sql.size() <= kSqlBytesMax) return sql;
  if (!error_) error_ = make_error(Code::kQueryTooComplex, "the rule is too complex for SQL");
  return "NULL";
}

void SqlWriter::unsupported(std::string what) {
  if (!error_) error_ = make_error(Code::kInvalidApp, std::move(what) + " cannot be said in SQL");
}

std::string SqlWriter::parameter(const NodeRef& node) {
  size_t index = 0;
  while (index < parameters_.size() && !same_tree(parameters_[index]->root(), *node)) ++index;
  if (index == parameters_.size()) parameters_.push_back(std::make_shared<const Expr>(node));
  return fmt::format("{}{}{}", kMark, index, kMark);
}

Result<SqlExpr> to_sql(const Expr& expr, const std::vector<SqlRow>& rows,
                       const db::Dialect& dialect, SqlContext context) {
  return SqlWriter(rows, dialect).run(expr.root_ref(), context);
}

std::string number(const SqlExpr& expr, const db::Dialect& dialect, int first) {
  std::string out;
  out.reserve(expr.sql.size());
  size_t at = 0;
  for (;;) {
    const size_t mark = expr.sql.find(kMark, at);
    out.append(expr.sql, at, mark - at);
    if (mark == std::string::npos) return out;
    const size_t end = expr.sql.find(kMark, mark + 1);
    out += dialect.parameter(first + static_cast<int>(marked(expr.sql, mark, end)));
    at = end + 1;
  }
}

}  // namespace mettle::rules

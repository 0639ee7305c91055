#include "rules/check.h"

#include <algorithm>

#include "base/check.h"
#include "rules/fold.h"

namespace mettle::rules {

Type make_type(Type::Tag tag, bool nullable) {
  Type type;
  type.tag = tag;
  type.nullable = nullable;
  return type;
}
bool is_dyn(const Type& type) {
  return type.tag == Type::Tag::kDyn || type.tag == Type::Tag::kJson;
}
bool is_null_literal(const Node& node) {
  return node.op == Op::kLiteral && node.value.is_null();
}
bool is_text_literal(const Node& node) {
  return node.op == Op::kLiteral && node.value.kind() == Kind::kText;
}

NodeRef converted(const NodeRef& node, Type to) {
  to.nullable = node->type.nullable;
  Node out;
  out.op = Op::kConvert;
  out.type = std::move(to);
  out.offset = node->offset;
  out.args = {node};
  return fold(std::move(out));
}

NodeRef cast_to(const NodeRef& node, Type::Tag tag) {
  Node out;
  out.op = Op::kCast;
  out.type = make_type(tag, true);
  out.offset = node->offset;
  out.args = {node};
  return fold(std::move(out));
}

std::nullptr_t Checker::fault(uint32_t offset, std::string code, std::string message,
                              std::string fix) {
  faults_.error(source_.at(offset), path_, std::move(code), std::move(message), std::move(fix));
  return nullptr;
}

NodeRef Checker::check(const Syntax& syntax) {
  using Kind = Syntax::Kind;
  switch (syntax.kind) {
    case Kind::kLiteral:
      return literal(syntax);
    case Kind::kName:
      return name(syntax);
    case Kind::kMember:
      return member(syntax);
    case Kind::kElement:
      return element(syntax);
    case Kind::kCall:
      return call(syntax);
    case Kind::kMethod:
      return method(syntax);
    case Kind::kUnary:
      return unary(syntax);
    case Kind::kBinary:
      return binary(syntax);
    case Kind::kLogic:
      return logic(syntax);
    case Kind::kConditional:
      return conditional(syntax);
    case Kind::kList:
      return list(syntax);
  }
  CHECK(false);
}

NodeRef Checker::literal(const Syntax& syntax) {
  Node node;
  node.offset = syntax.offset;
  node.value = syntax.value;
  switch (syntax.value.kind()) {
    case mettle::Kind::kBool:
      node.type = make_type(Tag::kBool);
      break;
    case mettle::Kind::kInt:
      node.type = make_type(Tag::kInt);
      break;
    case mettle::Kind::kFloat:
      node.type = make_type(Tag::kFloat);
      break;
    case mettle::Kind::kText:
      node.type = make_type(Tag::kText);
      break;
    default:
      node.type = make_type(Tag::kNull, true);
  }
  return share(std::move(node));
}

NodeRef Checker::name(const Syntax& syntax) {
  Node node;
  node.op = Op::kName;
  node.offset = syntax.offset;
  node.name = syntax.name;
  for (auto it = variables_.rbegin(); it != variables_.rend(); ++it) {
    if (it->first != syntax.name) continue;
    node.type = it->second;
    return share(std::move(node));
  }
  if (const Type* type = environment_.find(syntax.name)) {
    node.type = *type;
    return share(std::move(node));
  }
  std::vector<std::string> names = environment_.names();
  for (const auto& [variable, type] : variables_) names.push_back(variable);
  std::string known;
  for (const std::string& each : names) known += (known.empty() ? "" : ", ") + each;
  return fault(syntax.offset, "rule_unknown_name",
               "`" + syntax.name + "` is not a name here; there are: " + known,
               model::nearest(syntax.name, names));
}

NodeRef Checker::member(const Syntax& syntax) {
  NodeRef base = check(*syntax.args[0]);
  if (!base) return nullptr;
  return member_of(std::move(base), syntax.name, syntax.offset);
}

NodeRef Checker::member_of(NodeRef base, const std::string& name, uint32_t offset) {
  const Type type = base->type;
  if (type.tag == Tag::kRow) return row_member(std::move(base), name, offset);
  Node node;
  node.op = Op::kMember;
  node.offset = offset;
  node.name = name;
  if (type.tag == Tag::kObject) {
    const auto it = type.members->find(name);
    if (it == type.members->end()) {
      std::vector<std::string> names;
      for (const auto& [each, member_type] : *type.members) names.push_back(each);
      return fault(offset, "rule_unknown_name", "there is no member `" + name + "` here",
                   model::nearest(name, names));
    }
    node.type = it->second;
  } else if (type.tag == Tag::kMap) {
    node.type = *type.element;
  } else if (is_dyn(type)) {
    node.type = make_type(Tag::kDyn, true);
  } else if (type.tag == Tag::kList && type.element->tag == Tag::kRow) {
    return fault(offset, "rule_type", "these are many rows; say exists(x, …) or all(x, …) of them");
  } else {
    return fault(offset, "rule_type", "a " + type.to_string() + " has no member `" + name + "`");
  }
  node.args = {std::move(base)};
  return share(std::move(node));
}

NodeRef Checker::row_member(NodeRef base, const std::string& name, uint32_t offset) {
  const model::AppModel& app = environment_.app();
  const int table_index = base->type.table;
  const model::Table& table = app.tables[static_cast<size_t>(table_index)];
  Node node;
  node.offset = offset;
  node.name = name;
  node.args = {std::move(base)};
  const int column = table.find_column(name);
  if (column >= 0 && !table.columns[static_cast<size_t>(column)].hidden) {
    node.op = Op::kColumn;
    node.type = type_of(app, table.columns[static_cast<size_t>(column)].shape);
    return share(std::move(node));
  }
  const model::Relation* relation = app.find_relation(table_index, name);
  if (relation == nullptr) {
    std::vector<std::string> names;
    for (const model::Column& each : table.columns) {
      if (!each.hidden) names.push_back(each.name);
    }
    for (const model::Relation& each : app.relations) {
      if (each.from_table == table_index) names.push_back(each.name);
    }
    return fault(offset, "rule_unknown_column",
                 "table `" + table.name + "` has no column or relation `" + name + "`",
                 model::nearest(name, names));
  }
  const model::Table& target = app.tables[static_cast<size_t>(relation->to_table)];
  const model::Table& holder = relation->to_one ? table : target;
  const std::string& key = holder.columns[static_cast<size_t>(relation->column)].name;
  node.walk = {target.name, relation->to_one ? key : "id", relation->to_one ? "id" : key, {}};
  if (target.tenant >= 0) {
    node.walk.tenant = target.columns[static_cast<size_t>(target.tenant)].name;
  }
  node.op = relation->to_one ? Op::kReference : Op::kRelated;
  node.type = row_type(relation->to_table);
  if (!relation->to_one) {
    Type rows = make_type(Tag::kList);
    rows.element = std::make_shared<const Type>(node.type);
    node.type = std::move(rows);
  }
  return share(std::move(node));
}

NodeRef Checker::element(const Syntax& syntax) {
  NodeRef base = check(*syntax.args[0]);
  NodeRef index = check(*syntax.args[1]);
  if (!base || !index) return nullptr;
  const Type& type = base->type;
  const bool named = type.tag == Tag::kMap || type.tag == Tag::kObject || type.tag == Tag::kRow;
  if ((named || is_dyn(type)) && is_text_literal(*index) && type.tag != Tag::kMap) {
    const std::string& key = index->value.text();
    const bool plain_key = std::ranges::all_of(
        key, [](char c) { return static_cast<uint8_t>(c) >= 0x20 && c != '"' && c != '\\'; });
    if (!plain_key) {
      return fault(index->offset, "rule_type", "a json key here has no quotes or backslashes");
    }
    return member_of(std::move(base), key, syntax.offset);
  }
  Node node;
  node.op = Op::kElement;
  node.offset = syntax.offset;
  const bool related = type.tag == Tag::kList && type.element->tag == Tag::kRow && walks(*base);
  if (type.tag == Tag::kList && !related) {
    if (index->type.tag != Tag::kInt) {
      return fault(index->offset, "rule_type", "an element of a list is named by an int");
    }
    node.type = *type.element;
  } else if (type.tag == Tag::kMap) {
    if (index->type.tag != Tag::kText) {
      return fault(index->offset, "rule_type", "a member of a map is named by a text");
    }
    node.type = *type.element;
  } else if (is_dyn(type)) {
    if (index->op != Op::kLiteral || index->value.kind() != Kind::kInt ||
        index->value.integer() < 0) {
      return fault(index->offset, "rule_type",
                   "a part of json is named by a literal: a text, or an int from 0");
    }
    node.type = make_type(Tag::kDyn, true);
  } else {
    return fault(syntax.offset, "rule_type",
                 "a " + type.to_string() + " has no elements to take by [ ]");
  }
  node.args = {std::move(base), std::move(index)};
  return fold(std::move(node));
}

NodeRef Checker::list(const Syntax& syntax) {
  Node node;
  node.op = Op::kList;
  node.offset = syntax.offset;
  for (const SyntaxRef& each : syntax.args) {
    node.args.push_back(check(*each));
    if (!node.args.back()) return nullptr;
  }
  for (size_t i = 1; i < node.args.size(); ++i) {
    if (!unify(node.args[0], node.args[i], node.args[i]->offset)) return nullptr;
  }
  align_decimals(node.args);
  Type element;
  for (const NodeRef& arg : node.args) {
    if (element.tag == Tag::kDyn || element.tag == Tag::kNull) {
      element.tag = arg->type.tag;
      element = arg->type;
    }
  }
  element.values = nullptr;
  element.nullable =
      std::ranges::any_of(node.args, [](const NodeRef& a) { return a->type.nullable; });
  node.type = make_type(Tag::kList);
  node.type.element = std::make_shared<const Type>(std::move(element));
  return fold(std::move(node));
}

// A bool; json that should hold one is asked.
NodeRef Checker::condition(const Syntax& syntax) {
  NodeRef node = check(syntax);
  if (!node) return nullptr;
  if (is_dyn(node->type)) return cast_to(node, Tag::kBool);
  if (node->type.tag == Tag::kBool) return node;
  return fault(
      node->offset, "rule_type",
      "a condition must stand here (true or false), and this is " + node->type.to_string());
}

NodeRef Checker::logic(const Syntax& syntax) {
  Node node;
  node.op = syntax.name == "&&" ? Op::kAnd : Op::kOr;
  node.type = make_type(Tag::kBool);
  node.offset = syntax.offset;
  bool whole = true;
  for (const SyntaxRef& arg : syntax.args) {
    NodeRef each = condition(*arg);
    whole = whole && each != nullptr;
    node.args.push_back(std::move(each));
  }
  if (!whole) return nullptr;
  return fold(std::move(node));
}

NodeRef Checker::conditional(const Syntax& syntax) {
  NodeRef test = condition(*syntax.args[0]);
  NodeRef a = check(*syntax.args[1]);
  NodeRef b = check(*syntax.args[2]);
  if (!test || !a || !b) return nullptr;
  const bool both_dyn = is_dyn(a->type) && is_dyn(b->type);
  const bool both_lists = a->type.tag == Tag::kList && b->type.tag == Tag::kList;
  if (both_dyn || a->type.tag == Tag::kRow || both_lists || a->type.tag == Tag::kObject) {
    return fault(syntax.offset, "rule_type",
                 "`? :` chooses between single values, not " + a->type.to_string());
  }
  if (!unify(a, b, syntax.offset)) return nullptr;
  Node node;
  node.op = Op::kConditional;
  node.type = a->type.tag == Tag::kNull ? b->type : a->type;
  if (node.type.tag == Tag::kInt && b->type.tag == Tag::kFloat) {
    a = converted(a, b->type);
    node.type = a->type;
  } else if (node.type.tag == Tag::kFloat && b->type.tag == Tag::kInt) {
    b = converted(b, a->type);
  }
  node.type.values = nullptr;
  node.type.nullable = a->type.nullable || b->type.nullable;
  node.offset = syntax.offset;
  node.args = {std::move(test), std::move(a), std::move(b)};
  return fold(std::move(node));
}

}  // namespace mettle::rules

#include "model/app_model.h"

namespace mettle::model {

std::string_view type_name(Type type) {
  switch (type) {
    case Type::kText:
      return "text";
    case Type::kInt:
      return "int";
    case Type::kFloat:
      return "float";
    case Type::kDecimal:
      return "decimal";
    case Type::kBool:
      return "bool";
    case Type::kDate:
      return "date";
    case Type::kTime:
      return "time";
    case Type::kTimestamp:
      return "timestamp";
    case Type::kUuid:
      return "uuid";
    case Type::kJson:
      return "json";
    case Type::kBytes:
      return "bytes";
    case Type::kEnum:
      return "enum";
    case Type::kReference:
      return "references";
    case Type::kFile:
      return "file";
    case Type::kList:
      return "list";
    case Type::kObject:
      return "object";
  }
  return {};
}

Kind type_kind(Type type) {
  switch (type) {
    case Type::kText:
    case Type::kEnum:
      return Kind::kText;
    case Type::kInt:
      return Kind::kInt;
    case Type::kFloat:
      return Kind::kFloat;
    case Type::kDecimal:
      return Kind::kDecimal;
    case Type::kBool:
      return Kind::kBool;
    case Type::kDate:
      return Kind::kDate;
    case Type::kTime:
      return Kind::kTime;
    case Type::kTimestamp:
      return Kind::kTimestamp;
    case Type::kUuid:
    case Type::kReference:
    case Type::kFile:
      return Kind::kUuid;
    case Type::kJson:
      return Kind::kJson;
    case Type::kBytes:
      return Kind::kBytes;
    case Type::kList:
      return Kind::kList;
    case Type::kObject:
      return Kind::kMap;
  }
  return Kind::kNull;
}

Kind AppModel::kind_of(const Shape& shape) const {
  if (shape.type == Type::kReference && shape.references >= 0 &&
      tables[static_cast<size_t>(shape.references)].id_type == IdType::kInt) {
    return Kind::kInt;
  }
  return type_kind(shape.type);
}

Expression::Expression() = default;

Shape::Shape(const Shape& other)
    : type(other.type),
      optional(other.optional),
      default_value(other.default_value),
      length_min(other.length_min),
      length_max(other.length_max),
      min(other.min),
      max(other.max),
      precision(other.precision),
      scale(other.scale),
      match(other.match),
      match_pos(other.match_pos),
      values(other.values),
      references(other.references),
      members(other.members),
      element(other.element ? std::make_unique<Shape>(*other.element) : nullptr),
      pos(other.pos) {}

Shape& Shape::operator=(const Shape& other) {
  Shape copy(other);
  *this = std::move(copy);
  return *this;
}

int Table::find_column(std::string_view column) const {
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == column) return static_cast<int>(i);
  }
  return -1;
}

int AppModel::find_table(std::string_view name) const {
  for (size_t i = 0; i < tables.size(); ++i) {
    if (tables[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

const Relation* AppModel::find_relation(int from_table, std::string_view name) const {
  for (const Relation& relation : relations) {
    if (relation.from_table == from_table && relation.name == name) return &relation;
  }
  return nullptr;
}

}  // namespace mettle::model

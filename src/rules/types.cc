#include <utility>

#include "base/check.h"
#include "rules/rules.h"

namespace mettle::rules {
namespace {

Type::Tag tag_of(model::Type type) {
  using From = model::Type;
  using Tag = Type::Tag;
  switch (type) {
    case From::kText:
    case From::kEnum:
    case From::kFile:
      return Tag::kText;
    case From::kInt:
      return Tag::kInt;
    case From::kFloat:
      return Tag::kFloat;
    case From::kDecimal:
      return Tag::kDecimal;
    case From::kBool:
      return Tag::kBool;
    case From::kDate:
      return Tag::kDate;
    case From::kTime:
      return Tag::kTime;
    case From::kTimestamp:
      return Tag::kTimestamp;
    case From::kUuid:
    case From::kReference:
      return Tag::kUuid;
    case From::kJson:
      return Tag::kJson;
    case From::kBytes:
      return Tag::kBytes;
    case From::kList:
      return Tag::kList;
    case From::kObject:
      return Tag::kObject;
  }
  CHECK(false);
}

Type simple(Type::Tag tag, bool nullable = false) {
  Type type;
  type.tag = tag;
  type.nullable = nullable;
  return type;
}

Type list_of(Type element) {
  Type type = simple(Type::Tag::kList);
  type.element = std::make_shared<const Type>(std::move(element));
  return type;
}

Type one_of(std::vector<std::string> values) {
  Type type = simple(Type::Tag::kText);
  if (!values.empty()) {
    type.values = std::make_shared<const std::vector<std::string>>(std::move(values));
  }
  return type;
}

// Of the column, but never null: who has no tenant has an unknown one.
Type tenant_type(const model::AppModel& app) {
  const model::Table& people = app.tables[static_cast<size_t>(app.auth.table)];
  Type type = type_of(app, people.columns[static_cast<size_t>(app.auth.tenant)].shape);
  type.nullable = false;
  return type;
}

}  // namespace

Type type_of(const model::AppModel& app, const model::Shape& shape) {
  Type type = simple(tag_of(shape.type), shape.optional);
  switch (shape.type) {
    case model::Type::kDecimal:
      type.scale = shape.scale;
      break;
    case model::Type::kEnum:
      type.values = std::make_shared<const std::vector<std::string>>(shape.values);
      break;
    case model::Type::kReference:
      if (shape.references >= 0 &&
          app.tables[static_cast<size_t>(shape.references)].id_type == model::IdType::kInt) {
        type.tag = Type::Tag::kInt;
      }
      break;
    case model::Type::kObject:
      type.members = object_type(app, shape.members).members;
      break;
    case model::Type::kList:
      // A list of objects may name its members in place of an element.
      type.element = std::make_shared<const Type>(shape.element ? type_of(app, *shape.element)
                                                                : object_type(app, shape.members));
      break;
    default:
      break;
  }
  return type;
}

Type object_type(const model::AppModel& app, const std::vector<model::Member>& members) {
  std::map<std::string, Type> types;
  for (const model::Member& member : members) types[member.name] = type_of(app, member.shape);
  Type type = simple(Type::Tag::kObject);
  type.members = std::make_shared<const std::map<std::string, Type>>(std::move(types));
  return type;
}

Type row_type(int table) {
  Type type = simple(Type::Tag::kRow);
  type.table = table;
  return type;
}

std::string Type::to_string() const {
  static constexpr std::string_view kNames[] = {
      "dyn",       "null",     "bool", "int",  "float", "decimal", "text", "bytes",  "uuid",
      "timestamp", "duration", "date", "time", "json",  "list",    "row",  "object", "map"};
  std::string out(kNames[static_cast<size_t>(tag)]);
  if (tag == Tag::kDecimal) out += "(" + std::to_string(scale) + ")";
  if (tag == Tag::kList && element) out += " of " + element->to_string();
  return out;
}

void Environment::declare(std::string name, Type type) {
  names_.insert_or_assign(std::move(name), std::move(type));
}

const Type* Environment::find(std::string_view name) const {
  const auto it = names_.find(name);
  return it == names_.end() ? nullptr : &it->second;
}

std::vector<std::string> Environment::names() const {
  std::vector<std::string> out;
  for (const auto& [name, type] : names_) out.push_back(name);
  return out;
}

Environment Environment::base(const model::AppModel& app) {
  using Tag = Type::Tag;
  const bool int_id =
      app.auth.table >= 0 &&
      app.tables[static_cast<size_t>(app.auth.table)].id_type == model::IdType::kInt;
  Type claims = simple(Tag::kMap);
  claims.element = std::make_shared<const Type>();
  std::map<std::string, Type> auth;
  auth["signed_in"] = simple(Tag::kBool);
  auth["kind"] = one_of({"nobody", "user", "key", "service"});
  auth["id"] = simple(int_id ? Tag::kInt : Tag::kUuid);
  auth["roles"] = list_of(one_of(app.auth.roles));
  auth["scopes"] = list_of(simple(Tag::kText));
  auth["claims"] = claims;
  auth["aal"] = simple(Tag::kInt);
  if (app.auth.tenant >= 0) auth["tenant"] = tenant_type(app);
  std::map<std::string, Type> request;
  request["method"] = simple(Tag::kText);
  request["path"] = simple(Tag::kText);
  request["id"] = simple(Tag::kText);

  Environment out(app);
  Type object = simple(Tag::kObject);
  object.members = std::make_shared<const std::map<std::string, Type>>(std::move(auth));
  out.declare("auth", object);
  object.members = std::make_shared<const std::map<std::string, Type>>(std::move(request));
  out.declare("request", object);
  out.declare("now", simple(Tag::kTimestamp));
  return out;
}

Bindings::Name& Bindings::slot(std::string name) {
  for (size_t i = 0; i < count_; ++i) {
    if (at(i).name == name) return at(i);
  }
  if (count_ >= kInPlace) more_.emplace_back();
  Name& made = at(count_++);
  made.name = std::move(name);
  return made;
}

void Bindings::bind(std::string name, Value value) {
  Name& bound = slot(std::move(name));
  bound.value = std::move(value);
  bound.make = nullptr;
}

void Bindings::bind_lazily(std::string name, std::function<Value()> make) {
  slot(std::move(name)).make = std::move(make);
}

const Value* Bindings::find(std::string_view name) const {
  for (size_t i = count_; i > 0; --i) {
    Name& bound = at(i - 1);
    if (bound.name != name) continue;
    if (bound.make) {
      bound.value = bound.make();
      bound.make = nullptr;
    }
    return &bound.value;
  }
  return nullptr;
}

}  // namespace mettle::rules

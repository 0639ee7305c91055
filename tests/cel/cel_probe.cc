// One expression a line through our parser, checker, evaluator and SQL, for
// tests/cel/conformance.mjs: in
// {"expr","env":{name:type},"bindings":{name:value}}, out {"refused"} or {"memory","row","sql"},
// values in the JSON form of CEL's specification. Three ways, since they share little code: as
// written (mostly folded when it is compiled), in memory over a row that holds what were literals,
// and the same as SQL over such a row.
#include <cmath>
#include <iostream>

#include "base/datetime.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "db/sqlite/store_fixture.h"
#include "rules/check.h"

namespace mettle::rules {
namespace {

using Tag = Type::Tag;

// ------------------------------------------------------------------------------------ values in
// and out

std::string member_text(const JsonNode& object, std::string_view key) {
  const auto found = object.find(key);
  return found && found->is_string() ? found->text() : std::string();
}

// What the cases of our subset bind; anything else is nullopt.
std::optional<Value> value_of(const JsonNode& cel) {
  if (const auto v = cel.find("int64Value")) return Value(int64_t{std::stoll(v->text())});
  if (const auto v = cel.find("doubleValue")) return Value(v->real());
  if (const auto v = cel.find("stringValue")) return Value(v->text());
  if (const auto v = cel.find("boolValue")) return Value(v->boolean());
  if (cel.find("nullValue")) return Value(Null{});
  if (const auto v = cel.find("listValue")) {
    List out;
    if (const auto values = v->find("values")) {
      for (const JsonNode each : values->elements()) {
        const auto element = value_of(each);
        if (!element) return std::nullopt;
        out.push_back(*element);
      }
    }
    return Value(std::move(out));
  }
  if (const auto v = cel.find("mapValue")) {
    Map out;
    if (const auto entries = v->find("entries")) {
      for (const JsonNode each : entries->elements()) {
        const auto key = each.find("key");
        const auto value = each.find("value");
        const auto element = value ? value_of(*value) : std::nullopt;
        if (!key || !element) return std::nullopt;
        out.emplace_back(member_text(*key, "stringValue"), *element);
      }
    }
    return Value(std::move(out));
  }
  if (const auto v = cel.find("objectValue")) {
    const std::string type = member_text(*v, "@type");
    const std::string text = member_text(*v, "value");
    if (type.ends_with("google.protobuf.Timestamp")) {
      const auto time = parse_timestamp(text);
      if (time) return Value(*time);
    }
    if (type.ends_with("google.protobuf.Duration")) {
      const auto duration = parse_cel_duration(text);
      if (duration) return Value(*duration);
    }
  }
  return std::nullopt;
}

void write_cel(JsonWriter& out, const Value& v) {
  out.begin_object();
  switch (v.kind()) {
    case Kind::kInt:
      out.key("int64Value");
      out.string(std::to_string(v.integer()));
      break;
    case Kind::kFloat:
      out.key("doubleValue");
      out.real(v.real());
      break;
    case Kind::kText:
      out.key("stringValue");
      out.string(v.text());
      break;
    case Kind::kBool:
      out.key("boolValue");
      out.boolean(v.boolean());
      break;
    case Kind::kNull:
      out.key("nullValue");
      out.null();
      break;
    case Kind::kTimestamp:
      out.key("timestamp");
      out.string(std::to_string(v.timestamp().us));
      break;
    case Kind::kDuration:
      out.key("duration");
      out.string(std::to_string(v.duration().us));
      break;
    case Kind::kList:
      out.key("listValue");
      out.begin_array();
      for (const Value& each : v.list()) write_cel(out, each);
      out.end_array();
      break;
    case Kind::kUnknown:
      out.key("unknown");
      out.boolean(true);
      break;
    default:
      out.key("other");
      out.string(kind_name(v.kind()));
  }
  out.end_object();
}

std::optional<Type> type_named(std::string_view name) {
  Type type;
  static constexpr std::pair<std::string_view, Tag> kTypes[] = {
      {"int", Tag::kInt},          {"double", Tag::kFloat}, {"string", Tag::kText},
      {"bool", Tag::kBool},        {"null", Tag::kNull},    {"timestamp", Tag::kTimestamp},
      {"duration", Tag::kDuration}};
  for (const auto& [known, tag] : kTypes) {
    if (known == name) return make_type(tag, tag == Tag::kNull);
  }
  for (const std::string_view container : {"list<", "map<"}) {
    if (!name.starts_with(container) || !name.ends_with('>')) continue;
    name.remove_prefix(container.size());
    name.remove_suffix(1);
    const auto element = type_named(name);
    if (!element) return std::nullopt;
    type.tag = container == "list<" ? Tag::kList : Tag::kMap;
    type.element = std::make_shared<const Type>(*element);
    return type;
  }
  return std::nullopt;
}

// -------------------------------------------------------------------------------------- literals
// as columns

struct Column {
  std::string name;
  Type type;
  Value value;
};

// What a column must be to hold the value; none: no column does.
std::optional<model::Type> type_of_value(const Value& v) {
  switch (v.kind()) {
    case Kind::kInt:
      return model::Type::kInt;
    case Kind::kFloat:
      return model::Type::kFloat;
    case Kind::kText:
      return model::Type::kText;
    case Kind::kBool:
      return model::Type::kBool;
    case Kind::kTimestamp:
      return model::Type::kTimestamp;
    default:
      return std::nullopt;
  }
}

// Turns literals, and names that hold scalars, into members of `row`, so that nothing is known when
// the rule is compiled. What must be a literal stays one.
class Rower {
 public:
  Rower(const Environment& environment, const Bindings& bindings, bool lists)
      : environment_(environment), bindings_(bindings), lists_(lists) {}

  void visit(SyntaxRef& node) {
    using Kind = Syntax::Kind;
    switch (node->kind) {
      case Kind::kLiteral:
        if (!node->value.is_null()) replace(node, node->value);
        return;
      case Kind::kName:
        if (const Value* bound = bindings_.find(node->name);
            bound && environment_.find(node->name)) {
          if (type_of_value(*bound)) replace(node, *bound);
        }
        return;
      case Kind::kList:
        if (lists_) break;
        return;
      case Kind::kElement:
        if (lists_) visit(node->args[0]);
        return;
      case Kind::kCall:
        // time and decimal literals are calls of a literal
        if (node->args.size() == 1 && node->args[0]->kind == Kind::kLiteral &&
            node->args[0]->value.kind() == mettle::Kind::kText && reads_literal(node->name)) {
          const auto time = parse_timestamp(node->args[0]->value.text());
          if (node->name == "timestamp" && time) replace(node, Value(*time));
          return;
        }
        break;
      case Kind::kMethod:
        if (node->name == "matches") {
          visit(node->args[0]);
          return;
        }
        if (node->name == "exists" || node->name == "all") {
          if (lists_ && node->args.size() == 3) visit(node->args[2]);
          return;
        }
        break;
      default:
        break;
    }
    for (SyntaxRef& arg : node->args) visit(arg);
  }
  const std::vector<Column>& columns() const { return columns_; }

 private:
  static bool reads_literal(std::string_view name) {
    return name == "timestamp" || name == "duration" || name == "date" || name == "time" ||
           name == "uuid" || name == "decimal";
  }
  void replace(SyntaxRef& node, const Value& value) {
    columns_.push_back({"c" + std::to_string(columns_.size()), {}, value});
    auto row = std::make_unique<Syntax>();
    row->kind = Syntax::Kind::kName;
    row->offset = node->offset;
    row->name = "row";
    auto member = std::make_unique<Syntax>();
    member->kind = Syntax::Kind::kMember;
    member->offset = node->offset;
    member->name = columns_.back().name;
    member->args.push_back(std::move(row));
    node = std::move(member);
  }

  const Environment& environment_;
  const Bindings& bindings_;
  bool lists_;
  std::vector<Column> columns_;
};

model::Type column_type(const Value& v) {
  return type_of_value(v).value_or(model::Type::kBool);
}

// -------------------------------------------------------------------------------------------------
// the probe

class Probe : public db::StoreTest {
 public:
  void TestBody() override {}
  void begin() { open(); }

  void answer(const std::string& line) {
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    const auto document = JsonDocument::parse(line);
    if (!document) {
      json.key("broken");
      json.string(document.error().detail);
    } else {
      one(json, document->root());
    }
    json.end_object();
    std::cout << out << "\n";
  }

 private:
  void one(JsonWriter& json, const JsonNode& root) {
    model::AppModel app;
    Environment environment(app);
    Bindings bindings;
    if (!declare(json, root, environment, bindings)) return;
    const std::string text = member_text(root, "expr");
    model::Faults faults;
    const ExprRef expr = compile({text, {1, 1}}, environment, {}, "", faults);
    if (!expr) {
      refuse(json, faults);
      return;
    }
    json.key("memory");
    write_cel(json, evaluate(*expr, bindings));
    for (const bool lists : {true, false}) {
      if (over_a_row(json, text, environment, bindings, lists)) return;
    }
  }

  static void refuse(JsonWriter& json, const model::Faults& faults) {
    const auto all = faults.sorted();
    json.key("refused");
    json.string(all.empty() ? "without a fault" : all[0].code + ": " + all[0].message);
  }

  static bool declare(JsonWriter& json, const JsonNode& root, Environment& environment,
                      Bindings& bindings) {
    if (const auto env = root.find("env")) {
      for (const auto [key, type_name] : env->members()) {
        if (key.text().find('.') != std::string::npos) {
          json.key("refused");
          json.string("probe_name: " + key.text() + " is no name");
          return false;
        }
        const auto type = type_named(type_name.text());
        if (!type) {
          json.key("refused");
          json.string("probe_type: there is no type " + type_name.text());
          return false;
        }
        environment.declare(key.text(), *type);
      }
    }
    if (const auto bound = root.find("bindings")) {
      for (const auto [key, cel] : bound->members()) {
        const auto value = value_of(cel);
        if (!value) {
          json.key("refused");
          json.string("probe_value: the value of " + key.text() + " is of no kind of ours");
          return false;
        }
        bindings.bind(key.text(), *value);
      }
    }
    return true;
  }

  // false where neither checker nor SQL takes it in this form.
  bool over_a_row(JsonWriter& json, const std::string& text, const Environment& outer,
                  const Bindings& given, bool lists) {
    SyntaxFault ignored;
    SyntaxRef syntax = parse(text, ignored);
    Rower rower(outer, given, lists);
    rower.visit(syntax);
    if (rower.columns().empty()) return false;
    model::AppModel app;
    app.tables.push_back(table_of(rower.columns()));
    Environment environment(app);
    for (const std::string& name : outer.names()) environment.declare(name, *outer.find(name));
    environment.declare("row", row_type(0));
    const model::Source source{text, {1, 1}};
    model::Faults faults;
    const NodeRef root = Checker(source, environment, "", faults).check(*syntax);
    if (!root) return false;
    const Expr expr(root);
    const auto sql = to_sql(expr, {{"row", 0, "t0"}}, db::sqlite_dialect(), SqlContext::kValue);
    if (!sql) return false;
    Bindings bindings = given;
    Map row;
    for (const Column& column : rower.columns()) row.emplace_back(column.name, column.value);
    bindings.bind("row", Value(std::move(row)));
    json.key("row");
    write_cel(json, evaluate(expr, bindings));
    return in_sql(json, expr, *sql, rower.columns(), bindings);
  }

  static model::Table table_of(const std::vector<Column>& columns) {
    model::Table table;
    table.name = "cases";
    for (const Column& each : columns) {
      model::Column column;
      column.name = each.name;
      column.shape.type = column_type(each.value);
      table.columns.push_back(std::move(column));
    }
    return table;
  }

  bool in_sql(JsonWriter& json, const Expr& expr, const SqlExpr& sql,
              const std::vector<Column>& columns, const Bindings& bindings) {
    std::string text =
        "SELECT " + rules::number(sql, db::sqlite_dialect(), static_cast<int>(columns.size()) + 1) +
        " FROM (SELECT ";
    std::vector<Value> values;
    for (const Column& column : columns) {
      values.push_back(column.value);
      text +=
          (values.size() > 1 ? ", ?" : "?") + std::to_string(values.size()) + " AS " + column.name;
    }
    text += ") AS t0";
    for (const ExprRef& parameter : sql.parameters)
      values.push_back(evaluate(*parameter, bindings));
    const Kind kind = kind_of(expr.type());
    const bool list = kind == Kind::kList || kind == Kind::kMap;
    if (list) return true;
    db::StatementRef statement = db::sql(text, {{kind == Kind::kDuration ? Kind::kInt : kind, 0}});
    db::Rows rows(statement);
    const Result<> done = read(statement, values, rows);
    json.key("sql");
    if (!done) {
      json.begin_object();
      json.key("failed");
      json.string(done.error().inside + " in " + text);
      json.end_object();
      return true;
    }
    const Value& got = rows.rows.at(0).at(0);
    write_cel(json,
              kind == Kind::kDuration && !got.is_null() ? Value(Duration{got.integer()}) : got);
    return true;
  }

  static Kind kind_of(const Type& type) {
    switch (type.tag) {
      case Tag::kBool:
        return Kind::kBool;
      case Tag::kInt:
        return Kind::kInt;
      case Tag::kFloat:
        return Kind::kFloat;
      case Tag::kText:
        return Kind::kText;
      case Tag::kTimestamp:
        return Kind::kTimestamp;
      case Tag::kDuration:
        return Kind::kDuration;
      case Tag::kList:
        return Kind::kList;
      case Tag::kMap:
        return Kind::kMap;
      default:
        return Kind::kNull;
    }
  }
};

}  // namespace
}  // namespace mettle::rules

int main() {
  mettle::rules::Probe probe;
  probe.begin();
  std::string line;
  while (std::getline(std::cin, line)) probe.answer(line);
  return 0;
}

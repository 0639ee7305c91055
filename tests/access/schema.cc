#include "schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/json_write.h"

namespace mettle::access {
namespace {

using Form = Cond::Form;
using Type = Column::Type;

constexpr const char* kWords[] = {"a", "b", "c"};

std::string written(const Value& value) {
  return value.kind() == Kind::kText ? "'" + value.text() + "'" : to_json(value);
}

std::string joined(const std::vector<Cond>& parts, const std::string& sign) {
  std::string out;
  for (const Cond& part : parts) out += (out.empty() ? "" : sign) + "(" + part.cel() + ")";
  return out;
}

}  // namespace

std::string Cond::cel() const {
  switch (form) {
    case Form::kConstant:
      return literal.is_true() ? "true" : "false";
    case Form::kRole:
      return "'" + text + "' in auth.roles";
    case Form::kSignedIn:
      return "auth.signed_in";
    case Form::kMine:
      return row + "." + column + " == auth.id";
    case Form::kCompare:
      return row + "." + column + " " + op + " " + written(literal);
    case Form::kChanged:
      return "new." + column + " " + op + " row." + column;
    case Form::kAlong:
      return row + "." + way + "." + column + " " +
             (mine ? "== auth.id" : op + " " + written(literal));
    case Form::kExists:
    case Form::kAll:
      return fmt::format("{}.{}.{}(x, {})", row, way, form == Form::kAll ? "all" : "exists",
                         parts[0].cel());
    case Form::kNot:
      return "!(" + parts[0].cel() + ")";
    case Form::kAnd:
      return joined(parts, " && ");
    case Form::kOr:
      return joined(parts, " || ");
  }
  return "false";
}

bool Cond::names_new() const {
  if (form == Form::kChanged || row == "new") return true;
  return std::ranges::any_of(parts, [](const Cond& part) { return part.names_new(); });
}

bool Cond::reads_rows() const {
  const bool here = form != Form::kConstant && form != Form::kRole && form != Form::kSignedIn &&
                    form != Form::kNot && form != Form::kAnd && form != Form::kOr;
  return here || std::ranges::any_of(parts, [](const Cond& part) { return part.reads_rows(); });
}

const Column* Table::find(const std::string& column) const {
  for (const Column& each : columns) {
    if (each.name == column) return &each;
  }
  return nullptr;
}

std::vector<std::string> Schema::closure(const std::vector<std::string>& given) const {
  std::set<std::string> all;
  std::vector<std::string> next = given;
  while (!next.empty()) {
    const std::string role = next.back();
    next.pop_back();
    if (!all.insert(role).second) continue;
    const auto below = roles.find(role);
    if (below != roles.end()) next.insert(next.end(), below->second.begin(), below->second.end());
  }
  return {all.begin(), all.end()};
}

namespace {

constexpr const char* kOrgs =
    "  orgs:\n    columns: {name: {type: text, optional: true}}\n    access: {read: \"true\"}\n";

std::string tenant_column(const Table& table, bool optional) {
  return fmt::format("      org_id: {{references: orgs, as: org, inverse: {}_org{}}}\n", table.name,
                     optional ? ", optional: true" : "");
}

}  // namespace

std::string Schema::yaml() const {
  std::string out = "mettle: 1\napp: chance\nauth:\n  table: " + tables[0].name + "\n";
  if (tenants) out += "  tenant: org_id\n";
  out += "  roles:\n";
  for (const auto& [role, below] : roles) {
    std::string list;
    for (const std::string& one : below) list += (list.empty() ? "" : ", ") + one;
    out += fmt::format("    {}: {}\n", role, list.empty() ? "{}" : "{inherits: [" + list + "]}");
  }
  out += "tables:\n";
  const auto rule = [](std::string_view key, const std::optional<Cond>& cond) {
    return cond ? fmt::format(", {}: \"{}\"", key, cond->cel()) : std::string();
  };
  for (const Table& table : tables) {
    out += "  " + table.name + ":\n    aggregates: true\n";
    if (table.owner) out += "    owner: " + table.columns[0].name + "\n";
    if (tenants) out += fmt::format("    tenant: {}\n", table.tenant ? "org_id" : "none");
    out += "    columns:\n";
    for (const Column& column : table.columns) {
      const char* const types[] = {"type: text", "type: int", "type: bool", ""};
      std::string text = types[static_cast<size_t>(column.type)];
      if (column.type == Type::kReference) {
        text =
            fmt::format("references: {}, as: {}, inverse: {}, on_delete: cascade",
                        tables[static_cast<size_t>(column.target)].name, column.way, column.back);
      }
      out += fmt::format("      {}: {{{}{}{}{}}}\n", column.name, text,
                         column.optional ? ", optional: true" : "", rule("read", column.read),
                         rule("write", column.write));
    }
    const bool people = &table == tables.data();
    if (table.tenant || (tenants && people)) out += tenant_column(table, people);
    std::string access = rule("read", table.read) + rule("create", table.create) +
                         rule("update", table.update) + rule("delete", table.remove);
    if (!access.empty()) out += "    access: {" + access.substr(2) + "}\n";
  }
  if (tenants) out += kOrgs;
  out += "commands:\n";
  for (size_t t = 1; t < tables.size(); ++t) {
    out += fmt::format(
        "  show_{0}:\n    input: {{id: {{type: uuid}}}}\n    access: \"{1}\"\n    steps:\n"
        "      - get: {{{0}: \"row.id == input.id\"}}\n        as: r\n    returns: =r\n",
        tables[t].name, shows[t].cel());
  }
  return out;
}

Value chance_value(Dice& dice, Type type) {
  switch (type) {
    case Type::kText:
      return Value(kWords[dice.index(3)]);
    case Type::kInt:
      return Value(dice.from(0, 3));
    default:
      return Value(dice.percent(50));
  }
}

namespace {

class Maker {
 public:
  explicit Maker(Dice& dice) : dice_(dice) {}

  Schema make() {
    roles();
    tables();
    for (size_t t = 0; t < made_.tables.size(); ++t) rules(static_cast<int>(t));
    for (size_t t = 0; t < made_.tables.size(); ++t) made_.shows.push_back(logic(-1, 1, false));
    return std::move(made_);
  }

 private:
  // Each may inherit those before it, so there is no circle.
  void roles() {
    std::vector<std::string> names = {"r1", "r2", "r3", "r4"};
    dice_.shuffle(names);
    for (size_t i = 0; i < names.size(); ++i) {
      std::vector<std::string>& below = made_.roles[names[i]];
      for (size_t k = 0; k < i; ++k) {
        if (dice_.percent(35)) below.push_back(names[k]);
      }
    }
  }

  void tables() {
    const int count = static_cast<int>(dice_.from(3, 4));
    for (int t = 0; t < count; ++t) {
      Table table;
      table.name = t == 0 ? "people" : fmt::format("t{}", t);
      if (t > 0) {
        reference(table, 0, "own");
        table.owner = dice_.percent(40);
      }
      for (int target = 1; target < t; ++target) {
        if (dice_.percent(70)) reference(table, target, fmt::format("f{}", target));
      }
      column(table, "s", Type::kText);
      column(table, "n", Type::kInt);
      if (dice_.percent(50)) column(table, "b", Type::kBool);
      column(table, "z", dice_.percent(50) ? Type::kText : Type::kInt);
      made_.tables.push_back(std::move(table));
    }
  }

  void reference(Table& table, int target, const std::string& way) {
    Column column;
    column.type = Type::kReference;
    column.name = way + "_id";
    column.target = target;
    column.way = way;
    column.back = table.name + "_" + way;
    column.optional = dice_.percent(50);
    table.columns.push_back(std::move(column));
  }

  void column(Table& table, std::string name, Type type) {
    Column column;
    column.name = std::move(name);
    column.type = type;
    column.optional = dice_.percent(40);
    table.columns.push_back(std::move(column));
  }

  void rules(int t) {
    Table& table = made_.tables[static_cast<size_t>(t)];
    if (dice_.percent(93)) table.read = logic(t, 2, false);
    if (dice_.percent(90)) table.create = logic(t, 2, true);
    if (dice_.percent(85)) table.update = logic(t, 2, true);
    if (dice_.percent(85)) table.remove = logic(t, 2, false);
    for (size_t c = table.owner ? 1 : 0; c < table.columns.size(); ++c) {
      Column& column = table.columns[c];
      if (dice_.percent(22)) column.read = logic(t, 1, false);
      if (t == 0 || !dice_.percent(18)) continue;
      column.write = logic(t, 1, true);
      column.optional = true;  // so that it need not be sent
    }
  }

  // `t`: of which table's rows; -1: of none. `with_new`: may speak of the row afterwards.
  Cond logic(int t, int depth, bool with_new) {
    Cond made;
    if (depth == 0 || dice_.percent(30)) return leaf(t, with_new, "row");
    const int64_t pick = dice_.from(1, 10);
    made.form = pick <= 5 ? Form::kOr : pick <= 9 ? Form::kAnd : Form::kNot;
    const int64_t parts = made.form == Form::kNot ? 1 : dice_.from(2, 3);
    for (int64_t i = 0; i < parts; ++i) made.parts.push_back(logic(t, depth - 1, with_new));
    return made;
  }

  Cond leaf(int t, bool with_new, const std::string& row) {
    Cond made;
    made.row = row;
    const int64_t pick = t < 0 ? dice_.from(0, 29) : dice_.from(0, 99);
    if (pick < 4) {
      made.literal = Value(dice_.percent(60));
      return made;
    }
    if (pick < 24) {
      made.form = Form::kRole;
      made.text = fmt::format("r{}", dice_.from(1, 4));
      return made;
    }
    if (pick < 30) {
      made.form = Form::kSignedIn;
      return made;
    }
    const Table& table = made_.tables[static_cast<size_t>(t)];
    const bool after = with_new && row == "row" && dice_.percent(20);
    if (after) made.row = "new";
    if (after && dice_.percent(40)) return changed(table, std::move(made));
    if (pick < 50) return mine(t, std::move(made));
    if (pick < 72 || row == "x") return compare(table, std::move(made));
    if (pick < 86) return along(table, std::move(made));
    return quantifier(t, std::move(made));
  }

  const Column& plain(const Table& table) {
    std::vector<const Column*> columns;
    for (const Column& column : table.columns) {
      if (column.type != Type::kReference) columns.push_back(&column);
    }
    return *columns[dice_.index(columns.size())];
  }

  std::string sign(Type type) {
    if (type == Type::kInt && dice_.percent(50)) return dice_.percent(50) ? "<" : ">=";
    return dice_.percent(70) ? "==" : "!=";
  }

  Cond compare(const Table& table, Cond made) {
    const Column& column = plain(table);
    made.form = Form::kCompare;
    made.column = column.name;
    made.op = sign(column.type);
    made.literal = chance_value(dice_, column.type);
    return made;
  }

  Cond changed(const Table& table, Cond made) {
    made.form = Form::kChanged;
    made.row = "row";
    made.column = table.columns[dice_.index(table.columns.size())].name;
    made.op = dice_.percent(75) ? "==" : "!=";
    return made;
  }

  Cond mine(int t, Cond made) {
    made.form = Form::kMine;
    made.column = t == 0 ? "id" : "own_id";
    return made;
  }

  Cond along(const Table& table, Cond made) {
    std::vector<const Column*> ways;
    for (const Column& column : table.columns) {
      if (column.type == Type::kReference) ways.push_back(&column);
    }
    if (ways.empty()) return compare(table, std::move(made));
    const Column& way = *ways[dice_.index(ways.size())];
    made.form = Form::kAlong;
    made.way = way.way;
    made.by = way.name;
    made.table = way.target;
    if (dice_.percent(40)) {
      made.mine = true;
      made.column = way.target == 0 ? "id" : "own_id";
      return made;
    }
    const Column& column = plain(made_.tables[static_cast<size_t>(way.target)]);
    made.column = column.name;
    made.op = sign(column.type);
    made.literal = chance_value(dice_, column.type);
    return made;
  }

  Cond quantifier(int t, Cond made) {
    std::vector<std::pair<int, const Column*>> ways;
    for (size_t other = 0; other < made_.tables.size(); ++other) {
      for (const Column& column : made_.tables[other].columns) {
        if (column.target == t) ways.emplace_back(static_cast<int>(other), &column);
      }
    }
    if (ways.empty()) return compare(made_.tables[static_cast<size_t>(t)], std::move(made));
    const auto& [table, way] = ways[dice_.index(ways.size())];
    made.form = dice_.percent(75) ? Form::kExists : Form::kAll;
    made.way = way->back;
    made.by = way->name;
    made.table = table;
    Cond inside;
    inside.form = dice_.percent(50) ? Form::kAnd : Form::kOr;
    for (int i = 0; i < 2; ++i) inside.parts.push_back(leaf_inside(table));
    made.parts.push_back(dice_.percent(50) ? leaf_inside(table) : std::move(inside));
    return made;
  }

  Cond leaf_inside(int table) {
    Cond made;
    made.row = "x";
    if (dice_.percent(40)) return mine(table, std::move(made));
    return compare(made_.tables[static_cast<size_t>(table)], std::move(made));
  }

  Dice& dice_;
  Schema made_;
};

}  // namespace

Schema make_schema(Dice& dice) {
  return Maker(dice).make();
}

void add_tenants(Dice& dice, Schema& schema) {
  schema.tenants = dice.percent(50);
  for (Table& table : schema.tables) table.tenant = schema.tenants && dice.percent(75);
}

}  // namespace mettle::access

// Steps of commands and routes, and the names that live through them.
#include <algorithm>

#include "model/keys.h"
#include "model/read.h"

namespace mettle::model {

const Scope::Name* Scope::find(std::string_view name) const {
  for (const Scope* scope = this; scope != nullptr; scope = scope->parent) {
    const auto it = scope->names.find(name);
    if (it != scope->names.end()) return &it->second;
  }
  return nullptr;
}

SqlText read_sql(const Reading& in, const Node& map, const std::string& path) {
  SqlText out;
  const Node* sql = map.find("sql");
  if (sql == nullptr || sql->refused) return out;
  if (sql->is_scalar()) {
    out.sqlite = out.postgres = sql->source;
  } else if (sql->is_map()) {
    out.sqlite = read_rule(*sql, "sqlite");
    out.postgres = read_rule(*sql, "postgres");
    if (sql->find_key("sqlite") == nullptr && sql->find_key("postgres") == nullptr) {
      in.error(sql->pos, join(path, "sql"), "missing_key", "`sqlite` or `postgres` is missing");
    }
  }
  for (const auto* one : {&out.sqlite, &out.postgres}) {
    if (*one && (*one)->text.find_first_not_of(" \t\n;") == std::string::npos) {
      in.error(sql->pos, join(path, "sql"), "empty_sql", "the statement is empty");
      break;
    }
  }
  return out;
}

std::vector<Let> read_let(const Reading& in, const Node& map, Scope& scope,
                          const std::string& path) {
  std::vector<Let> out;
  const Node* lets = find_map(map, "let");
  if (lets == nullptr) return out;
  for (const auto& [key, value] : lets->members) {
    const std::string at = join(join(path, "let"), key.text());
    if (!is_name(key.text())) continue;
    check_reserved(in, NameOf::kLocal, key.text(), key.pos, at);
    scope.names[key.text()] = {.kind = Scope::Name::Kind::kLet, .pos = key.pos};
    out.push_back({key.text(), read_expression(in, value, at), key.pos});
  }
  return out;
}

namespace {

using Verb = Step::Verb;

constexpr std::array<std::pair<std::string_view, Verb>, 8> kVerbs = {{
    {"insert", Verb::kInsert},
    {"update", Verb::kUpdate},
    {"delete", Verb::kDelete},
    {"get", Verb::kGet},
    {"check", Verb::kCheck},
    {"each", Verb::kEach},
    {"set", Verb::kSet},
    {"sql", Verb::kSql},
}};
constexpr std::string_view kVerbNames = "insert, update, delete, get, check, each, set, sql";

class StepReader {
 public:
  StepReader(const Reading& in, Scope& scope) : in_(in), scope_(scope) {}

  std::optional<Step> read(const Node& node, const std::string& path) {
    Step step;
    step.pos = node.pos;
    if (!node.is_map() || !read_verb(node, step, path)) return std::nullopt;
    step.when = read_rule(node, "when");
    step.expect_rows = read_int(node, "expect_rows");
    read_rest(node, step, path);
    switch (step.verb) {
      case Verb::kInsert:
      case Verb::kUpdate:
        read_values(node, step, path);
        break;
      case Verb::kDelete:
      case Verb::kGet:
        read_find(node, step, path);
        break;
      case Verb::kCheck:
        step.condition = read_rule(node, "check").value_or(Source{});
        break;
      case Verb::kEach:
        read_each(node, step, path);
        break;
      case Verb::kSet:
        read_set(node, step, path);
        break;
      case Verb::kSql:
        read_sql_step(node, step, path);
        break;
    }
    read_as(node, step, path);
    return step;
  }

 private:
  static std::string_view verb_name(Verb verb) { return kVerbs[static_cast<size_t>(verb)].first; }

  bool read_verb(const Node& node, Step& step, const std::string& path) {
    int found = 0;
    for (const auto& [name, verb] : kVerbs) {
      if (node.find_key(name) == nullptr) continue;
      if (found++ == 0) {
        step.verb = verb;
        continue;
      }
      in_.error(key_pos(node, name), join(path, name), "two_verbs",
                "a step does one thing: " + std::string(verb_name(step.verb)) + " or " +
                    std::string(name),
                "- " + std::string(name) + ": … as a step of its own");
    }
    if (found > 0) return true;
    for (const std::string_view later : {"enqueue", "emit", "call"}) {
      if (node.find_key(later) != nullptr) return false;  // reported as not available
    }
    if (has_unknown_key(node, step_spec())) return false;  // the verb may be misspelt
    in_.error(node.pos, path, "no_verb",
              "a step does one of " + std::string(kVerbNames) + "; this one says none of them");
    return false;
  }

  void refuse(const Node& node, std::string_view key, const Step& step, const std::string& path,
              std::string_view why, std::string fix = "remove it") {
    if (node.find_key(key) == nullptr) return;
    in_.error(key_pos(node, key), join(path, key), "key_not_for_step",
              "`" + std::string(key) + "` says nothing of `" + std::string(verb_name(step.verb)) +
                  "`: " + std::string(why),
              std::move(fix));
  }

  // Keys beside the verb: which of them belong to it.
  void read_rest(const Node& node, Step& step, const std::string& path) {
    const Verb verb = step.verb;
    if (verb != Verb::kUpdate) {
      const bool finds = verb == Verb::kDelete || verb == Verb::kGet;
      refuse(node, "where", step, path,
             finds ? "its condition stands behind the table's name" : "it is for update",
             finds ? std::string(verb_name(verb)) + ": {" + first_table(node, verb) + ": " +
                         quoted(read_text(node, "where").value_or("…")) + "}"
                   : "remove it");
    }
    if (verb != Verb::kEach) refuse(node, "steps", step, path, "it is for each");
    if (verb != Verb::kSql) refuse(node, "returns", step, path, "it is for sql");
    const bool counts = verb == Verb::kUpdate || verb == Verb::kDelete || verb == Verb::kSql;
    if (!counts && verb != Verb::kGet) {
      refuse(node, "expect_rows", step, path, "it looks for no rows");
      step.expect_rows.reset();
    }
    if (verb == Verb::kSet || verb == Verb::kEach) {
      refuse(node, "else", step, path, "it cannot fail by itself");
    } else if (counts && !step.expect_rows && node.find_key("else") != nullptr) {
      in_.error(key_pos(node, "else"), join(path, "else"), "else_without_expect_rows",
                "nothing makes this step fail: say how many rows it must find", "expect_rows: 1");
    }
    if (const Node* otherwise = find_map(node, "else")) {
      step.otherwise = read_else(*otherwise, join(path, "else"));
    }
  }

  static std::string first_table(const Node& node, Verb verb) {
    const Node* tables = node.find(verb_name(verb));
    if (tables == nullptr) return "table";
    if (tables->is_map() && !tables->members.empty()) return tables->members[0].first.text();
    return tables->is_scalar() ? tables->text() : "table";
  }

  Else read_else(const Node& node, const std::string& path) {
    Else out;
    out.pos = node.pos;
    out.status = static_cast<int>(read_int(node, "status").value_or(409));
    out.code = read_text(node, "code").value_or("");
    if (const Node* detail = node.find("detail")) {
      out.detail = read_expression(in_, *detail, join(path, "detail"));
    }
    out.pointer = read_text(node, "pointer").value_or("");
    if (!out.pointer.empty()) {
      check_pointer(out.pointer, node.find("pointer")->pos, join(path, "pointer"));
    }
    return out;
  }

  // "item.product_id", "input.order_id": along the names of the input's members.
  void check_pointer(const std::string& pointer, Pos pos, const std::string& path) {
    std::vector<std::string> parts;
    for (size_t start = 0; start <= pointer.size();) {
      const size_t dot = std::min(pointer.find('.', start), pointer.size());
      parts.push_back(pointer.substr(start, dot - start));
      start = dot + 1;
    }
    const std::vector<Member>* members = nullptr;
    if (parts[0] == "input") {
      members = scope_.input;
    } else if (const Scope::Name* name = scope_.find(parts[0]); name && !name->pointer.empty()) {
      members = name->members;
    } else {
      std::string fix;
      const auto names = member_names(*scope_.input);
      if (std::ranges::find(names, parts[0]) != names.end()) fix = "pointer: input." + pointer;
      in_.error(pos, path, "invalid_pointer",
                "`pointer` names a member of the input: input.…, or the item of an `each` over a "
                "list of the input",
                fix);
      return;
    }
    // No temporary: `found` points into it.
    static const std::vector<Member> kNone;
    for (size_t i = 1; i < parts.size(); ++i) {
      const Member* found = nullptr;
      for (const Member& m : members != nullptr ? *members : kNone) {
        if (m.name == parts[i]) found = &m;
      }
      if (found == nullptr) {
        const auto names = members != nullptr ? member_names(*members) : std::vector<std::string>{};
        in_.error(pos, path, "invalid_pointer",
                  "the input has no member \"" + parts[i] + "\" there", nearest(parts[i], names));
        return;
      }
      members = found->shape.type == Type::kObject ? &found->shape.members : nullptr;
    }
  }

  // The one table of `insert: {orders: …}`; nullptr after a fault.
  const std::pair<Node, Node>* one_table(const Node& node, Step& step, const std::string& path) {
    const std::string_view verb = verb_name(step.verb);
    const Node* tables = find_map(node, verb);
    if (tables == nullptr) return nullptr;
    if (tables->members.size() != 1) {
      in_.error(tables->pos, join(path, verb), "one_table",
                "`" + std::string(verb) + "` takes one table, found " +
                    std::to_string(tables->members.size()));
      return nullptr;
    }
    const auto& [key, value] = tables->members[0];
    step.table = resolve_table(in_, key.text(), key.pos, join(path, verb));
    return step.table < 0 ? nullptr : &tables->members[0];
  }

  void read_values(const Node& node, Step& step, const std::string& path) {
    const auto* entry = one_table(node, step, path);
    if (step.verb == Verb::kUpdate) read_where(node, step, path);
    if (entry == nullptr || !entry->second.is_map()) return;
    const Table& table = in_.app.tables[static_cast<size_t>(step.table)];
    const std::string at = join(join(path, verb_name(step.verb)), table.name);
    for (const auto& [key, value] : entry->second.members) {
      const int c = resolve_column(in_, table, key.text(), key.pos, join(at, key.text()));
      if (c < 0) continue;
      const Column& column = table.columns[static_cast<size_t>(c)];
      if (column.system) {
        in_.error(key.pos, join(at, key.text()), "system_column",
                  "`" + key.text() + "` is set by Mettle alone", "remove it");
        continue;
      }
      step.values.emplace_back(key.text(),
                               read_column_value(in_, value, column, join(at, key.text())));
    }
    if (step.verb == Verb::kUpdate && entry->second.members.empty()) {
      in_.error(entry->second.pos, at, "no_values", "an update needs a value at least");
    }
    if (step.verb == Verb::kInsert) check_complete(entry->second, table, at);
  }

  // What such a table needs cannot be told before it is right.
  bool is_at_fault(const Table& table) const {
    if (!in_.faults.has_errors()) return false;
    const std::vector<FileFault> faults = in_.faults.sorted();
    return std::ranges::any_of(faults, [&](const FileFault& fault) {
      return fault.severity == FileFault::Severity::kError &&
             fault.path.starts_with("tables." + table.name + ".");
    });
  }

  void check_complete(const Node& values, const Table& table, const std::string& path) {
    if (is_at_fault(table)) return;
    std::string missing;
    for (const Column& column : table.columns) {
      const Shape& shape = column.shape;
      if (column.system || shape.optional || shape.default_value) continue;
      if (values.find_key(column.name) != nullptr) continue;
      missing += (missing.empty() ? "" : ", ") + column.name;
    }
    if (missing.empty()) return;
    in_.error(values.pos, path, "required_column",
              "a row of " + table.name + " needs " + missing + " too", missing + ": …");
  }

  void read_where(const Node& node, Step& step, const std::string& path) {
    step.where = read_rule(node, "where");
    if (node.find_key("where") != nullptr) return;
    in_.error(node.pos, path, "update_without_where",
              "an update says which rows it changes; for all of them: where: \"true\"",
              "where: \"row.id == …\"");
  }

  void read_find(const Node& node, Step& step, const std::string& path) {
    const auto* entry = one_table(node, step, path);
    if (entry == nullptr || !entry->second.is_scalar() || entry->second.refused) return;
    step.where = entry->second.source;
  }

  void read_each(const Node& node, Step& step, const std::string& path) {
    const Node* each = find_map(node, "each");
    if (each == nullptr) return;
    if (each->members.size() != 1) {
      in_.error(each->pos, join(path, "each"), "one_list", "`each` takes one name and its list",
                "each: {item: =input.items}");
      return;
    }
    const auto& [key, value] = each->members[0];
    step.item = key.text();
    const Expression list = read_expression(in_, value, join(join(path, "each"), key.text()));
    if (list.form != Expression::Form::kRule) {
      if (!value.refused) {
        in_.error(value.pos, join(join(path, "each"), key.text()), "wrong_type",
                  "expected an expression that gives a list", "each: {item: =input.items}");
      }
    } else {
      step.list = list.rule;
    }
    Scope inner;
    inner.parent = &scope_;
    inner.input = scope_.input;
    introduce(inner, key.text(), item_over(step.list.text, key.pos), join(path, "each"));
    const Node* steps = node.find("steps");
    if (steps == nullptr) {
      in_.error(node.pos, join(path, "steps"), "missing_key", "`each` needs its `steps`",
                "steps: [{set: {n: =n + 1}}]");
      return;
    }
    step.steps = read_steps(in_, *steps, inner, join(path, "steps"));
  }

  // What the item of an `each` over that list is: known if the list is one of the input.
  Scope::Name item_over(std::string_view list, Pos pos) {
    Scope::Name out{.kind = Scope::Name::Kind::kItem, .pos = pos};
    const size_t dot = list.find('.');
    if (dot == std::string_view::npos) return out;
    const std::string_view base = list.substr(0, dot), member = list.substr(dot + 1);
    const std::vector<Member>* members = nullptr;
    std::string pointer;
    if (base == "input") {
      members = scope_.input;
    } else if (const Scope::Name* name = scope_.find(base); name && !name->pointer.empty()) {
      members = name->members;
      pointer = name->pointer + ".";
    }
    if (members == nullptr) return out;
    for (const Member& m : *members) {
      if (m.name != member || m.shape.type != Type::kList) continue;
      out.pointer = pointer + std::string(member);
      out.members = &m.shape.members;
    }
    return out;
  }

  // A name may come back for rows of the same table (the row after a further step), not otherwise.
  void introduce(Scope& scope, const std::string& name, Scope::Name what, const std::string& path) {
    if (!is_name(name) || !check_reserved(in_, NameOf::kLocal, name, what.pos, path)) return;
    const Scope::Name* taken = scope.find(name);
    const bool again = taken != nullptr && what.kind == Scope::Name::Kind::kRow &&
                       taken->kind == Scope::Name::Kind::kRow && taken->table == what.table;
    if (taken != nullptr && !again) {
      in_.error(what.pos, path, "name_taken",
                "\"" + name + "\" already names something else since line " +
                    std::to_string(taken->pos.line),
                name + "_2");
      return;
    }
    scope.names[name] = what;
  }

  void read_set(const Node& node, Step& step, const std::string& path) {
    const Node* set = find_map(node, "set");
    if (set == nullptr) return;
    for (const auto& [key, value] : set->members) {
      const std::string at = join(join(path, "set"), key.text());
      const Scope::Name* name = scope_.find(key.text());
      if (name == nullptr || name->kind != Scope::Name::Kind::kLet) {
        std::vector<std::string> lets;
        for (const Scope* s = &scope_; s != nullptr; s = s->parent) {
          for (const auto& [n, what] : s->names) {
            if (what.kind == Scope::Name::Kind::kLet) lets.push_back(n);
          }
        }
        const std::string near = nearest(key.text(), lets);
        in_.error(key.pos, at, "set_without_let",
                  "`set` assigns to what `let` introduced; \"" + key.text() + "\" is none of that",
                  near.empty() ? "let: {" + key.text() + ": …}" : near);
        continue;
      }
      step.values.emplace_back(key.text(), read_expression(in_, value, at));
    }
  }

  void read_sql_step(const Node& node, Step& step, const std::string& path) {
    SqlText sql = read_sql(in_, node, path);
    step.sql_sqlite = std::move(sql.sqlite);
    step.sql_postgres = std::move(sql.postgres);
    const bool as = node.find_key("as") != nullptr;
    const Node* returns = find_map(node, "returns");
    if (as && returns == nullptr && node.find_key("returns") == nullptr) {
      in_.error(key_pos(node, "as"), path, "missing_key",
                "with `as`, a sql step says which columns and types it gives",
                "returns: {name: type}");
    }
    if (!as) refuse(node, "returns", step, path, "nothing is kept without `as`", "as: rows");
    if (returns == nullptr) return;
    step.returns_shapes = read_returns(in_, *returns, join(path, "returns"));
    for (const Member& m : step.returns_shapes) {
      step.returns.emplace_back(m.name, std::string(type_name(m.shape.type)));
    }
  }

  void read_as(const Node& node, Step& step, const std::string& path) {
    const auto as = read_text(node, "as");
    if (!as) return;
    const Pos pos = node.find("as")->pos;
    if (step.verb == Verb::kCheck || step.verb == Verb::kEach || step.verb == Verb::kSet) {
      refuse(node, "as", step, path, "it gives no row");
      return;
    }
    step.as = *as;
    Scope::Name what{.kind = Scope::Name::Kind::kRow, .table = step.table, .pos = pos};
    if (step.verb == Verb::kSql) what.kind = Scope::Name::Kind::kRows;
    introduce(scope_, *as, what, join(path, "as"));
  }

  const Reading& in_;
  Scope& scope_;
};

}  // namespace

std::vector<Step> read_steps(const Reading& in, const Node& list, Scope& scope,
                             const std::string& path) {
  std::vector<Step> out;
  if (!list.is_list()) return out;
  for (size_t i = 0; i < list.elements.size(); ++i) {
    auto step = StepReader(in, scope).read(list.elements[i], join(path, std::to_string(i)));
    if (step) out.push_back(std::move(*step));
  }
  return out;
}

}  // namespace mettle::model

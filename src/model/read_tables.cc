// `tables`: names first, so that references find each other in any order; then columns; then what
// speaks of columns.
#include <set>

#include "model/keys.h"
#include "model/read.h"

namespace mettle::model {

namespace {

constexpr std::string_view kEmailPattern = R"(^[^@\s]+@[^@\s]+$)";
constexpr int64_t kEmailMax = 254;  // RFC 5321: a path of 256 with its brackets

bool is_system_column(std::string_view name) {
  return name == "id" || name == "created_at" || name == "updated_at" || name == "version";
}

Column system_column(std::string name, Type type) {
  Column column;
  column.name = std::move(name);
  column.shape.type = type;
  column.system = true;
  return column;
}

void add_system_columns(Table& table) {
  const bool numbers = table.id_type == IdType::kInt;
  table.columns.push_back(system_column("id", numbers ? Type::kInt : Type::kUuid));
  table.columns.push_back(system_column("created_at", Type::kTimestamp));
  table.columns.push_back(system_column("updated_at", Type::kTimestamp));
  table.columns.push_back(system_column("version", Type::kInt));
}

// What people sign in with; the hash of the password never leaves the server.
void add_auth_columns(Table& table) {
  Column email;
  email.name = "email";
  email.doc = "What the person signs in with.";
  email.unique = true;
  email.shape.length_max = kEmailMax;
  email.shape.match = kEmailPattern;
  email.shape.lower_case = true;  // one person, however the address is typed
  Column password;
  password.name = "password";
  password.shape.optional = true;
  password.hidden = true;
  table.columns.push_back(std::move(email));
  table.columns.push_back(std::move(password));
}

// `unique: everywhere`: over all tenants.
bool says_everywhere(const Node& node) {
  const Node* unique = node.find("unique");
  return unique != nullptr && unique->is_scalar() && unique->text() == "everywhere";
}

Column read_column(const Reading& in, const std::string& name, Pos pos, const Node& node,
                   const std::string& path) {
  Column column;
  column.name = name;
  column.pos = pos;
  column.shape = read_shape(in, node, path);
  column.doc = read_text(node, "description").value_or("");
  column.everywhere = says_everywhere(node);
  column.unique = column.everywhere || read_bool(node, "unique");
  column.sensitive = read_bool(node, "sensitive");
  column.read = read_rule(node, "read");
  column.write = read_rule(node, "write");
  column.embed_as = read_text(node, "as").value_or("");
  column.inverse = read_text(node, "inverse").value_or("");
  column.was = read_text(node, "was").value_or("");
  const std::string on_delete = read_text(node, "on_delete").value_or("restrict");
  if (on_delete == "cascade") column.on_delete = OnDelete::kCascade;
  if (on_delete == "set_null") {
    column.on_delete = OnDelete::kSetNull;
    if (!column.shape.optional) {
      in.error(key_pos(node, "on_delete"), join(path, "on_delete"), "set_null_on_required",
               "\"" + name + "\" is required: it cannot be set to null", "optional: true");
    }
  }
  const Type type = column.shape.type;
  if (column.unique && (type == Type::kJson || type == Type::kFile)) {
    in.error(key_pos(node, "unique"), join(path, "unique"), "key_not_for_type",
             "values of the type json are not compared: they cannot be unique");
  }
  return column;
}

void read_columns(const Reading& in, const Node& node, Table& table, bool signs_in,
                  const std::string& path) {
  const Node* columns = find_map(node, "columns");
  if (columns == nullptr) return;
  for (const auto& [key, value] : columns->members) {
    const std::string at = join(join(path, "columns"), key.text());
    if (is_system_column(key.text())) {
      in.error(key.pos, at, "system_column", "every table has `" + key.text() + "` by itself",
               key.text() == "id" ? "remove it; `id: int` beside `columns` makes ids numbers"
                                  : "remove it");
      continue;
    }
    if (signs_in && (key.text() == "email" || key.text() == "password")) {
      in.error(key.pos, at, "auth_column", "the table of `auth` has `" + key.text() + "` by itself",
               "remove it");
      continue;
    }
    if (!is_name(key.text()) || !check_reserved(in, NameOf::kColumn, key.text(), key.pos, at)) {
      continue;
    }
    if (value.is_map()) {
      table.columns.push_back(read_column(in, key.text(), key.pos, value, at));
    } else if (!value.refused) {
      Column unknown;  // reported; others may name it all the same
      unknown.name = key.text();
      unknown.shape.optional = true;
      table.columns.push_back(std::move(unknown));
    }
  }
}

std::vector<int> resolve_columns(const Reading& in, const Table& table, const Node& node,
                                 const std::string& path) {
  std::vector<int> out;
  std::set<int> seen;
  const auto add = [&](const Node& name, const std::string& at) {
    if (!name.is_scalar() || name.refused) return;
    const int column = resolve_column(in, table, name.text(), name.pos, at);
    if (column < 0) return;
    if (!seen.insert(column).second) {
      in.error(name.pos, at, "duplicate_column", "\"" + name.text() + "\" stands twice");
      return;
    }
    out.push_back(column);
  };
  if (node.is_list()) {
    for (size_t i = 0; i < node.elements.size(); ++i) {
      add(node.elements[i], join(path, std::to_string(i)));
    }
  } else {
    add(node, path);
  }
  return out;
}

void read_indexes(const Reading& in, const Node& node, Table& table, const std::string& path) {
  const Node* indexes = node.find("indexes");
  if (indexes == nullptr) return;
  std::set<std::vector<int>> seen;
  for (size_t i = 0; i < indexes->elements.size(); ++i) {
    const Node& one = indexes->elements[i];
    const std::string at = join(join(path, "indexes"), std::to_string(i));
    const Node* columns = one.is_map() ? one.find("columns") : &one;
    if (columns == nullptr || !columns->is_list()) continue;
    Index index;
    index.pos = one.pos;
    index.columns = resolve_columns(in, table, *columns, at);
    index.everywhere = one.is_map() && says_everywhere(one);
    index.unique = index.everywhere || (one.is_map() && read_bool(one, "unique"));
    if (index.columns.empty()) continue;
    for (const int column : index.columns) {
      if (table.columns[static_cast<size_t>(column)].shape.type != Type::kJson) continue;
      in.error(one.pos, at, "key_not_for_type", "values of the type json are not indexed");
    }
    if (!seen.insert(index.columns).second) {
      in.error(one.pos, at, "duplicate_index", "an index of these columns stands above");
      continue;
    }
    table.indexes.push_back(std::move(index));
  }
}

void read_key(const Reading& in, const Node& node, Table& table, const std::string& path) {
  const Node* key = node.find("key");
  if (key == nullptr) return;
  const std::string at = join(path, "key");
  table.key = resolve_columns(in, table, *key, at);
  for (const int i : table.key) {
    const Column& column = table.columns[static_cast<size_t>(i)];
    if (column.shape.optional) {
      in.error(key->pos, at, "optional_key",
               "\"" + column.name + "\" is optional: a natural key is always there",
               "remove `optional: true` of " + column.name);
    }
    if (column.read) {
      in.error(key->pos, at, "unfit_key",
               "\"" + column.name +
                   "\" has a `read` rule, and a natural key stands in the address of each row",
               "remove `read` of " + column.name + ", or address the rows by their id");
    }
    if (column.sensitive) {
      in.error(key->pos, at, "unfit_key",
               "\"" + column.name +
                   "\" is sensitive, and a natural key stands in addresses, which every log shows",
               "remove `sensitive` of " + column.name + ", or address the rows by their id");
    }
    const Type type = column.shape.type;
    if (column.system || type == Type::kJson || type == Type::kFloat || type == Type::kBytes) {
      in.error(key->pos, at, "unfit_key",
               "\"" + column.name +
                   "\" cannot be (part of) a natural key: an address needs a "
                   "column of the app's own of text, numbers, dates, ids or enums");
    }
  }
}

void read_access(const Reading& in, const Node& node, Table& table, const std::string& path) {
  const Node* access = find_map(node, "access");
  if (access == nullptr) return;
  table.access.pos = access->pos;
  table.access.read = read_rule(*access, "read");
  table.access.create = read_rule(*access, "create");
  table.access.update = read_rule(*access, "update");
  table.access.delete_ = read_rule(*access, "delete");
  const auto write = read_rule(*access, "write");
  if (!write) return;
  const bool all = table.access.create && table.access.update && table.access.delete_;
  if (all) {
    in.faults.warning(key_pos(*access, "write"), join(join(path, "access"), "write"), "idle_key",
                      "`write` says nothing: create, update and delete are given", "remove it");
  }
  if (!table.access.create) table.access.create = write;
  if (!table.access.update) table.access.update = write;
  if (!table.access.delete_) table.access.delete_ = write;
}

void read_checks(const Node& node, Table& table) {
  const Node* checks = node.find("checks");
  if (checks == nullptr) return;
  for (const Node& one : checks->elements) {
    Check check;
    if (one.is_map()) {
      const auto rule = read_rule(one, "check");
      if (!rule) continue;
      check.rule = *rule;
      check.message = read_text(one, "message").value_or("");
    } else if (one.is_scalar() && !one.refused) {
      check.rule = one.source;
    } else {
      continue;
    }
    table.checks.push_back(std::move(check));
  }
}

// The name of the auth table if the file names one.
std::string auth_table_name(const Node& root) {
  const Node* auth = find_map(root, "auth");
  return auth == nullptr ? "" : read_text(*auth, "table").value_or("");
}

void read_table(const Reading& in, const Node& node, Table& table, bool signs_in,
                const std::string& path) {
  read_columns(in, node, table, signs_in, path);
  read_indexes(in, node, table, path);
  read_key(in, node, table, path);
  read_access(in, node, table, path);
  read_checks(node, table);
  table.aggregates = read_bool(node, "aggregates");
  table.require_if_match = read_bool(node, "require_if_match");
  if (const Node* accept = node.find("accept"); accept != nullptr) {
    for (const Node& warning : accept->elements) table.accept.push_back(warning.text());
  }
  table.was = read_text(node, "was").value_or("");
  table.doc = read_text(node, "description").value_or("");
}

}  // namespace

void read_tables(Reading& in, const Node& root) {
  const Node* tables = find_map(root, "tables");
  const std::string people = auth_table_name(root);
  static const Node kNone;
  std::vector<const Node*> nodes;
  if (tables != nullptr) {
    for (const auto& [key, node] : tables->members) {
      const std::string at = join("tables", key.text());
      if (!is_name(key.text())) continue;
      check_reserved(in, NameOf::kTable, key.text(), key.pos, at);
      Table table;
      table.name = key.text();
      table.pos = key.pos;
      if (read_text(node, "id").value_or("") == "int") table.id_type = IdType::kInt;
      in.app.tables.push_back(std::move(table));
      nodes.push_back(&node);
    }
  }
  if (!people.empty() && is_name(people)) {
    const Pos pos = find_map(root, "auth")->find("table")->pos;
    if (in.app.find_table(people) < 0) {
      check_reserved(in, NameOf::kTable, people, pos, "auth.table");
      Table table;
      table.name = people;
      table.pos = pos;
      table.access.read = Source{"row.id == auth.id", pos};
      in.app.tables.push_back(std::move(table));
      nodes.push_back(&kNone);
    }
    in.app.auth.table = in.app.find_table(people);
  }
  for (size_t i = 0; i < nodes.size(); ++i) {
    Table& table = in.app.tables[i];
    const bool signs_in = in.app.auth.table == static_cast<int>(i);
    add_system_columns(table);
    if (signs_in) add_auth_columns(table);
    read_table(in, *nodes[i], table, signs_in, join("tables", table.name));
  }
}

// ---- what needs every table ------------------------------------------------------------------

namespace {

void read_owner(Reading& in, const Node& node, Table& table, const std::string& path) {
  const Node* owner = node.find("owner");
  if (owner == nullptr || !owner->is_scalar() || owner->refused) return;
  const std::string at = join(path, "owner");
  table.owner = resolve_column(in, table, owner->text(), owner->pos, at);
  if (table.owner < 0) return;
  if (in.app.auth.table < 0) {
    in.error(owner->pos, at, "owner_without_auth",
             "an owner is a row of the table of `auth`, and the file names none",
             "auth: {table: users}");
    return;
  }
  Column& column = table.columns[static_cast<size_t>(table.owner)];
  const Table& people = in.app.tables[static_cast<size_t>(in.app.auth.table)];
  if (column.shape.type != Type::kReference || column.shape.references != in.app.auth.table) {
    in.error(owner->pos, at, "owner_no_reference",
             "the owner's column must reference \"" + people.name + "\"",
             column.name + ": {references: " + people.name + "}");
    return;
  }
  if (!column.shape.default_value) {
    column.shape.default_value = Default{true, {}, Source{"auth.id", owner->pos}};
  }
}

void check_was(Reading& in, const Node& tables, const std::string& path) {
  std::map<std::string, Pos> seen;
  for (const Table& table : in.app.tables) {
    if (table.was.empty()) continue;
    const Node* node = tables.find(table.name);
    const Pos pos = node != nullptr ? node->find("was")->pos : table.pos;
    const std::string at = join(join(path, table.name), "was");
    if (in.app.find_table(table.was) >= 0) {
      in.error(pos, at, "was_still_there",
               "\"" + table.was + "\" is still a table of this file: it was not renamed");
    }
    if (!seen.emplace(table.was, pos).second) {
      in.error(pos, at, "was_twice", "two tables were \"" + table.was + "\"");
    }
  }
}

void check_column_was(Reading& in, const Node* node, const Table& table, const std::string& path) {
  std::set<std::string> seen;
  for (const Column& column : table.columns) {
    if (column.was.empty() || node == nullptr) continue;
    const std::string at = join(join(join(path, "columns"), column.name), "was");
    const Pos pos = node->find("columns")->find(column.name)->find("was")->pos;
    if (table.find_column(column.was) >= 0) {
      in.error(
          pos, at, "was_still_there",
          "\"" + column.was + "\" is still a column of " + table.name + ": it was not renamed");
    }
    if (!seen.insert(column.was).second) {
      in.error(pos, at, "was_twice", "two columns were \"" + column.was + "\"");
    }
  }
}

}  // namespace

void check_tables(Reading& in, const Node& root) {
  const Node* tables = find_map(root, "tables");
  if (tables == nullptr) return;
  for (Table& table : in.app.tables) {
    const Node* node = find_map(*tables, table.name);
    if (node == nullptr) continue;
    const std::string path = join("tables", table.name);
    read_owner(in, *node, table, path);
    check_column_was(in, node, table, path);
  }
  check_was(in, *tables, "tables");
}

}  // namespace mettle::model

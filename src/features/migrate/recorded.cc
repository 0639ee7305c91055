#include "features/migrate/recorded.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crypto.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/text.h"

namespace mettle::migrate {

namespace {

constexpr int64_t kFormat = 1;

// Rows of text and integers.
class TextRows final : public db::RowSink {
 public:
  void restart() override { rows.clear(); }
  Result<bool> on_row(const db::Row& row) override {
    std::vector<std::string> one;
    for (int i = 0; i < row.size(); ++i) {
      one.push_back(row.stored(i) == Kind::kInt ? std::to_string(row.int64(i))
                                                : std::string(row.text(i)));
    }
    rows.push_back(std::move(one));
    return true;
  }
  std::vector<std::vector<std::string>> rows;
};

Error broken_catalogue(std::string_view what) {
  Error error = make_error(Code::kUnavailable,
                           fmt::format("the database's catalogue cannot be read: {}", what));
  error.inside = "mettle_schema";
  return error;
}

std::string hash_of(const std::string& statement) {
  return sha256_hex(statement).substr(0, 32);
}

std::string text_member(const JsonNode& node, std::string_view key) {
  const auto member = node.find(key);
  return member && member->is_string() ? member->text() : std::string();
}

Result<> parse_recorded(const std::string& json, Recorded& out) {
  auto document = JsonDocument::parse(json);
  if (!document) return fail(broken_catalogue(document.error().detail));
  const auto format = document->root().find("format");
  const auto schema = document->root().find("schema");
  const auto objects = document->root().find("objects");
  if (!format || !schema || !objects) return fail(broken_catalogue("a part is missing"));
  if (!format->is_number() || format->integer() != kFormat) {
    return fail(broken_catalogue("it was written by a later version of Mettle"));
  }
  auto parsed = model::parse_snapshot(schema->source());
  if (!parsed) return fail(broken_catalogue(parsed.error().detail));
  out.schema = std::move(*parsed);
  for (const JsonNode node : objects->elements()) {
    out.objects.push_back({text_member(node, "type"), text_member(node, "name"),
                           text_member(node, "table"), text_member(node, "sql")});
  }
  return {};
}

std::string recorded_json(const model::SchemaSnapshot& schema,
                          const std::vector<LiveObject>& objects) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("format");
  json.integer(kFormat);
  json.key("schema");
  json.raw(model::snapshot_json(schema));
  json.key("objects");
  json.begin_array();
  for (const LiveObject& object : objects) {
    json.begin_object();
    json.key("type");
    json.string(object.type);
    json.key("name");
    json.string(object.name);
    json.key("table");
    json.string(object.table);
    json.key("sql");
    json.string(object.sql);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return out;
}

void report(model::Faults& faults, const std::string& what, std::string fix) {
  faults.error({}, {}, "schema_drift", "the database was changed behind Mettle's back: " + what,
               std::move(fix));
}

void compare_table(const LiveObject& was, const LiveObject& is, model::Faults& faults) {
  const auto before = column_definitions(was.sql);
  const auto now = column_definitions(is.sql);
  bool told = false;
  for (const auto& [name, definition] : now) {
    const auto it = before.find(name);
    if (it != before.end() && it->second == definition) continue;
    told = true;
    if (it == before.end()) {
      report(faults, fmt::format("{} has a column {} that was not made by Mettle", is.table, name),
             fmt::format("ALTER TABLE {0} DROP COLUMN {1}; then declare {1} in the app file",
                         is.table, name));
    } else {
      report(faults,
             fmt::format("{}.{} was `{}` and is `{}`", is.table, name, it->second, definition),
             "put the column back as it was, or restore a backup");
    }
  }
  for (const auto& [name, definition] : before) {
    if (now.contains(name)) continue;
    told = true;
    report(faults, fmt::format("{}.{} is gone", is.table, name),
           fmt::format("ALTER TABLE {} ADD COLUMN {}", is.table, definition));
  }
  if (!told && was.sql != is.sql) {
    report(faults, fmt::format("the table {} is defined otherwise than it was", is.table),
           "put it back as it was, or restore a backup");
  }
}

}  // namespace

std::map<std::string, std::string> column_definitions(const std::string& sql) {
  std::map<std::string, std::string> out;
  const size_t open = sql.find('(');
  int depth = 0;
  char quote = 0;
  size_t begin = open + 1;
  for (size_t i = open; open != std::string::npos && i < sql.size(); ++i) {
    const char c = sql[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
      continue;
    }
    if (c == '\'' || c == '"') quote = c;
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if ((c == ',' && depth == 1) || (c == ')' && depth == 0)) {
      const std::string_view one = trim_ascii(std::string_view(sql).substr(begin, i - begin));
      std::string_view name = one.substr(0, one.find(' '));
      if (name.size() > 2 && name.front() == '"') name = name.substr(1, name.size() - 2);
      out[std::string(name)] = one;
      begin = i + 1;
      if (depth == 0) break;
    }
  }
  return out;
}

Task<Result<int64_t>> run_sql(db::Tx& tx, std::string sql, std::vector<Value> values,
                              db::RowSink* sink) {
  const db::StatementRef statement = db::Statement::make(std::move(sql));
  co_return co_await tx.run(statement, values, sink);
}

Task<Result<std::vector<LiveObject>>> live_objects(db::Tx& tx) {
  TextRows found;
  CO_TRY_VOID(co_await run_sql(tx,
                               "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS "
                               "NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND tbl_name "
                               "NOT LIKE 'mettle\\_%' ESCAPE '\\' ORDER BY type, name",
                               {}, &found));
  std::vector<LiveObject> out;
  for (auto& row : found.rows) {
    out.push_back({std::move(row[0]), std::move(row[1]), std::move(row[2]), std::move(row[3])});
  }
  co_return out;
}

Task<Result<Recorded>> read_recorded(db::Tx& tx) {
  Recorded out;
  TextRows tables;
  CO_TRY_VOID(co_await run_sql(
      tx, "SELECT name FROM sqlite_schema WHERE name IN ('mettle_schema', 'mettle_migrations')", {},
      &tables));
  if (tables.rows.size() < 2) co_return out;
  TextRows schema, columns, statements;
  CO_TRY_VOID(co_await run_sql(
      tx, "SELECT version, json FROM mettle_schema ORDER BY version DESC LIMIT 1", {}, &schema));
  CO_TRY_VOID(
      co_await run_sql(tx, "SELECT id, table_name, column_name FROM mettle_columns", {}, &columns));
  CO_TRY_VOID(co_await run_sql(tx, "SELECT statement FROM mettle_migrations", {}, &statements));
  for (auto& row : columns.rows) {
    out.ids.put(std::stoll(row[0]), std::move(row[1]), std::move(row[2]));
  }
  for (auto& row : statements.rows) out.statements.insert(std::move(row[0]));
  if (!schema.rows.empty()) {
    out.version = std::stoll(schema.rows[0][0]);
    CO_TRY_VOID(parse_recorded(schema.rows[0][1], out));
  }
  co_return out;
}

Task<Result<>> make_catalogue(db::WriteTx& tx) {
  CO_TRY_VOID(co_await run_sql(tx,
                               "CREATE TABLE IF NOT EXISTS mettle_schema (version INTEGER PRIMARY "
                               "KEY, app_hash TEXT NOT NULL, json TEXT NOT NULL, applied_at "
                               "INTEGER NOT NULL) STRICT"));
  CO_TRY_VOID(co_await run_sql(tx,
                               "CREATE TABLE IF NOT EXISTS mettle_columns (id INTEGER PRIMARY KEY "
                               "AUTOINCREMENT, table_name TEXT NOT NULL, column_name TEXT NOT "
                               "NULL, UNIQUE (table_name, column_name)) STRICT"));
  CO_TRY_VOID(co_await run_sql(tx,
                               "CREATE TABLE IF NOT EXISTS mettle_migrations (statement TEXT "
                               "PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT, WITHOUT ROWID"));
  co_return Result<>();
}

bool has_own_statements(const Recorded& recorded, const std::vector<std::string>& statements) {
  return std::ranges::all_of(statements, [&](const std::string& one) {
    return recorded.statements.contains(hash_of(one));
  });
}

Task<Result<>> run_own_statements(db::WriteTx& tx, const std::vector<std::string>& statements,
                                  const std::set<std::string>& done, Timestamp now) {
  std::set<std::string> run = done;
  for (const std::string& statement : statements) {
    const std::string hash = hash_of(statement);
    if (!run.insert(hash).second) continue;
    CO_TRY_VOID(co_await run_sql(tx, statement));
    const std::vector<Value> values{Value(hash), Value(now)};
    CO_TRY_VOID(co_await run_sql(
        tx, "INSERT INTO mettle_migrations (statement, applied_at) VALUES (?1, ?2)", values));
  }
  co_return Result<>();
}

Task<Result<>> record(db::WriteTx& tx, int64_t version, const std::string& app_hash,
                      const model::SchemaSnapshot& schema, Timestamp now) {
  CO_TRY(std::vector<LiveObject> objects, co_await live_objects(tx));
  std::erase_if(objects, [&](const LiveObject& object) {
    return object.type == "view" || schema.find(object.table) == nullptr;
  });
  const std::vector<Value> values{Value(version), Value(app_hash),
                                  Value(recorded_json(schema, objects)), Value(now)};
  CO_TRY_VOID(co_await run_sql(
      tx, "INSERT INTO mettle_schema (version, app_hash, json, applied_at) VALUES (?1, ?2, ?3, ?4)",
      values));
  co_return Result<>();
}

void find_drift(const Recorded& recorded, const std::vector<LiveObject>& live,
                model::Faults& faults) {
  const auto find = [](const std::vector<LiveObject>& all, const LiveObject& one) {
    return std::ranges::find_if(all, [&](const LiveObject& other) {
      return other.type == one.type && other.name == one.name;
    });
  };
  for (const LiveObject& was : recorded.objects) {
    const auto is = find(live, was);
    if (is == live.end()) {
      report(faults, fmt::format("the {} {} is gone", was.type, was.name),
             was.type == "table" ? "restore a backup" : was.sql);
    } else if (was.type == "table") {
      compare_table(was, *is, faults);
    } else if (was.sql != is->sql) {
      report(faults,
             fmt::format("the {} {} of {} is defined otherwise than it was", was.type, was.name,
                         was.table),
             fmt::format("DROP {} {}; {}", was.type, was.name, was.sql));
    }
  }
  for (const LiveObject& is : live) {
    if (is.type != "index" && is.type != "trigger") continue;
    if (recorded.schema.find(is.table) == nullptr) continue;
    if (find(recorded.objects, is) != recorded.objects.end()) continue;
    report(faults,
           fmt::format("{} has a {} {} that was not made by Mettle", is.table, is.type, is.name),
           fmt::format("DROP {} {}{}", is.type, is.name,
                       is.type == "index" ? "; then declare it under `indexes`" : ""));
  }
}

std::vector<std::string> unknown_tables(const model::SchemaSnapshot& schema,
                                        const std::vector<LiveObject>& live) {
  std::vector<std::string> out;
  for (const LiveObject& is : live) {
    const bool holds_rows = is.type == "table" || is.type == "view";
    if (holds_rows && schema.find(is.name) == nullptr) out.push_back(is.name);
  }
  return out;
}

}  // namespace mettle::migrate

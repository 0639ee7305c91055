// What the database holds, as it is recorded and as it is: the catalogue (mettle_schema,
// mettle_columns, mettle_migrations) and the engine's own list of tables, indexes and triggers.
// What differs between the two was changed behind our back.
//
//   mettle_schema(version, app_hash, json, applied_at)   a row for each change of the schema
//   mettle_columns(id, table_name, column_name)          the ids in names of constraints
//   mettle_migrations(statement, applied_at)             which of Mettle's own statements were run
//
// Inside a unit of the store; a few statements each.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "async/task.h"
#include "db/db.h"
#include "features/migrate/ddl.h"
#include "model/snapshot.h"
#include "model/source.h"

namespace mettle::migrate {

struct LiveObject {
  std::string type;  // "table", "index", "trigger", "view"
  std::string name;
  std::string table;
  std::string sql;
  bool operator==(const LiveObject&) const = default;
};

struct Recorded {
  int64_t version = 0;  // 0: nothing was recorded yet
  model::SchemaSnapshot schema;
  std::vector<LiveObject> objects;  // of the app's tables, as they were left
  ColumnIds ids;
  std::set<std::string> statements;  // hashes of those of mettle_migrations
};

// Everything but SQLite's and Mettle's own, sorted.
Task<Result<std::vector<LiveObject>>> live_objects(db::Tx& tx);
// kInternal where the catalogue says what no version of Mettle wrote.
Task<Result<Recorded>> read_recorded(db::Tx& tx);

// Makes the catalogue's tables where they are missing.
Task<Result<>> make_catalogue(db::WriteTx& tx);
// The statements of features that have not been run, in order.
Task<Result<>> run_own_statements(db::WriteTx& tx, const std::vector<std::string>& statements,
                                  const std::set<std::string>& done, Timestamp now);
bool has_own_statements(const Recorded& recorded, const std::vector<std::string>& statements);
// Writes the row of a new version: the schema and what the database now holds of it.
Task<Result<>> record(db::WriteTx& tx, int64_t version, const std::string& app_hash,
                      const model::SchemaSnapshot& schema, Timestamp now);

// What of the app's tables is not as it was left; a fault each. Others' tables are no faults.
void find_drift(const Recorded& recorded, const std::vector<LiveObject>& live,
                model::Faults& faults);
// The names of tables and views that are not the app's.
std::vector<std::string> unknown_tables(const model::SchemaSnapshot& schema,
                                        const std::vector<LiveObject>& live);

// The columns of a CREATE TABLE, each as it stands there, by its name.
std::map<std::string, std::string> column_definitions(const std::string& create_table);

// Runs a statement that is made for this once.
Task<Result<int64_t>> run_sql(db::Tx& tx, std::string sql, std::vector<Value> values = {},
                              db::RowSink* sink = nullptr);

}  // namespace mettle::migrate

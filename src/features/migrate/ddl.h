// The tables of an app as an engine has them: their DDL, written from the recorded form of the
// schema (model/snapshot.h), so that old and new versions are written by the same code. One class
// an engine; all that knows SQLite's way is in ddl_sqlite.cc.
//
// Constraints and indexes are named by the ids of their columns (mettle_columns), so that a rename
// changes no name: mt_min_12 is the minimum of column 12, mt_unique_3_5 says that columns 3 and 5
// are unique together. records/constraint.h leads back from a name to the column.
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/dialect.h"
#include "model/app_model.h"
#include "model/snapshot.h"

namespace mettle::migrate {

// The id of each column of the database, system columns too.
class ColumnIds {
 public:
  using Name = std::pair<std::string, std::string>;  // table, column
  void put(int64_t id, std::string table, std::string column);
  void forget(const std::string& table, const std::string& column);
  int64_t of(const std::string& table, std::string_view column) const;  // 0 if there is none
  const std::map<Name, int64_t>& all() const { return ids_; }

 private:
  std::map<Name, int64_t> ids_;
};

// A named thing beside a table: an index or the trigger.
struct Object {
  std::string name;
  std::string sql;
};

// What diff() says of system columns: their names, in the order of the table.
const std::vector<std::string>& system_columns();

class Ddl {
 public:
  virtual ~Ddl() = default;
  const db::Dialect& dialect() const { return dialect_; }

  // As it stands inside CREATE TABLE and ALTER TABLE ADD COLUMN.
  virtual std::string column(const model::TableSchema& table, const model::ColumnSchema& column,
                             const ColumnIds& ids) const = 0;
  // The columns that every table has, before its own: the hidden rid, id, times, version.
  virtual std::vector<std::string> system(const model::TableSchema& table,
                                          const ColumnIds& ids) const = 0;
  // `name`: what the table is called while it is being built.
  std::string create_table(const model::TableSchema& table, std::string_view name,
                           const ColumnIds& ids) const;
  // Each wanted index once, sorted by name.
  std::vector<Object> indexes(const model::TableSchema& table, const ColumnIds& ids) const;
  // Sets version and updated_at where a `sql:` step did not.
  virtual Object trigger(const model::TableSchema& table, const ColumnIds& ids) const = 0;

  // A condition that holds for the values (of the SQL expression `x`) that the column may have:
  // its bounds, its enum, its pattern; empty if all may.
  std::string fits(const model::ColumnSchema& column, std::string_view x) const;
  // How a value stored as `from` is stored as `to`; NULL where it cannot be.
  virtual std::string converted(const model::ColumnSchema& from, const model::ColumnSchema& to,
                                std::string_view x) const = 0;

 protected:
  struct Check {
    std::string kind;  // "min"
    std::string condition;
  };
  explicit Ddl(const db::Dialect& dialect, const model::SchemaSnapshot& schema)
      : dialect_(dialect), schema_(schema) {}
  // Of the column's values as the SQL expression `x`.
  virtual std::vector<Check> checks(const model::ColumnSchema& column,
                                    std::string_view x) const = 0;
  std::string id(std::string_view name) const { return dialect_.identifier(name); }
  const model::SchemaSnapshot& schema() const { return schema_; }

 private:
  const db::Dialect& dialect_;
  const model::SchemaSnapshot& schema_;  // whose tables are written; the kinds of their ids
};

// "products.price" of `names`, with their ids: "12_15".
std::string joined_ids(const model::TableSchema& table, const std::vector<std::string>& columns,
                       const ColumnIds& ids);
// 'it''s'
std::string sql_text(std::string_view text);

class SqliteDdl final : public Ddl {
 public:
  // `schema` must outlive it.
  explicit SqliteDdl(const model::SchemaSnapshot& schema);
  std::string column(const model::TableSchema& table, const model::ColumnSchema& column,
                     const ColumnIds& ids) const override;
  std::vector<std::string> system(const model::TableSchema& table,
                                  const ColumnIds& ids) const override;
  Object trigger(const model::TableSchema& table, const ColumnIds& ids) const override;
  std::string converted(const model::ColumnSchema& from, const model::ColumnSchema& to,
                        std::string_view x) const override;

 protected:
  std::vector<Check> checks(const model::ColumnSchema& column, std::string_view x) const override;

 private:
  std::string_view storage(const model::ColumnSchema& column) const;
  std::string default_text(const model::ColumnSchema& column) const;
  std::string bound(const model::ColumnSchema& column, const std::string& wire) const;
};

}  // namespace mettle::migrate

#include "features/migrate/change_schema.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/failpoint.h"
#include "features/migrate/recorded.h"

namespace mettle::migrate {

namespace {

using model::Change;
using model::ColumnSchema;
using model::TableSchema;
using Kind = model::Change::Kind;

class FirstInt final : public db::RowSink {
 public:
  void restart() override { value = 0; }
  Result<bool> on_row(const db::Row& row) override {
    value = row.int64(0);
    return false;
  }
  int64_t value = 0;
};

std::vector<std::string> names_of(const TableSchema& table) {
  std::vector<std::string> out = system_columns();
  for (const ColumnSchema& column : table.columns) out.push_back(column.name);
  return out;
}

void replace_all(std::vector<std::string>& names, const std::string& from, const std::string& to) {
  std::ranges::replace(names, from, to);
}

}  // namespace

ChangeSchema::ChangeSchema(db::WriteTx& tx, model::SchemaSnapshot was,
                           const model::SchemaSnapshot& wanted, ColumnIds ids,
                           std::vector<std::string> may_empty)
    : tx_(tx),
      was_(std::move(was)),
      wanted_(wanted),
      ids_(std::move(ids)),
      may_empty_(std::move(may_empty)),
      before_(was_),
      after_(wanted_),
      fit_(tx_, was_, after_, wanted_) {}

Task<Result<>> ChangeSchema::run_sql(std::string sql, std::vector<Value> values) {
  CO_TRY_VOID(co_await migrate::run_sql(tx_, std::move(sql), std::move(values)));
  co_return Result<>();
}

Task<Result<>> ChangeSchema::run(const std::vector<Change>& changes, const model::AppModel& app,
                                 Timestamp now) {
  for (const Change& change : changes) {
    if (change.kind == Kind::kReplaceColumn) {
      replaced_.push_back(change.table + "." + change.column);
    }
  }
  CO_FAIL_POINT("schema.before_change");
  CO_TRY_VOID(co_await drop_tables(changes));
  CO_TRY_VOID(co_await rename_tables(changes));
  CO_TRY_VOID(co_await rename_columns(changes));
  CO_TRY_VOID(co_await number_columns());
  for (const TableSchema& table : wanted_.tables) {
    if (was_.find(table.name) != nullptr) continue;
    CO_TRY_VOID(co_await run_sql(after_.create_table(table, table.name, ids_)));
  }
  CO_TRY_VOID(co_await ask_rows(changes));
  if (!misfits().empty()) co_return Result<>();
  CO_FAIL_POINT("schema.before_tables");
  for (const TableSchema& table : wanted_.tables) {
    const TableSchema* from = was_.find(table.name);
    if (from == nullptr) continue;
    CO_TRY_VOID(co_await fit_columns(*from, table));
  }
  CO_TRY_VOID(co_await bring_others_back());
  for (const Change& change : changes) {
    CO_TRY_VOID(co_await fit_.after_change(change, app));
  }
  if (!misfits().empty()) co_return Result<>();
  CO_FAIL_POINT("schema.before_indexes");
  CO_TRY_VOID(co_await fit_objects());
  for (const Change& change : changes) {
    CO_TRY_VOID(co_await fit_.checks_hold(change, app, now));
  }
  if (!misfits().empty()) co_return Result<>();
  co_return co_await forget_columns();
}

Task<Result<>> ChangeSchema::drop_tables(const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    if (change.kind != Kind::kDropTable) continue;
    CO_TRY_VOID(co_await run_sql("DROP TABLE " + after_.dialect().table(change.table)));
  }
  co_return Result<>();
}

Task<Result<>> ChangeSchema::rename_tables(const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    if (change.kind != Kind::kRenameTable) continue;
    CO_TRY_VOID(co_await run_sql(fmt::format("ALTER TABLE {} RENAME TO {}",
                                             after_.dialect().table(change.from),
                                             after_.dialect().identifier(change.to))));
    std::vector<Value> names{Value(change.from), Value(change.to)};
    CO_TRY_VOID(co_await run_sql("UPDATE mettle_columns SET table_name = ?2 WHERE table_name = ?1",
                                 std::move(names)));
    for (TableSchema& table : was_.tables) {
      if (table.name == change.from) {
        for (const std::string& column : names_of(table)) {
          const int64_t id = ids_.of(change.from, column);
          ids_.forget(change.from, column);
          ids_.put(id, change.to, column);
        }
        table.name = change.to;
      }
      for (ColumnSchema& column : table.columns) {
        if (column.references == change.from) column.references = change.to;
      }
    }
  }
  co_return Result<>();
}

Task<Result<>> ChangeSchema::rename_columns(const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    if (change.kind != Kind::kRenameColumn) continue;
    const db::Dialect& sql = after_.dialect();
    CO_TRY_VOID(co_await run_sql(fmt::format("ALTER TABLE {} RENAME COLUMN {} TO {}",
                                             sql.table(change.table), sql.identifier(change.from),
                                             sql.identifier(change.to))));
    std::vector<Value> names{Value(change.table), Value(change.from), Value(change.to)};
    CO_TRY_VOID(co_await run_sql(
        "UPDATE mettle_columns SET column_name = ?3 WHERE table_name = ?1 AND column_name = ?2",
        std::move(names)));
    const int64_t id = ids_.of(change.table, change.from);
    ids_.forget(change.table, change.from);
    ids_.put(id, change.table, change.to);
    for (TableSchema& table : was_.tables) {
      if (table.name != change.table) continue;
      for (ColumnSchema& column : table.columns) {
        if (column.name == change.from) column.name = change.to;
      }
      for (model::IndexSchema& index : table.indexes) {
        replace_all(index.columns, change.from, change.to);
      }
      replace_all(table.key, change.from, change.to);
    }
  }
  co_return Result<>();
}

Task<Result<>> ChangeSchema::ask_rows(const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    const size_t before = misfits().size();
    CO_TRY_VOID(co_await fit_.before_change(change));
    if (misfits().size() == before || change.kind != Kind::kChangeType) continue;
    const std::string name = change.table + "." + change.column;
    const ColumnSchema* to = wanted_.find(change.table)->find(change.column);
    if (std::ranges::count(may_empty_, name) == 0 || to == nullptr) continue;
    if (!to->optional && !to->default_value) continue;  // its rows would have no value
    fit_.forget_last();
    replaced_.push_back(name);
  }
  co_return Result<>();
}

// An id for each column that has none yet.
Task<Result<>> ChangeSchema::number_columns() {
  for (const TableSchema& table : wanted_.tables) {
    for (const std::string& column : names_of(table)) {
      if (ids_.of(table.name, column) != 0) continue;
      FirstInt id;
      std::vector<Value> names{Value(table.name), Value(column)};
      CO_TRY_VOID(co_await migrate::run_sql(
          tx_, "INSERT INTO mettle_columns (table_name, column_name) VALUES (?1, ?2) RETURNING id",
          std::move(names), &id));
      ids_.put(id.value, table.name, column);
    }
  }
  co_return Result<>();
}

// Adds what can be added; writes the table anew where more has changed.
Task<Result<>> ChangeSchema::fit_columns(const TableSchema& from, const TableSchema& to) {
  bool anew = std::ranges::any_of(
      from.columns, [&](const ColumnSchema& column) { return to.find(column.name) == nullptr; });
  std::vector<const ColumnSchema*> added;
  for (const ColumnSchema& column : to.columns) {
    const ColumnSchema* before = from.find(column.name);
    if (before == nullptr) {
      added.push_back(&column);
      continue;
    }
    anew = anew || std::ranges::count(replaced_, to.name + "." + column.name) > 0 ||
           before_.column(from, *before, ids_) != after_.column(to, column, ids_);
  }
  if (anew) co_return co_await rebuild(from, to);
  for (const ColumnSchema* column : added) {
    CO_TRY_VOID(co_await run_sql(fmt::format("ALTER TABLE {} ADD COLUMN {}",
                                             after_.dialect().table(to.name),
                                             after_.column(to, *column, ids_))));
  }
  co_return Result<>();
}

Task<Result<>> ChangeSchema::set_others_aside() {
  if (aside_) co_return Result<>();
  CO_TRY(std::vector<LiveObject> live, co_await live_objects(tx_));
  std::erase_if(live, [&](const LiveObject& object) {
    const bool others = object.type == "trigger" && wanted_.find(object.table) == nullptr;
    return object.type != "view" && !others;
  });
  for (const LiveObject& object : live) {  // by type: triggers before the views they are on
    CO_TRY_VOID(co_await run_sql(
        fmt::format("DROP {} {}", object.type, after_.dialect().identifier(object.name))));
  }
  aside_ = std::move(live);
  co_return Result<>();
}

Task<Result<>> ChangeSchema::bring_others_back() {
  if (!aside_) co_return Result<>();
  for (auto object = aside_->rbegin(); object != aside_->rend(); ++object) {
    CO_TRY_VOID(co_await run_sql(object->sql));
  }
  co_return Result<>();
}

Task<Result<>> ChangeSchema::rebuild(const TableSchema& from, const TableSchema& to) {
  CO_TRY_VOID(co_await set_others_aside());
  const db::Dialect& sql = after_.dialect();
  const std::string name = "mettle_new_" + to.name;
  const std::string fresh = sql.table(name), old = sql.table(to.name);
  CO_TRY_VOID(co_await run_sql(after_.create_table(to, name, ids_)));
  std::string targets, sources;
  const auto copy = [&](const std::string& column, const std::string& source) {
    targets += (targets.empty() ? "" : ", ") + sql.identifier(column);
    sources += (sources.empty() ? "" : ", ") + source;
  };
  const bool numbered = to.id_type == model::IdType::kInt;
  if (!numbered) copy("rid", sql.identifier("rid"));
  for (const std::string& column : system_columns()) copy(column, sql.identifier(column));
  for (const ColumnSchema& column : to.columns) {
    const ColumnSchema* before = from.find(column.name);
    const bool empty = std::ranges::count(replaced_, to.name + "." + column.name) > 0;
    if (before == nullptr || empty) continue;  // its default
    copy(column.name, after_.converted(*before, column, sql.identifier(column.name)));
  }
  CO_TRY_VOID(co_await run_sql(fmt::format("INSERT INTO {} ({}) SELECT {} FROM {} ORDER BY {}",
                                           fresh, targets, sources, old,
                                           sql.identifier(numbered ? "id" : "rid"))));
  CO_FAIL_POINT("schema.after_copy");
  if (numbered) {  // ids that were given once are not given again
    std::vector<Value> fresh_name{Value(name)};
    CO_TRY_VOID(
        co_await run_sql("DELETE FROM sqlite_sequence WHERE name = ?1", std::move(fresh_name)));
    std::vector<Value> names{Value(name), Value(to.name)};
    CO_TRY_VOID(
        co_await run_sql("INSERT INTO sqlite_sequence (name, seq) SELECT ?1, seq FROM "
                         "sqlite_sequence WHERE name = ?2",
                         std::move(names)));
  }
  CO_TRY_VOID(co_await run_sql("DROP TABLE " + old));
  CO_FAIL_POINT("schema.after_drop");
  co_return co_await run_sql(
      fmt::format("ALTER TABLE {} RENAME TO {}", fresh, sql.identifier(to.name)));
}

// Indexes and triggers: those that are not wanted go, those that are missing come.
Task<Result<>> ChangeSchema::fit_objects() {
  CO_TRY(const std::vector<LiveObject> live, co_await live_objects(tx_));
  std::map<std::string, std::string> there;
  for (const LiveObject& object : live) {
    if (object.type == "index" || object.type == "trigger") there[object.name] = object.sql;
  }
  std::vector<Object> wanted;
  std::map<std::string, std::string> by_name;
  for (const TableSchema& table : wanted_.tables) {
    wanted.push_back(after_.trigger(table, ids_));
    for (Object& index : after_.indexes(table, ids_)) wanted.push_back(std::move(index));
  }
  for (const Object& object : wanted) by_name[object.name] = object.sql;
  for (const LiveObject& object : live) {
    const bool ours = object.name.starts_with("mt_") && there.contains(object.name);
    if (!ours) continue;
    const auto it = by_name.find(object.name);
    if (it != by_name.end() && it->second == object.sql) continue;
    CO_TRY_VOID(co_await run_sql(
        fmt::format("DROP {} {}", object.type, after_.dialect().identifier(object.name))));
    there.erase(object.name);
  }
  for (const Object& object : wanted) {
    if (there.contains(object.name)) continue;
    CO_TRY_VOID(co_await run_sql(object.sql));
  }
  co_return Result<>();
}

Task<Result<>> ChangeSchema::forget_columns() {
  for (const auto& [name, id] : ids_.all()) {
    const TableSchema* table = wanted_.find(name.first);
    const bool there = table != nullptr && std::ranges::count(names_of(*table), name.second) > 0;
    if (there) continue;
    std::vector<Value> values{Value(id)};
    CO_TRY_VOID(co_await run_sql("DELETE FROM mettle_columns WHERE id = ?1", std::move(values)));
  }
  co_return Result<>();
}

}  // namespace mettle::migrate

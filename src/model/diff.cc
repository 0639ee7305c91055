#include "model/diff.h"

#include <algorithm>
#include <map>

#include "base/mutant.h"
#include "model/column_diff.h"

namespace mettle::model {

namespace {

using Effect = Change::Effect;
using Kind = Change::Kind;
using Needs = Change::Needs;

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

class Differ {
 public:
  Differ(const SchemaSnapshot& recorded, const AppModel& app, const DiffOptions& options,
         Faults& faults)
      : recorded_(recorded),
        app_(app),
        options_(options),
        faults_(faults),
        wanted_(snapshot_of(app)) {}

  std::vector<Change> run() {
    match_tables();
    for (const TableSchema& table : recorded_.tables) {
      if (!now_.contains(table.name)) drop_table(table);
    }
    for (size_t i = 0; i < wanted_.tables.size(); ++i) {
      const TableSchema& to = wanted_.tables[i];
      const auto before = before_.find(to.name);
      if (before == before_.end()) {
        add({.kind = Kind::kCreateTable,
             .table = to.name,
             .message = to.name + ": new table",
             .pos = app_.tables[i].pos});
      } else {
        compare_tables(*recorded_.find(before->second), to, app_.tables[i]);
      }
    }
    // Drops of indexes before columns go, new indexes when all columns are there.
    std::vector<Change> out;
    for (int phase = 0; phase < kPhases; ++phase) {
      for (Change& change : changes_) {
        if (phase_of(change.kind) == phase) out.push_back(change);
      }
    }
    return out;
  }

 private:
  static constexpr int kPhases = 6;
  static int phase_of(Kind kind) {
    switch (kind) {
      case Kind::kRenameTable:
      case Kind::kRenameColumn:
        return 0;
      case Kind::kDropIndex:
        return 1;
      case Kind::kDropTable:
      case Kind::kDropColumn:
        return 2;
      case Kind::kCreateTable:
        return 3;
      case Kind::kAddIndex:
      case Kind::kChangeKey:
      case Kind::kChecks:
        return 5;
      default:
        return 4;
    }
  }

  void add(Change change) { changes_.push_back(std::move(change)); }
  bool allowed(const std::string& what) const {
    return options_.allow_drop.contains(what) || planted(Mutant::kDropWithoutAsking);
  }

  // Which recorded table is which wanted one.
  void match_tables() {
    for (const Table& table : app_.tables) {
      const bool here = recorded_.find(table.name) != nullptr;
      const bool old = !table.was.empty() && recorded_.find(table.was) != nullptr;
      if (old && here) {
        faults_.error(table.pos, "tables." + table.name + ".was", "was_still_there",
                      "the database has both \"" + table.was + "\" and \"" + table.name + "\"",
                      "remove `was`");
      } else if (old) {
        before_[table.name] = table.was;
        add({.kind = Kind::kRenameTable,
             .table = table.name,
             .from = table.was,
             .to = table.name,
             .message = "table " + table.was + " → " + table.name,
             .pos = table.pos});
      } else if (!table.was.empty() && !here && !recorded_.tables.empty()) {
        faults_.error(table.pos, "tables." + table.name + ".was", "was_unknown",
                      "the database has no table \"" + table.was + "\"",
                      nearest(table.was, recorded_names()));
      }
      if (here) before_[table.name] = table.name;
    }
    for (const auto& [now, before] : before_) now_[before] = now;
  }

  std::vector<std::string> recorded_names() const {
    std::vector<std::string> out;
    for (const TableSchema& table : recorded_.tables) out.push_back(table.name);
    return out;
  }

  // A new table that looks like the one that is gone.
  std::string likely_table(const TableSchema& gone) const {
    for (const TableSchema& table : wanted_.tables) {
      if (before_.contains(table.name) || gone.columns.empty()) continue;
      size_t same = 0;
      for (const ColumnSchema& column : gone.columns) {
        const ColumnSchema* other = table.find(column.name);
        if (other != nullptr && other->type == column.type) ++same;
      }
      if (same * 2 >= gone.columns.size()) return table.name;
    }
    return {};
  }

  void drop_table(const TableSchema& table) {
    Change change{.kind = Kind::kDropTable, .table = table.name, .from = table.name};
    change.message = "table " + table.name + " is gone from the app file";
    if (allowed(table.name)) {
      change.loses_data = true;
    } else {
      change.effect = Effect::kRefused;
      const std::string likely = likely_table(table);
      if (!likely.empty()) {
        change.way_out = "if it is called " + likely + " now: was: " + table.name + "; else ";
      }
      change.way_out += "--allow-drop " + table.name;
    }
    add(std::move(change));
  }

  void compare_tables(const TableSchema& from, const TableSchema& to, const Table& table) {
    if (from.id_type != to.id_type) {
      Change change{.kind = Kind::kIdType, .effect = Effect::kRefused, .table = to.name};
      change.from = from.id_type == IdType::kInt ? "int" : "uuid";
      change.to = to.id_type == IdType::kInt ? "int" : "uuid";
      change.message = to.name + ": ids cannot change from " + change.from + " to " + change.to;
      change.way_out = "make a new table and copy the rows";
      change.pos = table.pos;
      add(std::move(change));
    }
    std::map<std::string, std::string> columns;  // recorded → now
    match_columns(from, to, table, columns);
    drop_columns(from, to, columns);
    for (const ColumnSchema& column : to.columns) {
      const Pos pos = table.columns[static_cast<size_t>(table.find_column(column.name))].pos;
      const ColumnSchema* before = nullptr;
      for (const auto& [old, now] : columns) {
        if (now == column.name) before = from.find(old);
      }
      if (before == nullptr) {
        add(add_column(to.name, column, pos));
        continue;
      }
      ColumnSchema renamed = *before;  // a renamed target is the same target
      if (const auto target = now_.find(renamed.references); target != now_.end()) {
        renamed.references = target->second;
      }
      const bool dropped = allowed(from.name + "." + before->name);
      diff_column(to.name, renamed, column, dropped, pos, changes_);
    }
    compare_indexes(from, to, columns, table);
    compare_key(from, to, columns, table);
    if (from.checks != to.checks) {
      const bool more = std::ranges::any_of(to.checks, [&](const std::string& check) {
        return std::ranges::find(from.checks, check) == from.checks.end();
      });
      add({.kind = Kind::kChecks,
           .effect = Effect::kSafe,
           .needs = more ? Needs::kChecksHold : Needs::kNothing,
           .table = to.name,
           .message = to.name + ": its checks change",
           .way_out = more ? "change the rows for which a check is false first" : "",
           .pos = table.pos});
    }
  }

  void match_columns(const TableSchema& from, const TableSchema& to, const Table& table,
                     std::map<std::string, std::string>& columns) {
    for (const Column& column : table.columns) {
      if (column.system) continue;
      const bool here = from.find(column.name) != nullptr;
      const bool old = !column.was.empty() && from.find(column.was) != nullptr;
      const std::string path = "tables." + to.name + ".columns." + column.name + ".was";
      if (old && here) {
        faults_.error(column.pos, path, "was_still_there",
                      "the database has both \"" + column.was + "\" and \"" + column.name + "\"",
                      "remove `was`");
      } else if (old) {
        columns[column.was] = column.name;
        add({.kind = Kind::kRenameColumn,
             .table = to.name,
             .column = column.name,
             .from = column.was,
             .to = column.name,
             .message = to.name + ": " + column.was + " → " + column.name,
             .pos = column.pos});
      } else if (!column.was.empty() && !here) {
        std::vector<std::string> names;
        for (const ColumnSchema& one : from.columns) names.push_back(one.name);
        faults_.error(column.pos, path, "was_unknown",
                      "in the database, " + from.name + " has no column \"" + column.was + "\"",
                      nearest(column.was, names));
      }
      if (here) columns[column.name] = column.name;
    }
  }

  void drop_columns(const TableSchema& from, const TableSchema& to,
                    const std::map<std::string, std::string>& columns) {
    for (const ColumnSchema& column : from.columns) {
      if (columns.contains(column.name)) continue;
      const std::string full = from.name + "." + column.name;
      Change change{.kind = Kind::kDropColumn,
                    .effect = Effect::kRebuild,
                    .table = to.name,
                    .column = column.name,
                    .from = definition(column)};
      change.message = full + " is gone from the app file";
      if (allowed(full)) {
        change.loses_data = true;
      } else {
        change.effect = Effect::kRefused;
        for (const ColumnSchema& now : to.columns) {
          const bool fresh = std::ranges::none_of(
              columns, [&](const auto& entry) { return entry.second == now.name; });
          if (!fresh || now.type != column.type) continue;
          change.way_out += "if it is called " + now.name + " now: was: " + column.name + "; else ";
          break;
        }
        change.way_out += "--allow-drop " + full;
      }
      add(std::move(change));
    }
  }

  static std::vector<std::string> renamed(const std::vector<std::string>& names,
                                          const std::map<std::string, std::string>& columns) {
    std::vector<std::string> out;
    for (const std::string& name : names) {
      const auto it = columns.find(name);
      out.push_back(it == columns.end() ? name : it->second);
    }
    return out;
  }

  void compare_indexes(const TableSchema& from, const TableSchema& to,
                       const std::map<std::string, std::string>& columns, const Table& table) {
    std::vector<IndexSchema> before;
    for (const IndexSchema& index : from.indexes) {
      before.push_back({renamed(index.columns, columns), index.unique});
      if (std::ranges::find(to.indexes, before.back()) != to.indexes.end()) continue;
      add({.kind = Kind::kDropIndex,
           .table = to.name,
           .columns = index.columns,
           .unique = index.unique,
           .message = to.name + ": index on " + listed(index.columns) + " goes"});
    }
    for (size_t i = 0; i < to.indexes.size(); ++i) {
      const IndexSchema& index = to.indexes[i];
      if (std::ranges::find(before, index) != before.end()) continue;
      Change change{.kind = Kind::kAddIndex,
                    .table = to.name,
                    .columns = index.columns,
                    .unique = index.unique};
      change.message = to.name + ": " + (index.unique ? "unique index on " : "index on ") +
                       listed(index.columns);
      change.pos = table.indexes[i].pos;
      if (index.unique) {
        change.needs = Needs::kUniqueValues;
        change.way_out = "change the rows that hold the same values first";
      }
      add(std::move(change));
    }
  }

  void compare_key(const TableSchema& from, const TableSchema& to,
                   const std::map<std::string, std::string>& columns, const Table& table) {
    const auto before = renamed(from.key, columns);
    if (before == to.key) return;
    Change change{.kind = Kind::kChangeKey,
                  .table = to.name,
                  .from = listed(from.key),
                  .to = listed(to.key),
                  .columns = to.key,
                  .unique = true};
    change.message = to.name + ": key " + (from.key.empty() ? "id" : listed(from.key)) + " → " +
                     (to.key.empty() ? "id" : listed(to.key));
    change.pos = table.pos;
    if (!to.key.empty()) {
      change.needs = Needs::kUniqueValues;
      change.way_out = "change the rows that hold the same values first";
    }
    add(std::move(change));
  }

  const SchemaSnapshot& recorded_;
  const AppModel& app_;
  const DiffOptions& options_;
  Faults& faults_;
  SchemaSnapshot wanted_;
  std::map<std::string, std::string> before_, now_;  // tables: now → recorded, recorded → now
  std::vector<Change> changes_;
};

}  // namespace

std::vector<Change> diff(const SchemaSnapshot& recorded, const AppModel& app,
                         const DiffOptions& options, Faults& faults) {
  return Differ(recorded, app, options, faults).run();
}

std::string print_changes(const std::vector<Change>& changes) {
  std::string out;
  for (const Change& change : changes) {
    const bool refused = change.effect == Effect::kRefused;
    const bool comes = change.kind == Kind::kCreateTable || change.kind == Kind::kAddColumn ||
                       change.kind == Kind::kAddIndex;
    const bool goes = change.kind == Kind::kDropTable || change.kind == Kind::kDropColumn ||
                      change.kind == Kind::kDropIndex;
    out += refused ? "! " : (comes ? "+ " : (goes ? "- " : "~ "));
    out += change.message;
    if (change.effect == Effect::kRebuild) out += " (rebuild)";
    if (change.loses_data) out += " (its data is lost)";
    if (refused) out += " (refused)\n    way out: " + change.way_out;
    out += "\n";
  }
  return out;
}

}  // namespace mettle::model

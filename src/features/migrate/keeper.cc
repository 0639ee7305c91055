#include "features/migrate/keeper.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/text.h"
#include "features/migrate/change_schema.h"
#include "features/migrate/recorded.h"
#include "model/diff.h"

namespace mettle::migrate {

namespace {

using model::Change;

// What the last look at the database found.
class LookUnit final : public db::ReadUnit {
 public:
  Task<Result<>> run(db::Tx& tx) override {
    CO_TRY(recorded, co_await read_recorded(tx));
    CO_TRY(live, co_await live_objects(tx));
    co_return Result<>();
  }
  void restart() override {
    recorded = {};
    live.clear();
  }
  Recorded recorded;
  std::vector<LiveObject> live;
};

void merge(const model::Faults& from, model::Faults& into) {
  for (const model::FileFault& fault : from.sorted()) {
    if (fault.severity == model::FileFault::Severity::kError) {
      into.error(fault.pos, fault.path, fault.code, fault.message, fault.fix);
    } else {
      into.warning(fault.pos, fault.path, fault.code, fault.message, fault.fix);
    }
  }
}

std::string path_of(const Change& change) {
  if (change.column.empty()) return "tables." + change.table;
  return fmt::format("tables.{}.columns.{}", change.table, change.column);
}

// Names compare as SQLite does: whatever the case.
bool same_name(std::string_view a, std::string_view b) {
  return iequals(a, b);
}

class FitUnit final : public db::WriteUnit {
 public:
  FitUnit(const engine::SchemaKeeper::Wanted& wanted, Timestamp now) : wanted_(wanted), now_(now) {}

  Task<Result<>> run(db::WriteTx& tx) override;

  model::Faults faults;
  std::string told;  // the changes, for the log
  int64_t version = 0;

 private:
  Task<Result<>> change(db::WriteTx& tx, const Recorded& recorded,
                        const std::vector<Change>& changes);
  // Tables to be made under names that others' tables have.
  void find_clashes(const model::SchemaSnapshot& schema, const Recorded& recorded,
                    const std::vector<LiveObject>& live);
  void refuse(const Change& change, std::string message);
  void warn_unused_drops(const std::vector<Change>& changes);

  const engine::SchemaKeeper::Wanted& wanted_;
  const Timestamp now_;
};

void FitUnit::refuse(const Change& change, std::string message) {
  faults.error(change.pos, path_of(change), "schema_change_refused", std::move(message),
               change.way_out);
}

void FitUnit::find_clashes(const model::SchemaSnapshot& schema, const Recorded& recorded,
                           const std::vector<LiveObject>& live) {
  for (const std::string& name : unknown_tables(recorded.schema, live)) {
    for (const model::TableSchema& table : schema.tables) {
      if (!same_name(table.name, name)) continue;
      faults.error({}, "tables." + table.name, "schema_drift",
                   fmt::format("the database has a table {} that Mettle did not make", name),
                   fmt::format("rename or drop it, or call the app's table otherwise"));
    }
  }
}

void FitUnit::warn_unused_drops(const std::vector<Change>& changes) {
  for (const std::string& drop : wanted_.allow_drop) {
    const bool used = std::ranges::any_of(changes, [&](const Change& change) {
      const bool may_lose = change.loses_data || change.kind == Change::Kind::kChangeType;
      const bool named =
          drop == change.table || (!change.column.empty() && drop.ends_with("." + change.column));
      return may_lose && named;
    });
    if (used) continue;
    faults.warning({}, {}, "nothing_to_drop",
                   fmt::format("--allow-drop {}: nothing of that name is to be dropped", drop));
  }
}

Task<Result<>> FitUnit::run(db::WriteTx& tx) {
  faults = {};
  told.clear();
  CO_TRY_VOID(co_await make_catalogue(tx));
  CO_TRY(const Recorded recorded, co_await read_recorded(tx));
  CO_TRY_VOID(co_await run_own_statements(tx, wanted_.own_tables, recorded.statements, now_));
  CO_TRY(const std::vector<LiveObject> live, co_await live_objects(tx));
  const model::SchemaSnapshot schema = model::snapshot_of(wanted_.app);
  find_drift(recorded, live, faults);
  find_clashes(schema, recorded, live);
  if (faults.has_errors()) co_return fail(Code::kInvalidApp, "the database was changed");

  model::DiffOptions options;
  options.allow_drop.insert(wanted_.allow_drop.begin(), wanted_.allow_drop.end());
  const std::vector<Change> changes = model::diff(recorded.schema, wanted_.app, options, faults);
  for (const Change& change : changes) {
    if (change.effect == Change::Effect::kRefused) refuse(change, change.message);
  }
  if (faults.has_errors()) co_return fail(Code::kInvalidApp, "changes are refused");
  warn_unused_drops(changes);
  version = recorded.version;
  if (recorded.version > 0 && recorded.schema == schema) co_return Result<>();
  CO_TRY_VOID(co_await change(tx, recorded, changes));
  CO_FAIL_POINT("schema.before_record");
  version = recorded.version + 1;
  CO_TRY_VOID(co_await record(tx, version, wanted_.app.hash, schema, now_));
  told = model::print_changes(changes);
  co_return Result<>();
}

Task<Result<>> FitUnit::change(db::WriteTx& tx, const Recorded& recorded,
                               const std::vector<Change>& changes) {
  const model::SchemaSnapshot schema = model::snapshot_of(wanted_.app);
  ChangeSchema change(tx, recorded.schema, schema, recorded.ids, wanted_.allow_drop);
  CO_TRY_VOID(co_await change.run(changes, wanted_.app, now_));
  for (const Misfit& misfit : change.misfits()) refuse(*misfit.change, misfit.message);
  if (faults.has_errors()) co_return fail(Code::kInvalidApp, "rows do not fit");
  co_return Result<>();
}

class OwnTablesUnit final : public db::WriteUnit {
 public:
  OwnTablesUnit(std::vector<std::string> statements, Timestamp now)
      : statements_(std::move(statements)), now_(now) {}
  Task<Result<>> run(db::WriteTx& tx) override {
    CO_TRY_VOID(co_await make_catalogue(tx));
    CO_TRY(const Recorded recorded, co_await read_recorded(tx));
    co_return co_await run_own_statements(tx, statements_, recorded.statements, now_);
  }

 private:
  const std::vector<std::string> statements_;
  const Timestamp now_;
};

}  // namespace

Task<Result<>> Keeper::fit(Context& ctx, db::Store& store, const Wanted& wanted,
                           model::Faults& faults) {
  LookUnit look;
  CO_TRY_VOID(co_await store.read(ctx, look));
  const model::SchemaSnapshot schema = model::snapshot_of(wanted.app);
  const std::vector<std::string> unknown = unknown_tables(schema, look.live);
  const bool same = look.recorded.version > 0 && look.recorded.schema == schema &&
                    has_own_statements(look.recorded, wanted.own_tables);
  if (same && wanted.allow_drop.empty()) {
    find_drift(look.recorded, look.live, faults);
    co_return Result<>();
  }
  const auto unit = std::make_shared<FitUnit>(wanted, ctx.seams().clock->now());
  const Result<> done = co_await store.migrate(ctx, unit);
  merge(unit->faults, faults);
  if (!done && done.error().code == Code::kInvalidApp) co_return Result<>();
  if (!done) co_return fail(done.error());
  if (!unit->told.empty()) {
    LOG_INFO("the database fits the app file",
             {{"schema_version", unit->version}, {"changes", std::string_view(unit->told)}});
  }
  for (const std::string& name : unknown) {
    if (look.recorded.schema.find(name) != nullptr) continue;
    LOG_WARN("the database has a table that is not Mettle's; it is left alone", {{"table", name}});
  }
  co_return Result<>();
}

Task<Result<Recording>> recording(Context& ctx, db::Store& store, const model::AppModel& app) {
  LookUnit look;
  CO_TRY_VOID(co_await store.read(ctx, look));
  co_return Recording{look.recorded.version,
                      look.recorded.version > 0 && look.recorded.schema == model::snapshot_of(app)};
}

Task<Result<>> make_own_tables(Context& ctx, db::Store& store,
                               const std::vector<std::string>& statements) {
  LookUnit look;
  CO_TRY_VOID(co_await store.read(ctx, look));
  if (has_own_statements(look.recorded, statements)) co_return Result<>();
  co_return co_await store.migrate(
      ctx, std::make_shared<OwnTablesUnit>(statements, ctx.seams().clock->now()));
}

}  // namespace mettle::migrate

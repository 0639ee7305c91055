#include "app/open_app.h"

#include <cstdlib>
#include <filesystem>
#include <ostream>

#include "app/feature_list.h"
#include "base/log.h"
#include "features/migrate/keeper.h"
#include "model/load.h"
#include "model/print.h"

namespace mettle::app {

namespace {

std::optional<std::string> environment_value(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

std::vector<std::string> own_tables() {
  std::vector<std::string> out;
  for (const auto& feature : make_features()) {
    for (std::string& sql : feature->own_tables()) out.push_back(std::move(sql));
  }
  return out;
}

// The migration, on a store that this process alone serves, or that only lacks tables of Mettle's.
Result<> fit(OpenStore open, const model::AppModel& app, FitTo to, model::Faults& faults) {
  Core core(system_seams());
  Context ctx(core, system_seams(), INT64_MAX);
  TRY(const migrate::Recording recorded, run_task(core, migrate::recording(ctx, *open.store, app)));
  if (to == FitTo::kMissing && recorded.version > 0) {
    return run_task(core, migrate::make_own_tables(ctx, *open.store, own_tables()));
  }
  migrate::Keeper keeper;
  const engine::SchemaKeeper::Wanted wanted{app, own_tables(), {}};
  return run_task(core, keeper.fit(ctx, *open.store, wanted, faults));
}

}  // namespace

std::shared_ptr<const model::AppModel> load_app(const std::string& path, Io& io) {
  model::Faults faults;
  model::LoadOptions options;
  options.env = &environment_value;
  model::Loaded loaded = model::load_file(path, options, faults);
  if (faults.has_errors()) {
    io.err << model::print_faults(faults.sorted(), path, loaded.text) << std::flush;
    return nullptr;
  }
  return std::move(loaded.app);
}

Session::Session() : core_(system_seams()) {}

Session::~Session() {
  open_.store.reset();
}

Result<std::unique_ptr<Session>> Session::open(const engine::Config& config) {
  std::unique_ptr<Session> out(new Session());
  TRY(out->open_, open_store(config, StoreUse::kBeside, system_seams(), metrics()));
  return out;
}

Result<> fit_database(const engine::Config& config, const std::string& path,
                      const model::AppModel& app, FitTo to, Io& io) {
  set_log_level(LogLevel::kWarn);  // a command's talk is its own
  const bool there = std::filesystem::exists(std::filesystem::path(config.data) / "app.db");
  auto open = open_store(config, StoreUse::kServe, system_seams(), metrics());
  const bool served = !open && there;  // or it cannot be opened: the next attempt says so
  if (served) {
    TRY(open, open_store(config, StoreUse::kBeside, system_seams(), metrics()));
  }
  if (!open) return fail(std::move(open.error()));
  model::Faults faults;
  if (served && to == FitTo::kFile) {
    Core core(system_seams());
    Context ctx(core, system_seams(), INT64_MAX);
    TRY(const migrate::Recording recorded,
        run_task(core, migrate::recording(ctx, *open->store, app)));
    if (recorded.same_schema) return {};
    return fail(Code::kConflict,
                "the server that runs on this data folder has another version of the app file; "
                "give it this one first");
  }
  TRY_VOID(fit(std::move(*open), app, to, faults));
  if (!faults.empty()) io.err << model::print_faults(faults.sorted(), path, {}) << std::flush;
  if (faults.has_errors()) return fail(Code::kInvalidApp, "the database does not fit the app file");
  return {};
}

}  // namespace mettle::app

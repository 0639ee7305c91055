#include "app/open_store.h"

#include <fmt/format.h>

#include <filesystem>

#include "db/sqlite/store.h"
#include "db/sqlite/version.h"
#include "engine/engine.h"
#include "features/observe/observe.h"
#include "records/sqlite_functions.h"

namespace mettle::app {
namespace {

Result<> make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return fail(Code::kUnavailable,
                fmt::format("the data folder {} cannot be made: {}", folder, error.message()));
  }
  return {};
}

// What the cores' readers keep of the database, each its part: a page that is not there costs a
// system call, and all of it counts against the memory of a small machine.
constexpr int64_t kCoreCachesBytes = int64_t{24} << 20;
constexpr int64_t kCoreCacheBytesMin = int64_t{4} << 20;

int64_t core_cache_bytes(const engine::Config& config) {
  return std::max(kCoreCacheBytesMin, kCoreCachesBytes / int64_t{engine::core_count(config)});
}

}  // namespace

Result<OpenStore> open_store(const engine::Config& config, StoreUse use, Seams& seams,
                             Metrics& registry) {
  if (use == StoreUse::kServe) {
    TRY_VOID(make_folder(config.data));
  }
  auto options = db::SqliteOptions::for_data_folder(config.data, seams, registry);
  if (use == StoreUse::kBeside) {
    options.lock_file.clear();
    if (!std::filesystem::exists(options.file)) {
      return fail(Code::kUnavailable, fmt::format("there is no database in {}", config.data));
    }
  }
  options.synchronous =
      config.durability == "full" ? db::Synchronous::kFull : db::Synchronous::kNormal;
  options.core_cache_bytes = core_cache_bytes(config);
  options.read_budget_us = config.statement_timeout_us;
  options.functions.push_back(&records::register_sqlite_functions);
  TRY(auto store, db::SqliteStore::open(std::move(options)));

  db::SqliteStore* sqlite = store.get();
  OpenStore out;
  out.dialect = &db::sqlite_dialect();
  out.attach_core = [sqlite](Core& core) { return sqlite->attach(core); };
  out.store = observe::log_slow_statements(
      std::move(store), config.slow_statement_us,
      [sqlite](const db::Statement& statement) { return sqlite->plan(statement); }, registry);
  return out;
}

std::string store_version() {
  return "SQLite " + std::string(db::sqlite_version());
}

}  // namespace mettle::app

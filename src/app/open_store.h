// The store that a configuration names, as the server and the commands beside it open it. Main
// thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/metrics.h"
#include "db/db.h"
#include "db/dialect.h"
#include "engine/config.h"

namespace mettle {
class Core;
}

namespace mettle::app {

struct OpenStore {
  std::unique_ptr<db::Store> store;
  const db::Dialect* dialect = nullptr;
  std::function<Result<>(Core& core)> attach_core;  // lives as long as the store
};

enum class StoreUse : uint8_t {
  kServe,   // holds the lock of the data folder: one server
  kBeside,  // a command that writes while a server may run
};

// Makes the data folder where it is missing (kServe only). kUnavailable with what is wrong.
Result<OpenStore> open_store(const engine::Config& config, StoreUse use, Seams& seams,
                             Metrics& registry);

// "SQLite 3.53.2".
std::string store_version();

}  // namespace mettle::app

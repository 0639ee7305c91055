// Where the debts of limits are kept (gcra.h): in memory here, in a store that nodes share later.
// Any core may call.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "async/context.h"
#include "async/task.h"
#include "base/result.h"
#include "features/limits/gcra.h"

namespace mettle::limits {

// Of one limit; made and known by its store.
class LimitTable {
 public:
  virtual ~LimitTable() = default;
};

struct Take {
  LimitTable* table = nullptr;  // of the store that is asked
  std::string_view key;         // of who is counted; the same for the same, whatever it holds
  Gcra gcra;
  int64_t count = 1;
  int64_t debt_ns = 0;  // set by take(): afterwards, or as it is where something was refused
};

class LimitStore {
 public:
  virtual ~LimitStore() = default;
  // What is owed under a limit of that name: the same for the same name as long as anybody holds
  // it, so that it outlives a change of the app file. One thread, when an app is compiled.
  virtual std::shared_ptr<LimitTable> open(const std::string& name) = 0;
  // All or none, at once: true if each allows its count. REQUIRES: no two of a table and a key.
  virtual Task<Result<bool>> take(Context& ctx, std::span<Take> takes) = 0;
};

}  // namespace mettle::limits

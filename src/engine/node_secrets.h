// Secrets of the node: made once, at random, and kept in mettle_secrets; what signs cursors today,
// tokens later. Every node on the same database has the same ones.
#pragma once

#include <string>
#include <string_view>

#include "async/context.h"
#include "async/task.h"
#include "base/result.h"
#include "db/db.h"

namespace mettle::engine {

// The secret of that name: 32 bytes; made, table and all, where it is not there yet. On a core.
Task<Result<std::string>> node_secret(Context& ctx, db::Store& store, std::string name);

}  // namespace mettle::engine

// Observe: the feature by which an operator sees what the server does: probes, metrics, a line a
// request, slow statements with their plan.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/metrics.h"
#include "db/db.h"
#include "engine/feature.h"

namespace mettle::observe {

std::unique_ptr<engine::Feature> make_observe();

// Gives the plan of a statement; may take milliseconds. Called on a thread of its own.
using ExplainStatement = std::function<Result<std::string>(const db::Statement& statement)>;

// The same store, with each statement that takes `slow_us` or longer logged with its plan. Adds
// two readings of the clock to a statement. `store` and what `explain` uses must be the same.
std::unique_ptr<db::Store> log_slow_statements(std::unique_ptr<db::Store> store, int64_t slow_us,
                                               ExplainStatement explain, Metrics& registry);

}  // namespace mettle::observe

// TypeScript of an app: the types of its tables, commands, queries and routes, and the client of
// client.ts over them, as one file that needs nothing else. Made from the same schemas as the
// OpenAPI document. Pure; any thread; milliseconds.
#pragma once

#include <string>

#include "engine/snapshot.h"

namespace mettle::app {

std::string typescript(const engine::Snapshot& app);

}  // namespace mettle::app

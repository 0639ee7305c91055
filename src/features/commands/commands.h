// Commands of the app file: business operations as steps in one transaction, as a handler of one's
// own behind HTTP, or as a function of the C++ program that embeds Mettle. What queries and routes
// share with them is here too: programs, SQL, requests.
#pragma once

#include <memory>

#include "engine/feature.h"
#include "features/commands/program.h"
#include "features/commands/request.h"
#include "features/commands/run.h"
#include "features/commands/sql.h"
#include "features/commands/value.h"

namespace mettle::commands {

std::unique_ptr<engine::Feature> make_feature();

}  // namespace mettle::commands

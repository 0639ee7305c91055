// Migrate: the feature that keeps the database in step with the app file. Its public header; what
// commands beside the server use of it is in keeper.h.
#pragma once

#include <memory>

#include "engine/feature.h"

namespace mettle::migrate {

std::unique_ptr<engine::Feature> make_feature();

}  // namespace mettle::migrate

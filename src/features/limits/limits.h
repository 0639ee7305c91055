// Rate limits: `limits:` in the app file. Counts each request that the pipeline hands it
// (engine/request_limits.h), refuses with 429, and says in the answer's headers what is left.
#pragma once

#include <memory>

#include "engine/feature.h"

namespace mettle::limits {

std::unique_ptr<engine::Feature> make_feature();

}  // namespace mettle::limits

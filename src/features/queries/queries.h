// Declared reads in SQL: GET {prefix}/queries/{name}?member=…
#pragma once

#include <memory>

#include "engine/feature.h"

namespace mettle::queries {

std::unique_ptr<engine::Feature> make_feature();

}  // namespace mettle::queries

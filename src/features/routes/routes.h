// Addresses of the app's own: `GET /s/{code}`.
#pragma once

#include <memory>

#include "engine/feature.h"

namespace mettle::routes {

std::unique_ptr<engine::Feature> make_feature();

}  // namespace mettle::routes

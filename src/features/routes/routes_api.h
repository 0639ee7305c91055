// The endpoint of one route of the app file. Any core.
#pragma once

#include <memory>

#include "engine/route.h"
#include "features/routes/after.h"
#include "features/routes/route_code.h"

namespace mettle::routes {

// `after` outlives the endpoint; its cores are attached before the first call.
std::shared_ptr<const engine::Endpoint> route_endpoint(RouteRef code,
                                                       std::shared_ptr<AfterWork> after);

}  // namespace mettle::routes

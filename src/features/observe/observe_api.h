// The addresses of observe: /livez, /readyz, /metrics.
#pragma once

#include <memory>

#include "engine/route.h"

namespace mettle::engine {
class Engine;
}

namespace mettle::observe {

// Set once, before anything is served.
struct ServerState {
  const engine::Engine* engine = nullptr;
};

std::shared_ptr<const engine::Endpoint> livez_endpoint();
std::shared_ptr<const engine::Endpoint> readyz_endpoint(std::shared_ptr<const ServerState> state);
std::shared_ptr<const engine::Endpoint> metrics_endpoint(std::shared_ptr<const ServerState> state);

}  // namespace mettle::observe

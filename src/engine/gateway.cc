#include "engine/gateway.h"

#include "base/check.h"

namespace mettle::engine {

Gateway::Gateway(const std::vector<std::unique_ptr<CoreState>>& cores,
                 Pipeline::Listener listener) {
  pipelines_.reserve(cores.size());
  for (const auto& core : cores) {
    CHECK(core->core.index() == pipelines_.size());
    pipelines_.emplace_back(*core, listener);
  }
}

Task<net::Response> Gateway::handle(Context& ctx, const net::Request& request) {
  return pipelines_[ctx.core().index()].handle(ctx, request);
}

net::Response Gateway::refuse(const Error& error) {
  const Core* core = Core::current();
  CHECK(core != nullptr);
  return pipelines_[core->index()].refuse(error);
}

}  // namespace mettle::engine

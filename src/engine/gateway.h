// What the server calls for the requests of one endpoint: hands each to the pipeline of its core.
// Any core.
#pragma once

#include <memory>
#include <vector>

#include "engine/pipeline.h"

namespace mettle::engine {

class Gateway final : public net::RequestHandler {
 public:
  Gateway(const std::vector<std::unique_ptr<CoreState>>& cores, Pipeline::Listener listener);
  Task<net::Response> handle(Context& ctx, const net::Request& request) override;
  net::Response refuse(const Error& error) override;

 private:
  std::vector<Pipeline> pipelines_;  // by the index of the core
};

}  // namespace mettle::engine

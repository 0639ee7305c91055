#include "engine/route.h"

namespace mettle::engine {
namespace {

class FunctionEndpoint final : public Endpoint {
 public:
  explicit FunctionEndpoint(EndpointFunction function) : function_(function) {}
  Task<Result<net::Response>> call(Call& call) const override { return function_(call); }

 private:
  EndpointFunction function_;
};

}  // namespace

std::shared_ptr<const Endpoint> endpoint(EndpointFunction function) {
  return std::make_shared<FunctionEndpoint>(function);
}

}  // namespace mettle::engine

#include "features/observe/observe.h"

#include "engine/engine.h"
#include "features/observe/access_log.h"
#include "features/observe/observe_api.h"
#include "features/observe/process_metrics.h"
#include "features/observe/request_metrics.h"

namespace mettle::observe {
namespace {

using engine::Policy;
using engine::Route;
using net::Method;

constexpr std::string_view kHealthSchema =
    R"({"type":"object","required":["status"],"properties":{"status":{"type":"string",)"
    R"("enum":["ok","unavailable"]},"checks":{"type":"object","additionalProperties":)"
    R"({"type":"string"}}},"additionalProperties":false})";
constexpr std::string_view kHealthRef = R"({"$ref":"#/components/schemas/Health"})";
constexpr std::string_view kJson = "application/json";

Route probe(std::string path, std::shared_ptr<const engine::Endpoint> endpoint, std::string id,
            std::string summary) {
  Route route(Method::kGet, std::move(path), Policy::kPublic, std::move(endpoint));
  route.before_admission = true;
  route.operation.id = std::move(id);
  route.operation.summary = std::move(summary);
  route.operation.tag = "operation";
  route.operation.replies = {{200, "All is well", std::string(kJson), std::string(kHealthRef), {}}};
  return route;
}

class Observe final : public engine::Feature {
 public:
  std::string_view name() const override { return "observe"; }
  void build(engine::SnapshotBuilder& builder) override;
  Result<> start(engine::Engine& engine) override;
  engine::RequestObserver* observer() override { return &observer_; }

 private:
  class Both final : public engine::RequestObserver {
   public:
    void on_finished(const engine::Finished& finished) override {
      if (metrics) metrics->on_finished(finished);
      if (log_requests) log_request(finished);
    }
    void on_refused(const Error& error) override {
      if (metrics) metrics->on_refused(error);
      if (log_requests) log_refusal(error);
    }
    std::unique_ptr<RequestMetrics> metrics;
    bool log_requests = false;
  };

  Both observer_;
  // What the endpoints ask about the server; filled by start().
  const std::shared_ptr<ServerState> state_ = std::make_shared<ServerState>();
};

void Observe::build(engine::SnapshotBuilder& builder) {
  builder.add_schema("Health", std::string(kHealthSchema));
  builder.add(probe("/livez", livez_endpoint(), "livez", "Whether the process is alive"));
  Route readyz =
      probe("/readyz", readyz_endpoint(state_), "readyz", "Whether requests should be sent here");
  readyz.operation.replies.push_back(
      {503, "Not now", std::string(kJson), std::string(kHealthRef), {}});
  builder.add(std::move(readyz));

  const bool open = builder.config().metrics_public;
  Route metrics(Method::kGet, "/metrics", open ? Policy::kPublic : Policy::kOperator,
                metrics_endpoint(state_));
  metrics.before_admission = true;
  metrics.produces = {"application/openmetrics-text", "text/plain"};
  metrics.operation.id = "metrics";
  metrics.operation.summary = "Figures of the server, for Prometheus and OpenMetrics";
  metrics.operation.tag = "operation";
  metrics.operation.replies = {
      {200, "The figures", "application/openmetrics-text", R"({"type":"string"})", {}},
      {200, "The figures", "text/plain", R"({"type":"string"})", {}}};
  builder.add(std::move(metrics));
}

Result<> Observe::start(engine::Engine& engine) {
  Metrics& registry = engine.metrics();
  state_->engine = &engine;
  observer_.metrics = std::make_unique<RequestMetrics>(registry, engine.core_states().size());
  observer_.log_requests = engine.config().log_requests;
  register_process_metrics(registry, engine.seams());
  register_engine_metrics(registry, engine);
  return {};
}

}  // namespace

std::unique_ptr<engine::Feature> make_observe() {
  return std::make_unique<Observe>();
}

}  // namespace mettle::observe

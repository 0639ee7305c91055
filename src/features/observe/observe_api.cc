#include "features/observe/observe_api.h"

#include "base/json_write.h"
#include "base/metrics.h"
#include "engine/engine.h"
#include "records/door.h"

namespace mettle::observe {
namespace {

constexpr int64_t kStoreCheckUs = 1'000'000;

struct Check {
  std::string_view name;
  std::string_view state;  // "ok", or the code of what is wrong
};

net::Response health(std::span<const Check> checks) {
  const bool ok =
      std::ranges::all_of(checks, [](const Check& check) { return check.state == "ok"; });
  net::Response response;
  response.status = ok ? 200 : 503;
  response.content_type = "application/json";
  response.set("Cache-Control", "no-store");
  JsonWriter json(response.body);
  json.begin_object();
  json.key("status");
  json.string(ok ? "ok" : "unavailable");
  if (!checks.empty()) {
    json.key("checks");
    json.begin_object();
    for (const Check& check : checks) {
      json.key(check.name);
      json.string(check.state);
    }
    json.end_object();
  }
  json.end_object();
  return response;
}

Task<Result<net::Response>> livez(engine::Call&) {
  co_return health({});
}

class NoRows final : public db::RowSink {
 public:
  Result<bool> on_row(const db::Row&) override { return false; }
  void restart() override {}
};

class Readyz final : public engine::Endpoint {
 public:
  explicit Readyz(std::shared_ptr<const ServerState> state) : state_(std::move(state)) {}

  Task<Result<net::Response>> call(engine::Call& call) const override {
    static const db::StatementRef kSelect = db::Statement::make("SELECT 1");
    const bool draining = state_->engine != nullptr && state_->engine->draining();
    Context ctx = call.ctx.child(kStoreCheckUs);
    NoRows sink;
    const Result<> read = co_await call.app.door().store().read(ctx, kSelect, {}, sink);
    const std::array<Check, 2> checks{
        Check{"server", draining ? code_name(Code::kShuttingDown) : "ok"},
        Check{"store", read ? std::string_view("ok") : code_name(read.error().code)}};
    co_return health(checks);
  }

 private:
  const std::shared_ptr<const ServerState> state_;
};

class MetricsEndpoint final : public engine::Endpoint {
 public:
  explicit MetricsEndpoint(std::shared_ptr<const ServerState> state) : state_(std::move(state)) {}

  Task<Result<net::Response>> call(engine::Call& call) const override {
    if (state_->engine == nullptr) co_return fail(Code::kUnavailable, "the server is starting");
    const MetricsFormat format = negotiate_metrics(call.request.header("Accept").value_or(""));
    net::Response response;
    response.content_type = metrics_content_type(format);
    response.set("Cache-Control", "no-store");
    response.set("Vary", "Accept");
    response.body = state_->engine->metrics().expose(format);
    co_return response;
  }

 private:
  const std::shared_ptr<const ServerState> state_;
};

}  // namespace

std::shared_ptr<const engine::Endpoint> livez_endpoint() {
  return engine::endpoint(&livez);
}

std::shared_ptr<const engine::Endpoint> readyz_endpoint(std::shared_ptr<const ServerState> state) {
  return std::make_shared<Readyz>(std::move(state));
}

std::shared_ptr<const engine::Endpoint> metrics_endpoint(std::shared_ptr<const ServerState> state) {
  return std::make_shared<MetricsEndpoint>(std::move(state));
}

}  // namespace mettle::observe

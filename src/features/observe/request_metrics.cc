#include "features/observe/request_metrics.h"

#include "async/core.h"
#include "base/check.h"

namespace mettle::observe {
namespace {

constexpr std::string_view kNowhere = "-";

}  // namespace

RequestMetrics::RequestMetrics(Metrics& registry, size_t cores)
    : registry_(registry),
      bytes_in_(registry.counter("mettle_http_request_body_bytes", "Bytes of request bodies")),
      bytes_out_(registry.counter("mettle_http_response_body_bytes", "Bytes of answers' bodies")),
      rows_(registry.counter("mettle_rows", "Rows read or written for requests")),
      cores_(cores) {}

RequestMetrics::Series& RequestMetrics::series(PerCore& core, const engine::Finished& finished) {
  if (core.serial != finished.app.serial()) {
    core.serial = finished.app.serial();
    core.routes.clear();
    core.routes.resize(finished.app.routes().size());
  }
  Series* found = &core.nowhere;
  if (finished.route != nullptr) {
    auto& slot = core.routes[finished.route->index];
    if (slot == nullptr) slot = std::make_unique<Series>();
    found = slot.get();
  }
  if (found->duration == nullptr) {
    const std::string_view route =
        finished.route != nullptr ? std::string_view(finished.route->path) : kNowhere;
    const std::string_view method =
        finished.route != nullptr ? net::method_name(finished.route->method) : kNowhere;
    found->duration = &registry_.histogram(
        "mettle_http_request_duration_seconds", "Time from a whole request to its whole answer",
        latency_bounds(), {{"method", std::string(method)}, {"route", std::string(route)}});
  }
  return *found;
}

void RequestMetrics::on_finished(const engine::Finished& finished) {
  const size_t index = finished.ctx.core().index();
  CHECK(index < cores_.size());
  PerCore& core = cores_[index];
  Series& of = series(core, finished);
  of.duration->observe(static_cast<double>(finished.duration_us) / 1e6);
  Counter*& requests = of.by_status[finished.response.status];
  if (requests == nullptr) {
    const bool here = finished.route != nullptr;
    const std::string_view method = here ? net::method_name(finished.route->method) : kNowhere;
    requests = &registry_.counter("mettle_http_requests", "Requests answered",
                                  {{"method", std::string(method)},
                                   {"route", here ? finished.route->path : std::string(kNowhere)},
                                   {"status", std::to_string(finished.response.status)}});
  }
  requests->add();
  bytes_in_.add(finished.request.body.size());
  bytes_out_.add(finished.bytes_out);
  rows_.add(finished.ctx.rows);
  if (finished.error != nullptr) count_error(core, code_name(finished.error->code));
}

void RequestMetrics::on_refused(const Error& error) {
  // Refusals come on a core too, but seldom: the registry is asked each time.
  registry_
      .counter("mettle_http_errors", "Faults answered, by code",
               {{"code", std::string(code_name(error.code))}})
      .add();
}

void RequestMetrics::count_error(PerCore& core, std::string_view code) {
  const auto found = core.errors.find(code);
  if (found != core.errors.end()) return found->second->add();
  Counter& counter = registry_.counter("mettle_http_errors", "Faults answered, by code",
                                       {{"code", std::string(code)}});
  core.errors.emplace(code, &counter);
  counter.add();
}

}  // namespace mettle::observe

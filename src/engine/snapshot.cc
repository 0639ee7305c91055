#include "engine/snapshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "base/check.h"

namespace mettle::engine {
namespace {

constexpr net::Method kMethods[] = {net::Method::kGet,    net::Method::kPost,
                                    net::Method::kPut,    net::Method::kPatch,
                                    net::Method::kDelete, net::Method::kOptions};

// What the good replies are made of, for Accept.
std::vector<std::string> produced_by(const Operation& operation) {
  std::vector<std::string> out;
  for (const Reply& reply : operation.replies) {
    if (reply.status >= 400 || reply.content_type.empty()) continue;
    const std::string type = reply.content_type.substr(0, reply.content_type.find(';'));
    if (std::ranges::find(out, type) == out.end()) out.push_back(type);
  }
  return out;
}

// Where the file names the route, so that a clash is shown there.
model::Pos position_of(const model::AppModel& app, const Route& route) {
  const std::string_view method = net::method_name(route.method);
  for (const model::Route& declared : app.routes) {
    if (declared.path == route.path && declared.method == method) return declared.pos;
  }
  return {};
}

}  // namespace

Result<Snapshot::Found> Snapshot::find(net::Method method, std::string_view path) const {
  net::PathParameters parameters;
  Found found;
  if (const auto index = router_.match(method, path, parameters)) {
    found.here = found.route = &routes_[static_cast<size_t>(*index)];
    found.path.assign(std::make_move_iterator(parameters.values.begin()),
                      std::make_move_iterator(parameters.values.begin() +
                                              static_cast<ptrdiff_t>(parameters.count)));
    return found;
  } else if (index.error().code != Code::kMethodNotAllowed) {
    return fail(index.error());
  }
  for (const net::Method other : kMethods) {
    if (const auto index = router_.match(other, path, parameters)) {
      found.here = &routes_[static_cast<size_t>(*index)];
      break;
    }
  }
  CHECK(found.here != nullptr);
  found.allow = router_.allowed(path);
  return found;
}

SnapshotBuilder::SnapshotBuilder(std::shared_ptr<const model::AppModel> model,
                                 std::shared_ptr<records::Door> door, model::Faults& faults,
                                 Config config)
    : snapshot_(std::make_shared<Snapshot>()), faults_(faults), config_(std::move(config)) {
  snapshot_->model_ = std::move(model);
  snapshot_->door_ = std::move(door);
}

void SnapshotBuilder::add(Route route) {
  CHECK(route.endpoint != nullptr);
  // A number that is no policy: somebody built the route around the constructor.
  CHECK(route.policy == Policy::kRules || route.policy == Policy::kPublic ||
        route.policy == Policy::kSignedIn || route.policy == Policy::kOperator);
  route.index = snapshot_->routes_.size();
  if (route.produces.empty()) route.produces = produced_by(route.operation);
  snapshot_->routes_.push_back(std::move(route));
}

void SnapshotBuilder::add_schema(std::string name, std::string json) {
  snapshot_->schemas_.insert_or_assign(std::move(name), std::move(json));
}

std::string SnapshotBuilder::api_prefix() const {
  return fmt::format("/api/v{}", model().api);
}

std::shared_ptr<const Snapshot> SnapshotBuilder::finish() {
  static std::atomic<uint64_t> serials{0};
  for (const auto& task : at_finish_) task();
  std::map<std::string_view, const Route*> by_operation;
  for (const Route& route : snapshot_->routes_) {
    const std::string name = fmt::format("{} {}", net::method_name(route.method), route.path);
    const auto added =
        snapshot_->router_.add(route.method, route.path, static_cast<int>(route.index));
    if (!added) {
      faults_.error(position_of(model(), route), "routes." + name, "route_clash",
                    fmt::format("{} cannot be served: {}", name, added.error().detail));
    }
    if (route.operation.id.empty()) continue;
    const auto [first, fresh] = by_operation.emplace(route.operation.id, &route);
    if (!fresh) {
      faults_.error(position_of(model(), route), "routes." + name, "route_clash",
                    fmt::format("{} and {} {} have the same operation id, {}", name,
                                net::method_name(first->second->method), first->second->path,
                                route.operation.id));
    }
  }
  if (faults_.has_errors()) return nullptr;
  snapshot_->serial_ = ++serials;
  return snapshot_;
}

}  // namespace mettle::engine

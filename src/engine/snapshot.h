// Snapshot: everything compiled from one version of the app file: the model, the door's catalogue,
// the routes, each feature's part. Immutable; each core holds a shared_ptr to the current one and a
// request keeps the one it began with.
#pragma once

#include <any>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <typeindex>
#include <vector>

#include "engine/config.h"
#include "engine/route.h"
#include "model/app_model.h"
#include "net/router.h"

namespace mettle::records {
class Door;
}

namespace mettle::engine {

class Snapshot : public std::enable_shared_from_this<Snapshot> {
 public:
  const model::AppModel& model() const { return *model_; }
  const std::shared_ptr<const model::AppModel>& model_ref() const { return model_; }
  records::Door& door() const { return *door_; }
  const std::vector<Route>& routes() const { return routes_; }
  // The route of a request: kNotFound where there is no such address, kMalformedRequest where the
  // path is none. HEAD is answered by GET where it has no route of its own.
  struct Found {
    const Route* here = nullptr;   // some route of the address, whatever its method
    const Route* route = nullptr;  // the one for the method
    std::vector<std::string> path;
    std::string allow;  // the methods of the address, where `route` is not there
  };
  Result<Found> find(net::Method method, std::string_view path) const;
  // Tells versions apart: each finish() gives another.
  uint64_t serial() const { return serial_; }
  // nullptr: the app declares none.
  const RequestLimits* limits() const { return limits_.get(); }
  // Schemas of the OpenAPI document: name → JSON text.
  const std::map<std::string, std::string>& schemas() const { return schemas_; }

  // The part of type T that a feature put there; nullptr if it did not.
  template <class T>
  const T* part() const {
    const auto it = parts_.find(std::type_index(typeid(T)));
    return it == parts_.end() ? nullptr : static_cast<const T*>(it->second.get());
  }

 private:
  friend class SnapshotBuilder;
  std::shared_ptr<const model::AppModel> model_;
  std::shared_ptr<records::Door> door_;
  std::vector<Route> routes_;
  net::Router router_;
  uint64_t serial_ = 0;
  std::shared_ptr<const RequestLimits> limits_;
  std::map<std::string, std::string> schemas_;
  std::map<std::type_index, std::shared_ptr<const void>> parts_;
};

// Made once a version of the file; given to each feature in turn.
class SnapshotBuilder {
 public:
  SnapshotBuilder(std::shared_ptr<const model::AppModel> model, std::shared_ptr<records::Door> door,
                  model::Faults& faults, Config config = default_config());

  const model::AppModel& model() const { return *snapshot_->model_; }
  const std::shared_ptr<const model::AppModel>& model_ref() const { return snapshot_->model_; }
  records::Door& door() const { return *snapshot_->door_; }
  const Config& config() const { return config_; }
  model::Faults& faults() { return faults_; }
  void add(Route route);
  void add_schema(std::string name, std::string json);
  template <class T>
  void put(std::shared_ptr<const T> part) {
    snapshot_->parts_[std::type_index(typeid(T))] = std::move(part);
  }
  void set_limits(std::shared_ptr<const RequestLimits> limits) {
    snapshot_->limits_ = std::move(limits);
  }
  // The routes so far, to add to their description.
  std::vector<Route>& routes() { return snapshot_->routes_; }
  // Called when all features have added their routes.
  void at_finish(std::function<void()> task) { at_finish_.push_back(std::move(task)); }
  // "/api/v1" of this app.
  std::string api_prefix() const;
  const Snapshot& so_far() const { return *snapshot_; }

  // Builds the router; clashing routes are faults. nullptr when there are errors among the faults.
  std::shared_ptr<const Snapshot> finish();

 private:
  std::shared_ptr<Snapshot> snapshot_;
  model::Faults& faults_;
  const Config config_;
  std::vector<std::function<void()>> at_finish_;
};

}  // namespace mettle::engine

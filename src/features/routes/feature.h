// The feature as the engine sees it; here so that its tests may attach a core of their own.
#pragma once

#include <memory>
#include <string_view>

#include "engine/feature.h"
#include "features/routes/after.h"

namespace mettle::routes {

class Routes final : public engine::Feature {
 public:
  Routes();
  std::string_view name() const override { return "routes"; }
  void build(engine::SnapshotBuilder& builder) override;
  Result<> start(engine::Engine& engine) override;
  void stop(engine::Engine& engine) override;
  AfterWork& after() { return *after_; }

 private:
  // Endpoints of snapshots that are still in use keep it too.
  const std::shared_ptr<AfterWork> after_;
};

}  // namespace mettle::routes

#include "features/migrate/migrate.h"

#include "features/migrate/keeper.h"

namespace mettle::migrate {

namespace {

class Migrate final : public engine::Feature {
 public:
  std::string_view name() const override { return "migrate"; }
  void build(engine::SnapshotBuilder&) override {}
  engine::SchemaKeeper* schema_keeper() override { return &keeper_; }

 private:
  Keeper keeper_;
};

}  // namespace

std::unique_ptr<engine::Feature> make_feature() {
  return std::make_unique<Migrate>();
}

}  // namespace mettle::migrate

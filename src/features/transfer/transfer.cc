#include "features/transfer/transfer.h"

#include "features/transfer/load.h"

namespace mettle::transfer {

namespace {

class Transfer final : public engine::Feature {
 public:
  std::string_view name() const override { return "transfer"; }
  std::vector<std::string> own_tables() const override { return load_tables(); }
  void build(engine::SnapshotBuilder&) override {}
};

}  // namespace

std::unique_ptr<engine::Feature> make_feature() {
  return std::make_unique<Transfer>();
}

}  // namespace mettle::transfer

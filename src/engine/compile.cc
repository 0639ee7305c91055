#include "engine/compile.h"

#include "records/catalog.h"
#include "records/door.h"

namespace mettle::engine {

std::shared_ptr<const Snapshot> compile_app(std::shared_ptr<const model::AppModel> app,
                                            const CompileOptions& options, model::Faults& faults) {
  auto catalog = records::Catalog::compile(app, options.dialect, faults);
  if (catalog == nullptr) return nullptr;
  auto door = std::make_shared<records::Door>(options.store, std::move(catalog));
  SnapshotBuilder builder(std::move(app), std::move(door), faults, options.config);
  for (const auto& feature : options.features) feature->build(builder);
  return builder.finish();
}

}  // namespace mettle::engine

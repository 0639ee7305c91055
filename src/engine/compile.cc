#include "engine/compile.h"

#include <algorithm>
#include <iterator>

#include "records/catalog.h"
#include "records/door.h"

namespace mettle::engine {

std::shared_ptr<const Snapshot> compile_app(std::shared_ptr<const model::AppModel> app,
                                            const CompileOptions& options, model::Faults& faults) {
  std::vector<std::string> leavings;
  for (const auto& feature : options.features) {
    std::ranges::move(feature->leavings(), std::back_inserter(leavings));
  }
  auto catalog = records::Catalog::compile(app, options.dialect, faults, leavings);
  if (catalog == nullptr) return nullptr;
  records::DoorOptions door_options;
  door_options.seams = &options.seams;
  door_options.limits.limit_max = options.config.page_rows_max;
  door_options.limits.count_max = options.config.count_rows_max;
  door_options.cursor_key = options.cursor_key;
  auto door =
      std::make_shared<records::Door>(options.store, std::move(catalog), std::move(door_options));
  SnapshotBuilder builder(std::move(app), std::move(door), faults, options.config);
  for (const auto& feature : options.features) feature->build(builder);
  return builder.finish();
}

}  // namespace mettle::engine

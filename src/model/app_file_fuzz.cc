// Whatever bytes stand in an app file: a model or faults, never a crash, and faults whenever there
// is no model. What loads must survive its own snapshot.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "model/diff.h"
#include "model/load.h"
#include "model/print.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mettle;
  const std::string text(reinterpret_cast<const char*>(data), size);
  model::Faults faults;
  const auto app = model::load_text(text, "mettle.yaml", {}, faults);
  CHECK((app == nullptr) == faults.has_errors());
  model::print_faults(faults.sorted(), "mettle.yaml", text);
  model::faults_json(faults.sorted(), "mettle.yaml", text);
  if (app == nullptr) return 0;
  const auto snapshot = model::snapshot_of(*app);
  const auto again = model::parse_snapshot(model::snapshot_json(snapshot));
  CHECK(again.has_value() && *again == snapshot);
  model::Faults none;
  CHECK(model::diff(snapshot, *app, {}, none).empty());
  return 0;
}

// Whatever bytes stand in an app file: a model or faults, never a crash, and faults whenever there
// is no model; each fault stands at a place of the file. What loads survives its own snapshot.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/json_read.h"
#include "base/text.h"
#include "model/diff.h"
#include "model/load.h"
#include "model/print.h"

namespace mettle::model {
namespace {

constexpr size_t kInputMax = size_t{1} << 14;

void check_places(const Faults& faults, const std::string& text) {
  const auto lines = split(text, '\n');
  for (const FileFault& fault : faults.sorted()) {
    CHECK(!fault.message.empty() && !fault.code.empty());
    if (fault.pos.line == 0) continue;  // of the file as a whole
    CHECK(fault.pos.line > 0 && fault.pos.column > 0);
    CHECK(static_cast<size_t>(fault.pos.line) <= lines.size() + 1);
  }
  const std::string json = faults_json(faults.sorted(), "mettle.yaml", text);
  CHECK(JsonDocument::parse(json).has_value());
  print_faults(faults.sorted(), "mettle.yaml", text);
}

void try_one(const std::string& text) {
  Faults faults;
  const auto app = load_text(text, "mettle.yaml", {}, faults);
  CHECK((app == nullptr) == faults.has_errors());
  check_places(faults, text);
  if (app == nullptr) return;
  const auto snapshot = snapshot_of(*app);
  const auto again = parse_snapshot(snapshot_json(snapshot));
  CHECK(again.has_value() && *again == snapshot);
  Faults none;
  CHECK(diff(snapshot, *app, {}, none).empty());
}

}  // namespace
}  // namespace mettle::model

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > mettle::model::kInputMax) return 0;
  mettle::model::try_one(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}

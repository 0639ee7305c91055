// The app that the simulation runs: counters and entries behind the production door. An effect
// inserts some entries and counts itself in two counters, so that half an effect, or the same one
// twice, can be seen in the rows; its answer is rendered from what it wrote. Made once, read by all
// runs; CHECKs that its own file is right.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "records/catalog.h"
#include "records/change.h"

namespace mettle::sim {

constexpr int kCounters = 3;  // 0 counts every effect, the others those of their turn

struct App {
  static std::unique_ptr<const App> make();
  const records::TableInfo& table(std::string_view name) const;

  std::shared_ptr<const records::Catalog> catalog;
  std::vector<std::string> ddl;
};

enum class Ending : uint8_t {
  kDone,
  kConflict,   // refuses after it wrote: undone, the refusal is kept with the key
  kForbidden,  // refuses after it wrote: undone, and nothing is kept
};

struct Effect {
  int64_t number = 0;
  Ending ending = Ending::kDone;
  int parts = 1;
  int filler_bytes = 0;
};

std::shared_ptr<records::Mutation> make_mutation(const App& app, const Effect& effect);
// Makes the counters.
std::shared_ptr<records::Mutation> make_counters(const App& app);
int counter_of(int64_t effect);

}  // namespace mettle::sim

#include "features/limits/limits.h"

#include <fmt/format.h>

#include <map>

#include "base/problem.h"
#include "engine/engine.h"
#include "engine/shape_schema.h"
#include "features/limits/memory_store.h"
#include "features/limits/plan.h"

namespace mettle::limits {
namespace {

using Count = std::shared_ptr<std::atomic<uint64_t>>;

class Limits final : public engine::Feature {
 public:
  std::string_view name() const override { return "limits"; }
  void build(engine::SnapshotBuilder& builder) override;
  Result<> start(engine::Engine& engine) override;

 private:
  const Count& count_of(const std::string& limit);
  void tell(const std::string& limit, const Count& count);

  const std::shared_ptr<MemoryStore> store_ = std::make_shared<MemoryStore>();
  std::map<std::string, Count> refused_;  // by limit; outlive a change of the file
  Metrics* metrics_ = nullptr;            // once started
};

void Limits::tell(const std::string& limit, const Count& count) {
  metrics_->callback_counter("mettle_limited", "requests refused by a rate limit (429)",
                             {{"limit", limit}},
                             [count] { return static_cast<double>(count->load()); });
}

const Count& Limits::count_of(const std::string& limit) {
  const auto [it, is_new] = refused_.try_emplace(limit);
  if (is_new) {
    it->second = std::make_shared<std::atomic<uint64_t>>(0);
    if (metrics_ != nullptr) tell(limit, it->second);
  }
  return it->second;
}

void describe(engine::Route& route) {
  engine::Reply reply{
      429,
      "Too often: a limit is reached",
      std::string(kProblemContentType),
      engine::schema_ref("Problem"),
      {{"Retry-After", "Seconds until it is worth trying again"},
       {"RateLimit-Policy", "The limits that count this request"},
       {"RateLimit", "What is left of each, and seconds until all is there again"}}};
  route.operation.replies.push_back(std::move(reply));
}

void Limits::build(engine::SnapshotBuilder& builder) {
  const model::AppModel& app = builder.model();
  if (app.limits.empty()) return;
  const auto plan = std::make_shared<Plan>(builder.model_ref(), store_);
  for (const model::Limit& limit : app.limits) {
    plan->add(limit, count_of(limit.name), builder.faults());
  }
  const std::string prefix = builder.api_prefix();
  for (engine::Route& route : builder.routes()) {
    // A batch is refused by the limits of what is in it, too.
    if (plan->covers(route, prefix) || route.path == prefix + "/batch") describe(route);
  }
  builder.at_finish(
      [plan, prefix, &builder] { plan->lay_out(builder.routes(), prefix, builder.faults()); });
  builder.set_limits(plan);
}

Result<> Limits::start(engine::Engine& engine) {
  Random& random = *engine.seams().random;
  store_->set_secret({random.next(), random.next()});
  metrics_ = &engine.metrics();
  for (const auto& [limit, count] : refused_) tell(limit, count);
  metrics_->callback_counter("mettle_limit_keys_evicted",
                             "keys of limits that gave way to others while they owed something", {},
                             [store = store_] { return static_cast<double>(store->evicted()); });
  return {};
}

}  // namespace

std::unique_ptr<engine::Feature> make_feature() {
  return std::make_unique<Limits>();
}

}  // namespace mettle::limits

// The limits of one app, compiled: which cover which routes, and what each is counted by. Immutable
// once its snapshot is finished; any core.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "engine/request_limits.h"
#include "engine/snapshot.h"
#include "features/limits/limit_store.h"
#include "features/limits/route_match.h"
#include "rules/rules.h"

namespace mettle::limits {

struct LimitCode {
  const model::Limit* limit = nullptr;
  std::string policy;  // as RateLimit-Policy has it
  Gcra gcra;
  std::vector<std::pair<model::LimitKey::By, rules::ExprRef>> by;
  rules::ExprRef where;       // nullptr: all
  bool needs_caller = false;  // who asks decides whether, or by what, it is counted
  std::shared_ptr<LimitTable> table;
  std::shared_ptr<std::atomic<uint64_t>> refused;
};

class Plan final : public engine::RequestLimits {
 public:
  Plan(std::shared_ptr<const model::AppModel> app, std::shared_ptr<LimitStore> store)
      : app_(std::move(app)), store_(std::move(store)) {}

  // Faults of its expressions go to `faults`.
  void add(const model::Limit& limit, std::shared_ptr<std::atomic<uint64_t>> refused,
           model::Faults& faults);
  // When all routes are known. A path that is none of theirs is a fault.
  void lay_out(const std::vector<engine::Route>& routes, std::string_view api_prefix,
               model::Faults& faults);
  bool covers(const engine::Route& route, std::string_view api_prefix) const;

  bool any(const engine::Route& route, Stage stage) const override;
  Task<Result<>> count(Context& ctx, const engine::LimitAsk& ask, Stage stage,
                       engine::LimitStates& states) const override;
  Task<Result<>> count_operations(Context& ctx, const engine::LimitAsk& batch,
                                  std::span<const engine::LimitAsk> operations,
                                  engine::LimitStates& states) const override;

 private:
  struct Covering {
    const LimitCode* code;
    PathNames names;
  };
  struct Charge {
    const LimitCode* code;
    std::string key;
    int64_t count;
  };
  const std::vector<Covering>& of(const engine::Route& route, Stage stage) const;
  Task<Result<>> take(Context& ctx, std::span<const Charge> charges,
                      engine::LimitStates& states) const;
  static void charge(const Context& ctx, const engine::LimitAsk& ask, const Covering& covering,
                     std::vector<Charge>& charges);

  const std::shared_ptr<const model::AppModel> app_;
  const std::shared_ptr<LimitStore> store_;
  std::vector<std::unique_ptr<const LimitCode>> codes_;
  std::array<std::vector<std::vector<Covering>>, 2> by_stage_;  // by the index of the route
};

}  // namespace mettle::limits

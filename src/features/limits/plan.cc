#include "features/limits/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/json_write.h"
#include "engine/client_address.h"
#include "model/source.h"
#include "records/door.h"

namespace mettle::limits {

using engine::LimitAsk;
using engine::LimitState;
using engine::LimitStates;
using By = model::LimitKey::By;

namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

int64_t whole_seconds(int64_t ns) {
  return (ns + kSecondNs - 1) / kSecondNs;
}

// `auth`, `request`, `now`, and `path` with the names that each pattern of the limit has.
rules::Environment environment_of(const model::AppModel& app, const model::Limit& limit) {
  rules::Environment environment = rules::Environment::base(app);
  std::map<std::string, size_t> names;
  for (const model::LimitRoutes& routes : limit.routes) {
    for (const std::string& name : names_of(routes)) ++names[name];
  }
  std::vector<model::Member> members;
  for (const auto& [name, times] : names) {
    if (times < limit.routes.size()) continue;
    model::Member member;
    member.name = name;
    members.push_back(std::move(member));
  }
  environment.declare("path", rules::object_type(app, members));
  return environment;
}

rules::Bindings bindings_of(const Context& ctx, const LimitAsk& ask, const PathNames& names) {
  rules::Bindings bindings = records::base_bindings(ask.principal, ctx.seams().clock->now());
  Map request, path;
  request.emplace_back("method", Value(ask.method));
  request.emplace_back("path", Value(ask.path));
  request.emplace_back("id", Value(ctx.request_id));
  for (const auto& [name, stands_for] : names) {
    path.emplace_back(name, stands_for.value < 0
                                ? Value(stands_for.text)
                                : Value(ask.values[static_cast<size_t>(stands_for.value)]));
  }
  bindings.bind("request", Value(std::move(request)));
  bindings.bind("path", Value(std::move(path)));
  return bindings;
}

// Each part ends by itself, so that no two lists of parts make one key.
void append_key(std::string& out, By by, const LimitAsk& ask, const Value& value) {
  const records::Principal& who = ask.principal;
  switch (by) {
    case By::kAddress:
      return engine::append_address_group(out, ask.client);
    case By::kUser:
      if (!who.signed_in()) break;
      out.append("u");
      if (who.id.is_unknown() || who.id.is_null()) {
        out.append(who.name);
      } else {
        append_value(out, who.id);
      }
      out.append("\n");
      return;
    case By::kKey:
      if (!who.signed_in()) break;
      out.append("k").append(who.name).append("\n");
      return;
    case By::kRoute:
      out.append("r")
          .append(net::method_name(ask.route.method))
          .append(ask.route.path)
          .append("\n");
      return;
    case By::kExpression:
      if (value.is_unknown() || value.is_null()) break;
      out.append("e");
      append_value(out, value);
      out.append("\n");
      return;
  }
  out.append("n");  // has none of it: by address, apart from those of whom it is the measure
  engine::append_address_group(out, ask.client);
}

Error refusal(const LimitCode& code, int64_t wait_s) {
  Error error = make_error(
      Code::kRateLimited,
      fmt::format("the limit \"{}\" is reached; try again in {} s", code.limit->name, wait_s));
  error.retry_after_s = static_cast<int>(wait_s);
  return error;
}

void set_state(LimitStates& states, LimitState state) {
  for (LimitState& known : states) {
    if (known.name != state.name) continue;
    // One limit counted by several keys (`by: route` of a batch): the one with the least.
    if (state.left <= known.left) known = state;
    return;
  }
  states.push_back(state);
}

}  // namespace

void Plan::add(const model::Limit& limit, std::shared_ptr<std::atomic<uint64_t>> refused,
               model::Faults& faults) {
  auto code = std::make_unique<LimitCode>();
  const std::string path = "limits." + limit.name;
  code->limit = &limit;
  code->gcra.interval_ns = limit.period_us * 1000 / limit.count;
  code->gcra.burst_ns = code->gcra.interval_ns * limit.burst;
  code->policy =
      fmt::format("\"{}\";q={};w={}", limit.name, limit.burst, whole_seconds(code->gcra.burst_ns));
  const rules::Environment environment = environment_of(*app_, limit);
  const auto names_caller = [](const rules::ExprRef& expr) {
    return expr != nullptr && expr->uses_name("auth");
  };
  for (const model::LimitKey& key : limit.by) {
    rules::ExprRef expr;
    if (key.by == By::kExpression) {
      expr = rules::compile(key.expression, environment, {}, path + ".by", faults);
    }
    code->needs_caller =
        code->needs_caller || key.by == By::kUser || key.by == By::kKey || names_caller(expr);
    code->by.emplace_back(key.by, std::move(expr));
  }
  if (limit.where) {
    rules::Type condition;
    condition.tag = rules::Type::Tag::kBool;
    code->where = rules::compile(*limit.where, environment, condition, path + ".where", faults);
    code->needs_caller = code->needs_caller || names_caller(code->where);
  }
  code->table = store_->open(limit.name);
  code->refused = std::move(refused);
  codes_.push_back(std::move(code));
}

bool Plan::covers(const engine::Route& route, std::string_view api_prefix) const {
  return std::ranges::any_of(codes_, [&](const auto& code) {
    if (code->limit->routes.empty()) return can_be_limited(route);
    return std::ranges::any_of(code->limit->routes, [&](const model::LimitRoutes& routes) {
      return limits::covers(routes, route, api_prefix).has_value();
    });
  });
}

void Plan::lay_out(const std::vector<engine::Route>& routes, std::string_view api_prefix,
                   model::Faults& faults) {
  for (auto& stage : by_stage_) stage.resize(routes.size());
  for (const auto& code : codes_) {
    auto& stage =
        by_stage_[static_cast<size_t>(code->needs_caller ? Stage::kCaller : Stage::kAddress)];
    std::vector<bool> covered(routes.size());
    for (const engine::Route& route : routes) {
      if (!code->limit->routes.empty() || !can_be_limited(route)) continue;
      stage[route.index].push_back({code.get(), {}});
    }
    for (const model::LimitRoutes& pattern : code->limit->routes) {
      bool found = false;
      for (const engine::Route& route : routes) {
        auto names = limits::covers(pattern, route, api_prefix);
        found = found || names;
        if (!names || covered[route.index]) continue;
        covered[route.index] = true;
        stage[route.index].push_back({code.get(), std::move(*names)});
      }
      if (found || !pattern.group.empty()) continue;
      std::vector<std::string> paths;
      for (const engine::Route& route : routes) {
        if (!can_be_limited(route) || route.operation.hidden) continue;
        paths.push_back(pattern.method.empty()
                            ? route.path
                            : fmt::format("{} {}", net::method_name(route.method), route.path));
      }
      const std::string text =
          pattern.method.empty() ? pattern.path : pattern.method + " " + pattern.path;
      faults.error(
          pattern.pos, "limits." + code->limit->name + ".routes", "invalid_limit_routes",
          fmt::format("\"{}\" is no address of this app; `mettle openapi` lists them", text),
          model::nearest(text, paths));
    }
  }
}

const std::vector<Plan::Covering>& Plan::of(const engine::Route& route, Stage stage) const {
  return by_stage_[static_cast<size_t>(stage)][route.index];
}

bool Plan::any(const engine::Route& route, Stage stage) const {
  return !of(route, stage).empty();
}

void Plan::charge(const Context& ctx, const LimitAsk& ask, const Covering& covering,
                  std::vector<Charge>& charges) {
  const LimitCode& code = *covering.code;
  std::optional<rules::Bindings> bindings;
  const auto value_of = [&](const rules::Expr& expr) {
    if (!bindings) bindings = bindings_of(ctx, ask, covering.names);
    return rules::evaluate(expr, *bindings);
  };
  if (code.where != nullptr) {
    // What cannot be told is counted.
    const Value holds = value_of(*code.where);
    if (holds.kind() == Kind::kBool && !holds.is_true()) return;
  }
  Charge made{&code, {}, code.limit->weight};
  for (const auto& [by, expr] : code.by) {
    append_key(made.key, by, ask, expr != nullptr ? value_of(*expr) : Value());
  }
  charges.push_back(std::move(made));
}

Task<Result<>> Plan::take(Context& ctx, std::span<const Charge> charges,
                          LimitStates& states) const {
  std::vector<Take> takes;
  takes.reserve(charges.size());
  for (const Charge& charge : charges) {
    takes.push_back({.table = charge.code->table.get(),
                     .key = charge.key,
                     .gcra = charge.code->gcra,
                     .count = charge.count});
  }
  CO_TRY(const bool allowed, co_await store_->take(ctx, takes));
  const LimitCode* refusing = nullptr;
  int64_t longest_ns = 0;
  for (size_t i = 0; i < takes.size(); ++i) {
    const Take& take = takes[i];
    const LimitCode& code = *charges[i].code;
    const int64_t wait_ns = allowed ? 0 : take.gcra.wait_ns(take.debt_ns, take.count);
    set_state(states, {code.limit->name, code.policy, take.gcra.left(take.debt_ns),
                       whole_seconds(wait_ns > 0 ? wait_ns : take.debt_ns)});
    if (wait_ns <= longest_ns) continue;
    longest_ns = wait_ns;
    refusing = &code;
  }
  if (refusing == nullptr) co_return Result<>();
  refusing->refused->fetch_add(1, std::memory_order_relaxed);
  co_return fail(refusal(*refusing, whole_seconds(longest_ns)));
}

Task<Result<>> Plan::count(Context& ctx, const LimitAsk& ask, Stage stage,
                           LimitStates& states) const {
  std::vector<Charge> charges;
  for (const Covering& covering : of(ask.route, stage)) charge(ctx, ask, covering, charges);
  if (charges.empty()) co_return Result<>();
  co_return co_await take(ctx, charges, states);
}

Task<Result<>> Plan::count_operations(Context& ctx, const LimitAsk& batch,
                                      std::span<const LimitAsk> operations,
                                      LimitStates& states) const {
  const auto all_of = [&](const LimitAsk& ask) {
    std::vector<Charge> charges;
    for (const Stage stage : {Stage::kAddress, Stage::kCaller}) {
      for (const Covering& covering : of(ask.route, stage)) charge(ctx, ask, covering, charges);
    }
    return charges;
  };
  std::map<std::pair<const LimitCode*, std::string>, int64_t> sums;
  for (const LimitAsk& operation : operations) {
    for (Charge& charge : all_of(operation)) {
      sums[{charge.code, std::move(charge.key)}] += charge.count;
    }
  }
  for (Charge& paid : all_of(batch)) {
    const auto sum = sums.find({paid.code, std::move(paid.key)});
    if (sum != sums.end()) sum->second -= paid.count;
  }
  std::vector<Charge> charges;
  for (const auto& [of_whom, count] : sums) {
    const auto& [code, key] = of_whom;
    if (count <= 0) continue;
    if (count > code->limit->burst) {
      co_return fail(Code::kPayloadTooLarge,
                     fmt::format("the operations take {} of the limit \"{}\", which never has more "
                                 "than {} at once: send fewer in one batch",
                                 count, code->limit->name, code->limit->burst));
    }
    charges.push_back({code, key, count});
  }
  if (charges.empty()) co_return Result<>();
  co_return co_await take(ctx, charges, states);
}

}  // namespace mettle::limits

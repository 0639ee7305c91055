// What the limits of a request cost, as the pipeline asks for them: coroutine, key, hash, table and
// what the headers say; and what one take of the table alone costs:
//   f_limits_bench [REQUESTS]
// Prints a figure a line. Keys are 50,000 addresses, so that the table is not in the nearest cache.
#include <fmt/format.h>

#include <cstdlib>

#include "async/scope.h"
#include "base/check.h"
#include "engine/snapshot.h"
#include "features/limits/memory_store.h"
#include "features/limits/plan.h"
#include "model/load.h"

namespace mettle::limits {
namespace {

constexpr int kAddresses = 50'000;

Task<Result<net::Response>> nothing(engine::Call&) {
  co_return net::Response{};
}

struct Served {
  std::shared_ptr<const engine::Snapshot> app;
  std::shared_ptr<MemoryStore> store = std::make_shared<MemoryStore>();
};

Served serve(const std::string& limits) {
  model::Faults faults;
  const auto app = model::load_text("mettle: 1\napp: t\nlimits:\n" + limits, "t.yaml", {}, faults);
  CHECK(app != nullptr);
  engine::SnapshotBuilder builder(app, nullptr, faults);
  builder.add(engine::Route(net::Method::kGet, "/api/v1/items/{id}", engine::Policy::kRules,
                            engine::endpoint(&nothing)));
  Served served;
  const auto plan = std::make_shared<Plan>(app, served.store);
  for (const model::Limit& limit : app->limits) {
    plan->add(limit, std::make_shared<std::atomic<uint64_t>>(0), faults);
  }
  plan->lay_out(builder.routes(), "/api/v1", faults);
  builder.set_limits(plan);
  served.app = builder.finish();
  CHECK(served.app != nullptr);
  return served;
}

Task<> ask(Context* ctx, const engine::Snapshot* app, const std::vector<std::string>* addresses,
           int requests) {
  const engine::Route& route = app->routes()[0];
  records::Principal who;
  who.kind = records::Principal::Kind::kUser;
  const std::vector<std::string> values = {"01900000-0000-7000-8000-000000000001"};
  for (int i = 0; i < requests; ++i) {
    const size_t at = static_cast<size_t>(i) * 7919 % addresses->size();
    who.id = Value(static_cast<int64_t>(at));
    const engine::LimitAsk one{.route = route,
                               .method = "GET",
                               .path = "/api/v1/items/01900000-0000-7000-8000-000000000001",
                               .values = values,
                               .principal = who,
                               .client = (*addresses)[at]};
    engine::LimitStates states;
    for (const auto stage :
         {engine::RequestLimits::Stage::kAddress, engine::RequestLimits::Stage::kCaller}) {
      if (!app->limits()->any(route, stage)) continue;
      CHECK((co_await app->limits()->count(*ctx, one, stage, states)).has_value());
    }
  }
}

void report(std::string_view what, int64_t us, int requests) {
  fmt::print("{:<44} {:>8.0f} ns\n", what, 1000.0 * static_cast<double>(us) / requests);
}

int bench(int requests) {
  std::vector<std::string> addresses;
  for (int i = 0; i < kAddresses; ++i) {
    addresses.push_back(fmt::format("10.{}.{}.{}", i / 62500, i / 250 % 250, i % 250));
  }
  Core core(system_seams());
  Context ctx(core, system_seams(), INT64_MAX);
  Clock& clock = *system_seams().clock;
  const std::pair<const char*, const char*> cases[] = {
      {"one limit, by address", "  a: {rate: 1000000/s}\n"},
      {"two limits, by address and by user",
       "  a: {rate: 1000000/s}\n  u: {rate: 1000000/s, by: user}\n"},
      {"one limit, by an expression", "  e: {rate: 1000000/s, by: \"request.path\"}\n"},
  };
  for (const auto& [what, limits] : cases) {
    const Served served = serve(limits);
    int64_t best_us = INT64_MAX;
    for (int round = 0; round < 3; ++round) {
      const int64_t began_us = clock.monotonic_us();
      run_until_done(core, ask(&ctx, served.app.get(), &addresses, requests));
      best_us = std::min(best_us, clock.monotonic_us() - began_us);
    }
    report(what, best_us, requests);
  }
  MemoryStore store;
  const auto table = store.open("t");
  const int64_t began_us = clock.monotonic_us();
  for (int i = 0; i < requests; ++i) {
    Take take{.table = table.get(),
              .key = addresses[static_cast<size_t>(i) * 7919 % addresses.size()],
              .gcra = {1000, 1'000'000'000}};
    CHECK(store.take_at(i, {&take, 1}));
  }
  report("the table alone", clock.monotonic_us() - began_us, requests);
  return 0;
}

}  // namespace
}  // namespace mettle::limits

int main(int argc, char** argv) {
  return mettle::limits::bench(argc > 1 ? std::atoi(argv[1]) : 300'000);
}

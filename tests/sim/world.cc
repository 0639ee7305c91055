#include "sim/world.h"

#include <fmt/format.h>

namespace mettle::sim {
namespace {

constexpr int64_t kMoment = 4096;  // of the clock: a multiple of 16, see ClientClock
constexpr int64_t kSecond = 1'000'000;

class TablesUnit final : public db::WriteUnit {
 public:
  explicit TablesUnit(const App& app) {
    for (const std::string& text : app.ddl) statements_.push_back(db::Statement::make(text));
  }
  Task<Result<>> run(db::WriteTx& tx) override {
    for (const db::StatementRef& statement : statements_) {
      CO_TRY_VOID(co_await tx.run(statement, {}));
    }
    co_return Result<>();
  }

 private:
  std::vector<db::StatementRef> statements_;
};

class NumberSink final : public db::RowSink {
 public:
  Result<bool> on_row(const db::Row& row) override {
    number = row.int64(0);
    return true;
  }
  void restart() override {}
  int64_t number = -1;
};

// Coroutines whose frames hold all that they use.
Task<Result<int64_t>> read_number(Machine* machine, std::string text) {
  Context ctx(machine->core(), machine->seams().seams, INT64_MAX);
  const db::StatementRef statement = db::Statement::make(std::move(text));
  NumberSink sink;
  CO_TRY_VOID(co_await machine->store().read(ctx, statement, {}, sink));
  co_return sink.number;
}
Task<Result<>> make_tables(Machine* machine, const App* app) {
  Context ctx(machine->core(), machine->seams().seams, INT64_MAX);
  auto unit = std::make_shared<TablesUnit>(*app);
  co_return co_await machine->store().migrate(ctx, unit);
}
Task<Result<records::Answer>> fill_tables(Machine* machine, const App* app) {
  Context ctx(machine->core(), machine->seams().seams, INT64_MAX);
  const records::Principal nobody;
  auto mutation = make_counters(*app);
  co_return co_await machine->door().commit(ctx, nobody, mutation, std::nullopt, "/");
}

class World {
 public:
  World(const App& app, const Disk::Image* image, const RunOptions& options, Counts& counts)
      : app_(app),
        options_(options),
        counts_(counts),
        trace_(options.prints),
        choice_(options.seed * 4),
        model_(counts),
        machine_(app, options.seed, options.synchronous, trace_, counts),
        clients_(app, machine_, model_, choice_, trace_, counts) {
    if (image != nullptr) machine_.disk().restore(*image);
    made_ = image != nullptr;
    machine_.on_death = [this] { clients_.cancel_all(); };
  }
  ~World() {
    clients_.drop_snapshot();
    if (machine_.alive()) die();
  }

  Outcome run();
  Disk::Image make_image();

 private:
  bool violated() const { return model_.violation().has_value(); }
  void step();
  void step_once(int64_t dice);
  void arm_fault();
  void jump();
  void pass(int64_t us);
  void die();
  void crash(bool power);
  void stop_and_start();
  void recover();
  bool try_recover();
  bool ready_tables();
  void finish();
  void repeat_everything();

  const App& app_;
  const RunOptions options_;
  Counts& counts_;
  Trace trace_;
  Choice choice_;
  Model model_;
  Machine machine_;
  Clients clients_;
  bool made_ = false;  // the tables are known to be there
};

void World::pass(int64_t us) {
  machine_.advance(us);
  model_.clock_at(machine_.wall_us());
}

void World::jump() {
  constexpr int64_t kFar[] = {kSecond, 60 * kSecond, 3600 * kSecond, 86400 * kSecond,
                              365 * 86400 * kSecond};
  const int64_t dice = choice_.below(100);
  const int64_t unit = kFar[dice < 30 ? 0 : dice < 60 ? 1 : dice < 90 ? 2 : dice < 97 ? 3 : 4];
  const int64_t by = choice_.between(1, 10) * unit * (choice_.percent(50) ? 1 : -1);
  // A claim in the queue carries the time at which it was made; set back by more than a day, that
  // would be a time at which the keys stored since are too old.
  if (by <= -86400 * kSecond && clients_.any_busy()) return;
  trace_.event("the clock jumps", {by});
  ++counts_[Count::kClockJumps];
  machine_.set_wall(machine_.wall_us() + by);
  model_.clock_at(machine_.wall_us());
}

void World::arm_fault() {
  struct Kind {
    Op op;
    Fault fault;
    int64_t within;  // so many operations of the kind
  };
  constexpr Kind kKinds[] = {
      {Op::kRead, Fault::kEio, 6},
      {Op::kWrite, Fault::kEio, 12},
      {Op::kWrite, Fault::kEnospc, 12},
      {Op::kWrite, Fault::kEnospc, 12},
      {Op::kTruncate, Fault::kEio, 2},
      {Op::kSync, Fault::kEio, 4},
      {Op::kSync, Fault::kEio, 4},
      {Op::kOpen, Fault::kEio, 3},
      {Op::kDelete, Fault::kEio, 1},
      {Op::kRead, Fault::kPowerBefore, 6},
      {Op::kWrite, Fault::kPowerBefore, 12},
      {Op::kWrite, Fault::kPowerBefore, 12},
      {Op::kWrite, Fault::kPowerAfter, 12},
      {Op::kSync, Fault::kPowerBefore, 4},
      {Op::kSync, Fault::kPowerAfter, 4},
      {Op::kTruncate, Fault::kPowerBefore, 2},
      {Op::kTruncate, Fault::kPowerAfter, 2},
      {Op::kDelete, Fault::kPowerAfter, 1},
      {Op::kWrite, Fault::kKillBefore, 12},
      {Op::kWrite, Fault::kKillAfter, 12},
      {Op::kSync, Fault::kKillBefore, 4},
      {Op::kSync, Fault::kKillAfter, 4},
  };
  const Kind& kind = kKinds[choice_.below(std::size(kKinds))];
  Plan plan;
  plan.op = kind.op;
  plan.fault = kind.fault;
  plan.nth = choice_.between(1, kind.within);
  plan.times = kind.fault == Fault::kEnospc ? choice_.between(1, 4) : 1;
  trace_.event("arms a fault", {static_cast<int64_t>(plan.op), static_cast<int64_t>(plan.fault),
                                plan.nth, plan.times});
  machine_.disk().arm(plan);
}

void World::step_once(int64_t dice) {
  const auto below = [&dice](int64_t weight) {
    dice -= weight;
    return dice < 0;
  };
  if (below(30)) {
    if (machine_.writes_waiting() > 1) ++counts_[Count::kGroupsOfMany];
    if (!machine_.step_writer()) clients_.ask_new();
    return;
  }
  if (below(22)) return clients_.ask_new();
  if (below(9)) return clients_.ask_again();
  if (below(3)) return clients_.ask_other_payload();
  if (below(5)) return clients_.read_all();
  if (below(5)) return clients_.read_counter();
  if (below(6)) return clients_.look_again_or_leave();
  if (below(2)) return clients_.cancel_one();
  if (below(10)) return static_cast<void>(machine_.step_pool());
  if (below(8)) return pass(choice_.between(1, 60) * kMoment);
  if (options_.calm) return;
  if (below(2)) return jump();
  if (below(5)) return arm_fault();
  if (below(2)) return crash(true);
  if (below(1)) return crash(false);
  if (below(1)) return stop_and_start();
}

void World::step() {
  step_once(choice_.below(111));
  if (violated() || machine_.alive()) return;
  die();
  if (!violated()) recover();
}

void World::die() {
  clients_.drop_snapshot();
  if (machine_.alive()) machine_.disk().kill();
  machine_.bury();
}

void World::crash(bool power) {
  if (power) return machine_.disk().lose_power();
  ++counts_[Count::kKills];
  machine_.disk().kill();
}

void World::stop_and_start() {
  clients_.drop_snapshot();
  machine_.stop();
  if (!violated()) recover();
}

// Tables and counters, each there as a whole or not at all.
bool World::ready_tables() {
  if (made_) return true;
  auto tables = machine_.drive(read_number(&machine_, "SELECT count(*) FROM sqlite_schema"));
  if (!tables || !*tables) return false;
  if (**tables == 0) {
    const auto made = machine_.drive(make_tables(&machine_, &app_));
    if (!made || !*made) return false;
  } else if (**tables < static_cast<int64_t>(app_.ddl.size())) {
    model_.violate(fmt::format("half a migration: {} tables and indexes", **tables));
    return false;
  }
  auto counters = machine_.drive(read_number(&machine_, "SELECT count(*) FROM counters"));
  if (!counters || !*counters) return false;
  if (**counters == 0) {
    const auto filled = machine_.drive(fill_tables(&machine_, &app_));
    if (!filled || !*filled) return false;
  } else if (**counters != kCounters) {
    model_.violate(fmt::format("half a unit: {} counters", **counters));
    return false;
  }
  ++counts_[Count::kDatabasesMade];
  made_ = true;
  return true;
}

bool World::try_recover() {
  if (!machine_.start()) {
    ++counts_[Count::kOpensFailed];
    return false;
  }
  if (!ready_tables()) return false;
  const auto sight = clients_.look();
  if (!sight || !*sight) return false;
  model_.recovered(**sight);
  trace_.event("recovered", {(*sight)->total()});
  if (!violated()) clients_.check_integrity();
  return machine_.alive();
}

void World::recover() {
  constexpr int kTriesMax = 8;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    if (tries >= 2) machine_.disk().arm(std::nullopt);
    if (try_recover() || violated()) return;
    die();
  }
  model_.violate("the database does not open, or cannot be read, on a disk that is well");
}

void World::repeat_everything() {
  constexpr int kRepeatsMax = 5;
  int repeats = 0;
  for (Asked& asked : model_.asked()) {
    if (!asked.keyed || asked.forgotten || repeats == kRepeatsMax) continue;
    ++repeats;
    const auto answer = clients_.repeat(asked, false);
    const bool refusal = asked.effect.ending == Ending::kForbidden;
    const bool running =
        asked.claims && answer && !*answer && answer->error().code == Code::kIdempotencyInProgress;
    if (!answer || (!*answer && !refusal && !running))
      model_.violate(
          fmt::format("op {} cannot be repeated on a disk that is well", asked.effect.number));
    if (!violated() && asked.answer && repeats % 3 == 0) (void)clients_.repeat(asked, true);
    if (violated()) return;
  }
}

void World::finish() {
  constexpr int kStepsMax = 5000;
  constexpr int64_t kLongerThanALease = 31 * kSecond / 16 * 16;
  machine_.disk().arm(std::nullopt);
  for (int i = 0; i < kStepsMax && machine_.alive() && clients_.any_busy(); ++i)
    machine_.step_any();
  if (machine_.alive() && clients_.any_busy()) model_.violate("a request is never answered");
  if (violated()) return;
  clients_.drop_snapshot();
  const int64_t dice = choice_.below(4);
  if (dice == 0) {
    machine_.stop();
  } else {
    if (machine_.alive()) crash(dice != 1);
    die();
  }
  recover();
  if (violated()) return;
  pass(kLongerThanALease);
  repeat_everything();
  if (violated()) return;
  const Model::Floor floor = model_.floor();
  const auto sight = clients_.look();
  if (!sight || !*sight) return model_.violate("the rows cannot be read on a disk that is well");
  model_.seen(floor, **sight);
  if (!machine_.stop()) model_.violate("does not stop cleanly on a disk that is well");
}

Outcome World::run() {
  Outcome outcome;
  if (options_.plan) machine_.disk().arm(options_.plan);
  recover();
  const int64_t steps = options_.calm ? 50 : choice_.between(18, 36);
  for (; outcome.steps < steps && !violated(); ++outcome.steps) step();
  for (size_t op = 0; op < outcome.operations.size(); ++op)
    outcome.operations[op] = machine_.disk().done(static_cast<Op>(op));
  if (!violated()) finish();
  if (violated()) trace_.event("VIOLATION", {}, *model_.violation());
  outcome.hash = trace_.hash();
  outcome.events = trace_.events();
  outcome.violation = model_.violation();
  return outcome;
}

Disk::Image World::make_image() {
  recover();
  machine_.stop();
  return machine_.disk().image();
}

}  // namespace

Disk::Image make_image(const App& app) {
  Counts counts;
  RunOptions options;
  options.calm = true;
  World world(app, nullptr, options, counts);
  return world.make_image();
}

Outcome run(const App& app, const Disk::Image& image, const RunOptions& options, Counts& counts) {
  // Some begin with no database at all.
  const bool fresh = options.seed % 8 == 0;
  World world(app, fresh ? nullptr : &image, options, counts);
  return world.run();
}

}  // namespace mettle::sim

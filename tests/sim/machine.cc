#include "sim/machine.h"

#include "base/check.h"
#include "db/sqlite/connection.h"
#include "records/sqlite_functions.h"
#include "sim/vfs.h"

namespace mettle::sim {
namespace {

constexpr const char* kWal = "app.db-wal";

}  // namespace

Machine::Machine(const App& app, uint64_t seed, db::Synchronous synchronous, Trace& trace,
                 Counts& counts)
    : app_(app),
      synchronous_(synchronous),
      trace_(trace),
      counts_(counts),
      hands_(seams_.seams),
      disk_(seed * 4 + 1, trace, counts),
      choice_(seed * 4 + 2) {
  seams_.random = FakeRandom(seed * 4 + 3);
  seed_sqlite(seed);
}

Machine::~Machine() {
  if (process_ != nullptr) {
    if (alive()) disk_.kill();
    bury();
  }
  const db::SqliteStats stats(metrics_);  // of all its processes
  counts_[Count::kGroupsReplayed] += static_cast<int64_t>(stats.groups_replayed.value());
  counts_[Count::kCheckpoints] += static_cast<int64_t>(stats.checkpoints.value());
  counts_[Count::kWalCuts] += static_cast<int64_t>(stats.wal_truncated.value());
}

// Small caches and an eager checkpointer: a run of a few dozen writes meets what a server meets in
// a day.
db::SqliteOptions Machine::options() {
  constexpr int64_t kCaches[] = {int64_t{16} << 10, int64_t{64} << 10, int64_t{1} << 20};
  constexpr int64_t kCheckpoints[] = {1, int64_t{16} << 10, int64_t{64} << 10, int64_t{1} << 20};
  constexpr int64_t kCuts[] = {int64_t{24} << 10, int64_t{96} << 10, int64_t{8} << 20};
  db::SqliteOptions options;
  options.file = kFile;
  options.vfs = kSimVfs;
  options.seams = &seams_.seams;
  options.metrics = &metrics_;
  options.synchronous = synchronous_;
  options.functions.push_back(&records::register_sqlite_functions);
  options.own_threads = false;
  options.scan_threads = 1;
  options.busy_timeout_ms = 20;
  options.writer_cache_bytes = kCaches[choice_.below(std::size(kCaches))];
  options.reader_cache_bytes = kCaches[choice_.below(std::size(kCaches))];
  options.checkpoint_bytes = kCheckpoints[choice_.below(std::size(kCheckpoints))];
  options.wal_bytes_max = kCuts[choice_.below(std::size(kCuts))];
  options.group_max = static_cast<size_t>(choice_.between(1, 6));
  return options;
}

bool Machine::start() {
  CHECK(process_ == nullptr);
  generation_ = disk_.generation();
  start_process(disk_, seams_.clock);
  process_ = std::make_unique<Process>(seams_.seams);
  trace_.event("start", {disk_.size(kFile), disk_.size(kWal)});
  if (disk_.size(kWal) > 0) ++counts_[Count::kWalsRecovered];
  disk_.opening = true;
  auto opened = db::SqliteStore::open(options());
  if (opened) {
    process_->store = std::move(*opened);
    if (const Result<> attached = process_->store->attach(process_->core); !attached) {
      trace_.event("no connection", {}, attached.error().detail);
      opened = fail(attached.error());
    }
  }
  disk_.opening = false;
  if (!opened || !alive()) {
    trace_.event("does not open", {alive()}, opened ? "" : opened.error().detail);
    return false;
  }
  records::DoorOptions options;
  options.seams = &seams_.seams;
  options.cursor_key = std::string(32, 'k');
  process_->door =
      std::make_unique<records::Door>(*process_->store, app_.catalog, std::move(options));
  return true;
}

template <class Work>
bool Machine::guarded(Work work) {
  try {
    return work();
  } catch (const int code) {  // FakeProcess::exit_now
    trace_.event("exit", {code});
    if (alive()) {
      ++counts_[Count::kExitsAfterFailedSync];
      disk_.kill();
    }
    return true;
  }
}

void Machine::run_ready() {
  process_->core.run_ready();
}

bool Machine::step_writer() {
  const bool stepped = guarded([this] { return process_->store->step_writer(hands_); });
  run_ready();
  return stepped;
}

bool Machine::step_pool() {
  const bool stepped = guarded([this] { return process_->store->step_pool(hands_); });
  run_ready();
  return stepped;
}

int64_t Machine::writes_waiting() const {
  return static_cast<int64_t>(process_->store->stats().write_queue.value());
}

void Machine::advance(int64_t us) {
  seams_.clock.advance_us(us);
  if (process_ == nullptr) return;
  process_->core.wake_timers();
  run_ready();
}

void Machine::set_wall(int64_t wall_us) {
  seams_.clock.set_wall(Timestamp{wall_us});
}

void Machine::step_any() {
  constexpr int64_t kWhileUs = 16 * 4096;  // see ClientClock
  if (step_writer() || !alive()) return;
  if (step_pool() || !alive()) return;
  advance(kWhileUs);
}

void Machine::spawn(Task<> task) {
  struct Start final : Posted {
    Start(Scope& s, Task<> t) : scope(s), task(std::move(t)) {}
    void run() override {
      CHECK(scope.spawn(std::move(task)));
      done = true;
    }
    void drop() override {}
    Scope& scope;
    Task<> task;
    bool done = false;
  };
  Start start(process_->scope, std::move(task));
  process_->core.post(&start);
  run_ready();
  CHECK(start.done);
}

std::unique_ptr<db::Connection> Machine::connect() {
  static Metrics uncounted;
  static db::SqliteStats stats(uncounted);
  auto connection = db::Connection::open(process_->store->options(), db::Role::kReader, stats);
  return connection ? std::move(*connection) : nullptr;
}

bool Machine::stop() {
  trace_.event("stop");
  guarded([this] {
    process_->store->stop();
    return true;
  });
  run_ready();
  const bool clean = alive();
  if (clean) ++counts_[Count::kCleanStops];
  if (clean) {
    while (process_->scope.size() > 0) advance(1'000'000);
    // Its connections close; the last one removes the WAL.
    process_->door.reset();
    process_->store.reset();
    run_ready();
  }
  const bool closed = alive();
  if (closed) disk_.kill();
  bury();
  return clean && closed;
}

void Machine::bury() {
  CHECK(!alive());
  if (process_ == nullptr) return;
  Process& process = *process_;
  if (process.store != nullptr) {
    // What it still does reaches nothing, and what it answers nobody.
    guarded([&] {
      process.store->stop();
      return true;
    });
  }
  if (on_death) on_death();
  run_ready();
  process.store.reset();
  run_ready();
  CHECK(process.scope.size() == 0);
  process.door.reset();
  process_.reset();
}

}  // namespace mettle::sim

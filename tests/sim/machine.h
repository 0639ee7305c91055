// A simulated machine: the disk, the clock, and the process that serves: the production store, door
// and writer, without threads. Who holds it decides what happens next. Whatever happens to the
// process happens here: it is killed, loses power, ends itself after a failed sync, is stopped,
// opens again. One thread.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "async/scope.h"
#include "base/fake_seams.h"
#include "db/sqlite/connection.h"
#include "db/sqlite/store.h"
#include "records/door.h"
#include "sim/app.h"
#include "sim/disk.h"

namespace mettle::sim {

constexpr const char* kFile = "app.db";

class Machine {
 public:
  Machine(const App& app, uint64_t seed, db::Synchronous synchronous, Trace& trace, Counts& counts);
  ~Machine();

  Disk& disk() { return disk_; }
  FakeSeams& seams() { return seams_; }
  int64_t wall_us() { return seams_.clock.now().us; }
  void advance(int64_t us);        // time passes; who sleeps wakes
  void set_wall(int64_t wall_us);  // somebody sets the clock

  // Opens the store. False: it does not open, or the process died at it.
  bool start();
  bool alive() const { return process_ != nullptr && generation_ == disk_.generation(); }
  // Finishes what was accepted and closes; false when the process died at it.
  bool stop();
  // After its death: everything of it goes, if it is not gone. Who waited in it is told.
  void bury();
  std::function<void()> on_death;  // called by bury(): who sleeps is to be cancelled

  // What the process' threads do next; false where there is nothing.
  bool step_writer();
  bool step_pool();
  int64_t writes_waiting() const;

  // Of the living process.
  db::SqliteStore& store() { return *process_->store; }
  records::Door& door() { return *process_->door; }
  Core& core() { return process_->core; }
  void spawn(Task<> task);
  // A connection beside those of the store, as the pool's are.
  std::unique_ptr<db::Connection> connect();

  // Runs the task to its end, stepping everything; nullopt when the process died.
  template <class T>
  std::optional<T> drive(Task<T> task) {
    struct Keep {
      static Task<> into(std::shared_ptr<std::optional<T>> out, Task<T> awaited) {
        out->emplace(co_await std::move(awaited));
      }
    };
    auto out = std::make_shared<std::optional<T>>();
    spawn(Keep::into(out, std::move(task)));
    while (alive() && !*out) step_any();
    if (!alive()) return std::nullopt;
    return std::move(*out);
  }
  // One step of whatever waits; time passes where nothing does.
  void step_any();

 private:
  struct Process {
    explicit Process(Seams& seams) : core(seams), scope(core) {}
    Core core;  // the one that serves
    Scope scope;
    std::unique_ptr<db::SqliteStore> store;
    std::unique_ptr<records::Door> door;
  };

  db::SqliteOptions options();
  void run_ready();
  // Runs `work`; what ends the process by itself ends here.
  template <class Work>
  bool guarded(Work work);

  const App& app_;
  const db::Synchronous synchronous_;
  Trace& trace_;
  Counts& counts_;
  FakeSeams seams_;
  Metrics metrics_;
  Core hands_;  // what the writer's and the pool's threads run by
  Disk disk_;
  Choice choice_;
  uint64_t generation_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace mettle::sim

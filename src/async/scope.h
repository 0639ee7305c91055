// Scope: what runs in the background belongs to somebody. A scope starts tasks on its core, can
// tell them to stop, and waits for them; its destructor CHECKs that none is left, so no coroutine
// outlives what it uses. The only way to start a coroutine.
//
// The core's thread only (run_until_done apart).
#pragma once

#include <memory>

#include "async/context.h"
#include "async/core.h"
#include "async/task.h"

namespace mettle {

class Parker;

class Scope {
 public:
  explicit Scope(Core& core);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  // Starts the task, or drops it unstarted and says false when the scope is closed. A task must not
  // throw: an exception that reaches the scope ends the process.
  bool spawn(Task<> task);
  // A context without a deadline that cancel() cancels: for the scope's tasks.
  Context context() const;

  void close() { closed_ = true; }  // refuses new tasks
  void cancel();                    // closes, and wakes whoever waits with one of the contexts
  // Closes, and suspends until no task is left. One waiter; may be called again after it returned.
  Task<> join();
  // The same for who is no coroutine: closes, and calls back in a turn of its own, once.
  void when_empty(Callback callback);
  size_t size() const { return running_; }
  Core& core() const { return core_; }

 private:
  static Task<> run(Scope* scope, Task<> task);
  void ended();

  Core& core_;
  const std::shared_ptr<CancelFlag> cancel_;
  size_t running_ = 0;
  bool closed_ = false;
  Parker* joining_ = nullptr;
  Callback when_empty_;
};

// Runs the core on this thread until the task has ended: for tests and for commands that need a
// loop but serve nobody. What the task throws comes out: nothing of ours does but the end of a
// process that a test plays (Process::exit_now). REQUIRES: the core is not running.
void run_until_done(Core& core, Task<> task);

template <class T>
T run_task(Core& core, Task<T> task) {
  struct Keep {
    static Task<> into(std::optional<T>* out, Task<T> awaited) {
      out->emplace(co_await std::move(awaited));
    }
  };
  std::optional<T> out;
  run_until_done(core, Keep::into(&out, std::move(task)));
  return std::move(*out);
}

}  // namespace mettle

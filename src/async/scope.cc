#include "async/scope.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "async/parker.h"
#include "base/check.h"

namespace mettle {

Scope::Scope(Core& core) : core_(core), cancel_(std::make_shared<CancelFlag>()) {}

Scope::~Scope() {
  CHECK(running_ == 0);
}

bool Scope::spawn(Task<> task) {
  CHECK(core_.is_current());
  if (closed_) return false;
  ++running_;
  boost::asio::co_spawn(core_.io(), run(this, std::move(task)), boost::asio::detached);
  return true;
}

Task<> Scope::run(Scope* scope, Task<> task) {
  try {
    // The frame of the task goes before the scope may believe that it is gone.
    Task<> owned = std::move(task);
    co_await std::move(owned);
  } catch (...) {
    check_failed("a task of a scope must not throw", __FILE__, __LINE__);
  }
  scope->ended();
}

void Scope::ended() {
  if (--running_ > 0) return;
  if (joining_ != nullptr) joining_->wake();
  if (when_empty_) core_.post(std::move(when_empty_));
}

void Scope::when_empty(Callback callback) {
  close();
  CHECK(!when_empty_);
  if (running_ == 0) return core_.post(std::move(callback));
  when_empty_ = std::move(callback);
}

Context Scope::context() const {
  return Context(core_, core_.seams(), INT64_MAX, cancel_);
}

void Scope::cancel() {
  close();
  context().cancel();
}

Task<> Scope::join() {
  close();
  if (running_ == 0) co_return;
  CHECK(joining_ == nullptr);
  Parker parker(core_);
  joining_ = &parker;
  co_await parker.park_to_end();
  joining_ = nullptr;
}

void run_until_done(Core& core, Task<> task) {
  bool done = false;
  std::exception_ptr thrown;
  boost::asio::co_spawn(core.io(), std::move(task), [&](std::exception_ptr exception) {
    thrown = std::move(exception);
    done = true;
    core.stop();
  });
  core.run();
  CHECK(done);
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace mettle

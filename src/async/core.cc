#include "async/core.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "async/gathering.h"
#include "async/timers.h"
#include "base/check.h"
#include "base/log.h"

namespace mettle {
namespace {

thread_local Core* current_core = nullptr;

class PostedCallback final : public Posted {
 public:
  explicit PostedCallback(Callback callback) : callback_(std::move(callback)) {}
  void run() override {
    const std::unique_ptr<PostedCallback> self(this);
    callback_();
  }
  void drop() override { delete this; }

 private:
  Callback callback_;
};

Posted* reversed(Posted* newest_first) {
  Posted* oldest_first = nullptr;
  while (newest_first != nullptr) {
    Posted* const next = newest_first->next;
    newest_first->next = oldest_first;
    oldest_first = newest_first;
    newest_first = next;
  }
  return oldest_first;
}

}  // namespace

// The core's lines of log go out when what is ready now has run: one system call for all requests
// that arrived together.
class Core::LogFlush final : public Posted {
 public:
  explicit LogFlush(Core& core) : core_(core) {}
  // Lines may go out earlier, with an urgent one, and leave this in the queue.
  void ask() {
    if (!std::exchange(asked_, true)) core_.post(this);
  }
  void run() override {
    asked_ = false;
    core_.gathering().release();  // nobody's answer waits for the disk or pipe of the log
    flush_log();
  }
  void drop() override { asked_ = false; }

 private:
  Core& core_;
  bool asked_ = false;
};

Core::Core(Seams& seams, CoreOptions options)
    : seams_(seams),
      options_(std::move(options)),
      io_(std::make_unique<boost::asio::io_context>(1)),
      timers_(std::make_unique<Timers>(*this)),
      gathering_(std::make_unique<Gathering>(*this)),
      log_flush_(std::make_unique<LogFlush>(*this)) {}

Core::~Core() {
  CHECK(current_core != this);
  // What is dropped may let go of something whose end posts again.
  while (Posted* const newest = posted_.exchange(nullptr, std::memory_order_acquire)) {
    for (Posted* node = reversed(newest); node != nullptr;) {
      Posted* const next = node->next;
      node->drop();
      node = next;
    }
  }
  timers_.reset();
}

Core* Core::current() {
  return current_core;
}

void Core::run() {
  CHECK(current_core == nullptr);
  current_core = this;
  {
    LogBatch lines([this] { log_flush_->ask(); });
    const auto work = boost::asio::make_work_guard(*io_);
    io_->run();
  }
  io_->restart();
  current_core = nullptr;
}

void Core::run_ready() {
  CHECK(current_core == nullptr);
  current_core = this;
  io_->poll();
  io_->restart();
  current_core = nullptr;
}

void Core::stop() {
  io_->stop();
}

void Core::post(Posted* node) {
  Posted* newest = posted_.load(std::memory_order_relaxed);
  do {
    node->next = newest;
  } while (!posted_.compare_exchange_weak(newest, node, std::memory_order_release,
                                          std::memory_order_relaxed));
  // Who finds the queue empty wakes the loop; the others ride along.
  if (newest == nullptr) boost::asio::post(*io_, [this] { drain(); });
}

void Core::post(Callback callback) {
  post(new PostedCallback(std::move(callback)));
}

void Core::wake_timers() {
  post([this] { timers_->run_due(); });
}

void Core::drain() {
  Posted* node = reversed(posted_.exchange(nullptr, std::memory_order_acquire));
  while (node != nullptr) {
    Posted* const next = node->next;  // a node may be gone when it has run
    turn_begins();
    node->run();
    turn_ends();
    node = next;
  }
}

int64_t Core::turn_begins() {
  turn_began_us_ = seams_.clock->monotonic_us();
  return turn_began_us_;
}

void Core::turn_ends() {
  if (turn_began_us_ == 0) return;
  const int64_t took_us = seams_.clock->monotonic_us() - turn_began_us_;
  turn_began_us_ = 0;
  if (took_us > longest_us_.load(std::memory_order_relaxed)) {
    longest_us_.store(took_us, std::memory_order_relaxed);
  }
  if (took_us <= options_.stall_limit_us) return;
  stalls_.fetch_add(1, std::memory_order_relaxed);
  if (options_.on_stall) options_.on_stall(options_.index, took_us);
}

Cores::Cores(Seams& seams, unsigned count,
             const std::function<void(unsigned index, int64_t us)>& on_stall) {
  for (unsigned index = 0; index < count; ++index) {
    CoreOptions options;
    options.index = index;
    options.on_stall = on_stall;
    cores_.push_back(std::make_unique<Core>(seams, std::move(options)));
  }
}

Cores::~Cores() {
  stop();
}

void Cores::start() {
  CHECK(threads_.empty());
  for (auto& core : cores_) threads_.emplace_back([c = core.get()] { c->run(); });
}

void Cores::stop() {
  for (auto& core : cores_) core->post([c = core.get()] { c->stop(); });
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace mettle

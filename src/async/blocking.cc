#include "async/blocking.h"

namespace mettle {

BlockingPool::BlockingPool(unsigned threads, size_t queue_max) : queue_max_(queue_max) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

BlockingPool::~BlockingPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
}

bool BlockingPool::submit(Callback work) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= queue_max_) return false;
    queue_.push_back(std::move(work));
  }
  changed_.notify_one();
  return true;
}

void BlockingPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Callback work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work();
    work = Callback();  // what it owns goes outside the lock
    lock.lock();
  }
}

}  // namespace mettle

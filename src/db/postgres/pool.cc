#include "db/postgres/pool.h"

namespace mettle::db::postgres {
namespace {

constexpr size_t kCancelsWaiting = 64;

Error shutting_down() {
  return make_error(Code::kShuttingDown, "the server is stopping");
}

}  // namespace

Lease::~Lease() {
  if (pool_ != nullptr) pool_->back(std::move(connection_));
}

Pool::Pool(const PostgresOptions& options) : options_(options), cancels_(1, kCancelsWaiting) {}

Pool::~Pool() {
  close();
}

void Pool::give(std::unique_ptr<Connection> connection) {
  {
    const std::lock_guard lock(mutex_);
    ++places_;
  }
  back(std::move(connection));
}

void Pool::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  idle_.clear();
  for (Completer<Lease>& each : waiting_) each.complete(fail(shutting_down()));
  waiting_.clear();
}

// The place goes to whoever waits longest, with the connection or to make another.
void Pool::back(std::unique_ptr<Connection> connection) {
  if (connection != nullptr && !connection->usable()) {
    connection->cancel_on(cancels_);
    connection.reset();
  }
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  if (!waiting_.empty()) {
    Completer<Lease> next = std::move(waiting_.front());
    waiting_.pop_front();
    next.complete(Lease(*this, std::move(connection)));
  } else if (connection != nullptr) {
    idle_.push_back(std::move(connection));
  } else {
    --places_;
  }
}

Task<Result<Lease>> Pool::place(Context& ctx) {
  Completion<Lease> done(ctx.core());
  {
    const std::lock_guard lock(mutex_);
    if (closed_) co_return fail(shutting_down());
    if (!idle_.empty()) {
      Lease mine(*this, std::move(idle_.back()));  // the one used last: its caches are warm
      idle_.pop_back();
      co_return mine;
    }
    if (places_ < options_.connections) {
      ++places_;
      co_return Lease(*this, nullptr);
    }
    if (waiting_.size() >= options_.waiting_max) {
      co_return fail(Code::kOverloaded, "too many requests wait for the database");
    }
    waiting_.push_back(done.completer());
  }
  co_return co_await done.wait(ctx);
}

Task<Result<Lease>> Pool::take(Context& ctx) {
  CO_TRY_VOID(ctx.alive());
  CO_TRY(Lease mine, co_await place(ctx));
  if (mine.connection_ == nullptr) {
    CO_TRY(mine.connection_, co_await Connection::open(ctx, options_));
  }
  co_return mine;
}

}  // namespace mettle::db::postgres

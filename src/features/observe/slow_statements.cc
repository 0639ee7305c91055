// A store around the store, which times each statement. What was slow is explained and logged on a
// thread of its own, since asking for a plan takes milliseconds; while that thread is behind, slow
// statements are counted and not logged.
#include <map>
#include <utility>

#include "async/blocking.h"
#include "base/log.h"
#include "features/observe/observe.h"

namespace mettle::observe {
namespace {

constexpr size_t kQueueMax = 16;

class SlowLog {
 public:
  SlowLog(int64_t slow_us, ExplainStatement explain, Metrics& registry)
      : slow_us_(slow_us),
        explain_(std::move(explain)),
        slow_(registry.counter("mettle_slow_statements", "Statements over slow_statement")),
        pool_(1, kQueueMax) {}

  // `request_id`: empty where it is not known.
  void took(const db::StatementRef& statement, int64_t us, std::string_view request_id) {
    if (us < slow_us_) return;
    slow_.add();
    pool_.submit([this, statement, us, id = std::string(request_id)] { log(*statement, us, id); });
  }

 private:
  void log(const db::Statement& statement, int64_t us, const std::string& request_id) const {
    const auto plan = explain_(statement);
    LOG_WARN("slow statement", {{"duration_us", us},
                                {"request_id", request_id},
                                {"sql", statement.sql},
                                {"plan", plan ? *plan : plan.error().detail}});
  }

  const int64_t slow_us_;
  const ExplainStatement explain_;
  Counter& slow_;
  BlockingPool pool_;
};

class TimedTx final : public db::WriteTx {
 public:
  TimedTx(db::Tx& tx, db::WriteTx* write_tx, SlowLog& log, Seams& seams)
      : tx_(tx), write_tx_(write_tx), log_(log), seams_(seams) {}

  Task<Result<int64_t>> run(const db::StatementRef& statement, std::span<const Value> values,
                            db::RowSink* sink) override {
    const int64_t began_us = seams_.clock->monotonic_us();
    Result<int64_t> changed = co_await tx_.run(statement, values, sink);
    log_.took(statement, seams_.clock->monotonic_us() - began_us, {});
    co_return changed;
  }
  Task<Result<>> savepoint() override { return write_tx_->savepoint(); }
  Task<Result<>> rollback_to() override { return write_tx_->rollback_to(); }
  Task<Result<>> release() override { return write_tx_->release(); }

 private:
  db::Tx& tx_;
  db::WriteTx* write_tx_;  // nullptr in a read, whose unit sees a Tx only
  SlowLog& log_;
  Seams& seams_;
};

class TimedRead final : public db::ReadUnit {
 public:
  TimedRead(db::ReadUnit& unit, SlowLog& log, Seams& seams)
      : unit_(unit), log_(log), seams_(seams) {}
  Task<Result<>> run(db::Tx& tx) override {
    TimedTx timed(tx, nullptr, log_, seams_);
    co_return co_await unit_.run(timed);
  }
  void restart() override { unit_.restart(); }

 private:
  db::ReadUnit& unit_;
  SlowLog& log_;
  Seams& seams_;
};

class TimedWrite final : public db::WriteUnit {
 public:
  TimedWrite(std::shared_ptr<db::WriteUnit> unit, SlowLog& log, Seams& seams)
      : unit_(std::move(unit)), log_(log), seams_(seams) {}
  Task<Result<>> run(db::WriteTx& tx) override {
    TimedTx timed(tx, &tx, log_, seams_);
    co_return co_await unit_->run(timed);
  }

 private:
  const std::shared_ptr<db::WriteUnit> unit_;
  SlowLog& log_;
  Seams& seams_;
};

class TimedStore final : public db::Store {
 public:
  TimedStore(std::unique_ptr<db::Store> store, int64_t slow_us, ExplainStatement explain,
             Metrics& registry)
      : store_(std::move(store)), log_(slow_us, std::move(explain), registry) {}

  Task<Result<>> read(Context& ctx, const db::StatementRef& statement,
                      std::span<const Value> values, db::RowSink& sink,
                      db::ReadHints hints) override {
    const int64_t began_us = ctx.seams().clock->monotonic_us();
    Result<> result = co_await store_->read(ctx, statement, values, sink, hints);
    log_.took(statement, ctx.seams().clock->monotonic_us() - began_us, ctx.request_id);
    co_return result;
  }
  Task<Result<>> read(Context& ctx, db::ReadUnit& unit, db::ReadHints hints) override {
    TimedRead timed(unit, log_, ctx.seams());
    co_return co_await store_->read(ctx, timed, hints);
  }
  Task<Result<>> write(Context& ctx, std::shared_ptr<db::WriteUnit> unit) override {
    return store_->write(ctx, std::make_shared<TimedWrite>(std::move(unit), log_, ctx.seams()));
  }
  Task<Result<>> migrate(Context& ctx, std::shared_ptr<db::WriteUnit> unit) override {
    return store_->migrate(ctx, std::move(unit));
  }
  std::string_view engine() const override { return store_->engine(); }
  std::string version() const override { return store_->version(); }

 private:
  // The log goes first: its thread asks the store for plans.
  const std::unique_ptr<db::Store> store_;
  SlowLog log_;
};

}  // namespace

std::unique_ptr<db::Store> log_slow_statements(std::unique_ptr<db::Store> store, int64_t slow_us,
                                               ExplainStatement explain, Metrics& registry) {
  if (slow_us == 0) return store;
  return std::make_unique<TimedStore>(std::move(store), slow_us, std::move(explain), registry);
}

}  // namespace mettle::observe

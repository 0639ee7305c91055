#include "db/postgres/store.h"

#include <fmt/format.h>

#include "async/scope.h"
#include "async/timers.h"
#include "db/postgres/pool.h"
#include "db/postgres/tx.h"

namespace mettle::db {

using postgres::Connection;
using postgres::Constraints;
using postgres::Lease;
using postgres::Pool;
using postgres::PostgresTx;

namespace {

constexpr int kOldestVersion = 150'000;
constexpr const char* kReads = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
constexpr const char* kWrites = "BEGIN ISOLATION LEVEL SERIALIZABLE";
constexpr const char* kMigrates = "BEGIN";
// Any number that nobody else takes: "mettle" in letters.
constexpr const char* kMigrationLock = "SELECT pg_advisory_xact_lock(120277420141669)";
// A commit is on its way: its request may have ended, what became of it must be known.
constexpr int64_t kCommitBudgetUs = 30'000'000;
constexpr int64_t kBackOffUs = 1'000;
constexpr int64_t kBackOffMaxUs = 50'000;

class OneStatement final : public ReadUnit {
 public:
  OneStatement(const StatementRef& statement, std::span<const Value> values, RowSink& sink)
      : statement_(statement), values_(values), sink_(sink) {}
  Task<Result<>> run(Tx& tx) override {
    CO_TRY_VOID(co_await tx.run(statement_, values_, &sink_));
    co_return Result<>();
  }
  void restart() override { sink_.restart(); }

 private:
  const StatementRef& statement_;
  const std::span<const Value> values_;
  RowSink& sink_;
};

// What a migration did to rows is said as SQLite says it, which looks for such rows at its end.
Error dangling(const Error& error) {
  const std::string table = error.inside.substr(0, error.inside.find('.'));
  return make_error(Code::kReferenceMissing,
                    fmt::format("rows of {} would refer to rows that are gone", table));
}

std::string version_text(int number) {
  constexpr int kMajor = 10'000;
  return fmt::format("{}.{}", number / kMajor, number % kMajor);
}

}  // namespace

struct PostgresStore::Parts {
  explicit Parts(PostgresOptions wanted) : options(std::move(wanted)), pool(options) {}
  const PostgresOptions options;
  Pool pool;
  Constraints constraints;
};

PostgresStore::PostgresStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

PostgresStore::~PostgresStore() {
  stop();
}

void PostgresStore::stop() {
  parts_->pool.close();
}

Result<std::unique_ptr<PostgresStore>> PostgresStore::open(PostgresOptions options) {
  TRY(std::unique_ptr<Connection> first, Connection::open(options));
  if (first->server_version() < kOldestVersion) {
    return fail(Code::kUnavailable,
                fmt::format("the database is PostgreSQL {}; 15 or later is needed",
                            version_text(first->server_version())));
  }
  Seams& seams = *options.seams;
  std::unique_ptr<PostgresStore> store(
      new PostgresStore(std::make_unique<Parts>(std::move(options))));
  store->version_ = version_text(first->server_version());
  Core core(seams);
  Context ctx(core, seams, INT64_MAX);
  TRY_VOID(run_task(core, store->parts_->constraints.read(ctx, *first)));
  store->parts_->pool.give(std::move(first));
  return store;
}

Task<Result<>> PostgresStore::read(Context& ctx, const StatementRef& statement,
                                   std::span<const Value> values, RowSink& sink, ReadHints hints) {
  OneStatement unit(statement, values, sink);
  co_return co_await read(ctx, unit, hints);
}

Task<Result<>> PostgresStore::read(Context& ctx, ReadUnit& unit, ReadHints) {
  CO_TRY(Lease connection, co_await parts_->pool.take(ctx));
  for (int tries = 1;; ++tries) {
    PostgresTx tx(ctx, *connection, kReads, parts_->constraints);
    const Result<> done = co_await unit.run(tx);
    CO_TRY_VOID(co_await tx.roll_back());
    if (done || !tx.clashed() || tries == parts_->options.tries) co_return done;
    unit.restart();
  }
}

Task<Result<>> PostgresStore::attempt(Context& ctx, WriteUnit& unit, bool migrates, bool& clashed) {
  CO_TRY(Lease connection, co_await parts_->pool.take(ctx));
  PostgresTx tx(ctx, *connection, migrates ? kMigrates : kWrites, parts_->constraints);
  Result<> done;
  if (migrates) {
    static const StatementRef lock_sql = Statement::make(kMigrationLock);
    CO_TRY_VOID(co_await tx.run(lock_sql, {}));
  }
  done = co_await unit.run(tx);
  if (done) {
    Context committing = ctx.detached();
    Context brief = committing.child(kCommitBudgetUs);
    done = co_await tx.commit(brief);
  } else {
    // Where that fails, the connection is closed, which ends the transaction, too.
    static_cast<void>(co_await tx.roll_back());
  }
  clashed = tx.clashed();
  if (!done && migrates && done.error().code == Code::kReferenceRestricted) {
    co_return fail(dangling(done.error()));
  }
  if (done && migrates) co_return co_await parts_->constraints.read(ctx, *connection);
  co_return done;
}

Task<Result<>> PostgresStore::write(Context& ctx, std::shared_ptr<WriteUnit> unit) {
  return commit(ctx, std::move(unit), false);
}

Task<Result<>> PostgresStore::migrate(Context& ctx, std::shared_ptr<WriteUnit> unit) {
  return commit(ctx, std::move(unit), true);
}

Task<Result<>> PostgresStore::commit(Context& ctx, std::shared_ptr<WriteUnit> unit, bool migrates) {
  int64_t pause_us = kBackOffUs;
  for (int tries = 1;; ++tries) {
    bool clashed = false;
    Result<> done = co_await attempt(ctx, *unit, migrates, clashed);
    if (done || !clashed || tries == parts_->options.tries) co_return done;
    // Those that clashed must not clash again.
    const auto spread =
        static_cast<int64_t>(ctx.seams().random->next() % static_cast<uint64_t>(pause_us));
    CO_TRY_VOID(co_await sleep_for(ctx, std::chrono::microseconds(pause_us + spread)));
    pause_us = std::min(2 * pause_us, kBackOffMaxUs);
  }
}

}  // namespace mettle::db

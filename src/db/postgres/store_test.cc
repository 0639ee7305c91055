// What the conformance suite cannot ask of every engine: connections that break, transactions that
// clash, a pool that is empty.
#include "db/postgres/store.h"

#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "async/scope.h"
#include "db/postgres/postgres_fixture.h"
#include "db/sqlite/store_fixture.h"

namespace mettle::db {
namespace {

class PostgresTest : public testing::Test {
 protected:
  void open(PostgresOptions options = {}) {
    database_ = std::make_unique<PostgresDatabase>(std::move(options));
    must(migrate({"CREATE TABLE doctors (id bigint PRIMARY KEY, on_call boolean NOT NULL)"}));
  }
  PostgresStore& store() { return database_->store(); }
  Result<> migrate(const std::vector<std::string>& texts) {
    std::vector<SqlUnit::Part> parts;
    for (const std::string& text : texts) parts.push_back({sql(text), {}});
    Context ctx = context();
    return run_task(core_, store().migrate(ctx, std::make_shared<SqlUnit>(std::move(parts))));
  }
  Result<> write(std::string text) {
    std::vector<SqlUnit::Part> parts;
    parts.push_back({sql(std::move(text)), {}});
    Context ctx = context();
    return run_task(core_, store().write(ctx, std::make_shared<SqlUnit>(std::move(parts))));
  }
  Result<> read(const std::string& text, RowSink& sink, int64_t deadline_us = INT64_MAX) {
    Context ctx = context(deadline_us);
    return run_task(core_, store().read(ctx, sql(text), {}, sink));
  }
  int64_t number(const std::string& text) {
    Rows rows;
    const Result<> done = read(text, rows);
    EXPECT_TRUE(done.has_value()) << done.error().inside;
    return rows.rows.empty() ? -1 : rows.rows[0][0].integer();
  }
  Context context(int64_t deadline_us = INT64_MAX) {
    return Context(core_, system_seams(), deadline_us);
  }
  static void must(const Result<>& done) {
    ASSERT_TRUE(done.has_value()) << done.error().detail << " / " << done.error().inside;
  }
  static int64_t soon(int64_t ms) { return system_seams().clock->monotonic_us() + ms * 1000; }

  Core core_{system_seams()};
  std::unique_ptr<PostgresDatabase> database_;
};

// Takes a doctor off call if another is on call: the textbook's write skew.
class GoHome final : public WriteUnit {
 public:
  GoHome(int64_t id, std::latch* both_have_read) : id_(id), both_have_read_(both_have_read) {}
  Task<Result<>> run(WriteTx& tx) override {
    static const StatementRef count_sql = sql("SELECT count(*) FROM doctors WHERE on_call");
    static const StatementRef leave_sql = sql("UPDATE doctors SET on_call = false WHERE id = ?1");
    Rows rows;
    CO_TRY_VOID(co_await tx.run(count_sql, {}, &rows));
    // In the first run alone: whoever is run again has nobody to wait for.
    if (std::exchange(first_, false)) both_have_read_->arrive_and_wait();
    if (rows.rows.at(0).at(0).integer() < 2) co_return fail(Code::kConflict, "the last one stays");
    const Value id(id_);
    CO_TRY_VOID(co_await tx.run(leave_sql, std::span(&id, 1)));
    co_return Result<>();
  }

 private:
  const int64_t id_;
  std::latch* const both_have_read_;
  bool first_ = true;
};

TEST_F(PostgresTest, OfTwoUnitsThatReadWhatTheOtherWritesOneSeesTheOther) {
  open();
  must(write("INSERT INTO doctors VALUES (1, true), (2, true)"));
  std::latch both_have_read(2);
  std::atomic<int> gone{0}, stayed{0};
  const auto leave = [&](int64_t id) {
    Core core(system_seams());
    Context ctx(core, system_seams(), INT64_MAX);
    const auto unit = std::make_shared<GoHome>(id, &both_have_read);
    const Result<> done = run_task(core, store().write(ctx, unit));
    if (done) ++gone;
    if (!done && done.error().code == Code::kConflict) ++stayed;
  };
  std::thread first(leave, 1), second(leave, 2);
  first.join();
  second.join();
  EXPECT_EQ(gone, 1);
  EXPECT_EQ(stayed, 1);
  EXPECT_EQ(number("SELECT count(*) FROM doctors WHERE on_call"), 1);
}

TEST_F(PostgresTest, HealsAfterItsConnectionsWereEnded) {
  open();
  must(write("INSERT INTO doctors VALUES (1, true)"));
  Rows rows;
  const Result<> ended = read("SELECT pg_terminate_backend(pg_backend_pid())", rows);
  ASSERT_FALSE(ended.has_value());
  EXPECT_EQ(ended.error().code, Code::kUnavailable);
  EXPECT_EQ(number("SELECT count(*) FROM doctors"), 1);
}

TEST_F(PostgresTest, AReadEndsAtItsDeadlineAndLeavesNothingRunning) {
  open();
  Rows rows;
  const Result<> late = read("SELECT 1 FROM pg_sleep(60)", rows, soon(50));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, Code::kDeadlineExceeded);
  // The server is told, by a thread of the pool's.
  const std::string sleeping =
      "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(60)' "
      "AND datname = current_database()";
  while (number(sleeping) > 0) std::this_thread::yield();
}

TEST_F(PostgresTest, AStatementEndsAtTheServersBudget) {
  open();
  PostgresOptions options;
  options.statement_budget_us = 1'000'000;
  database_->opened_with(options);
  auto hasty = PostgresStore::open(std::move(options));
  ASSERT_TRUE(hasty.has_value());
  Rows rows;
  Context ctx = context();
  const StatementRef sleep = sql("SELECT 1 FROM pg_sleep(60)");
  const Result<> late = run_task(core_, (*hasty)->read(ctx, sleep, {}, rows));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, Code::kStatementTimeout);
}

// Reads while it holds the only connection.
class ReadsInside final : public ReadUnit {
 public:
  ReadsInside(Store& store, Context ctx) : store_(store), ctx_(std::move(ctx)) {}
  Task<Result<>> run(Tx& tx) override {
    CO_TRY_VOID(co_await tx.run(sql("SELECT 1"), {}));
    Rows rows;
    inner = co_await store_.read(ctx_, sql("SELECT 1"), {}, rows);
    co_return Result<>();
  }
  void restart() override {}
  Result<> inner;

 private:
  Store& store_;
  Context ctx_;
};

TEST_F(PostgresTest, WhoWaitsForAConnectionWaitsNoLongerThanHeMay) {
  PostgresOptions options;
  options.connections = 1;
  open(std::move(options));
  ReadsInside unit(store(), context(soon(30)));
  Context ctx = context();
  must(run_task(core_, store().read(ctx, unit)));
  ASSERT_FALSE(unit.inner.has_value());
  EXPECT_EQ(unit.inner.error().code, Code::kDeadlineExceeded);
  EXPECT_EQ(number("SELECT 1"), 1);
}

TEST_F(PostgresTest, ManyShareAFewConnections) {
  PostgresOptions options;
  options.connections = 2;
  open(std::move(options));
  std::vector<std::thread> threads;
  for (int64_t i = 0; i < 16; ++i) {
    threads.emplace_back([this, i] {
      Core core(system_seams());
      Context ctx(core, system_seams(), INT64_MAX);
      const Value id(i);
      std::vector<SqlUnit::Part> parts;
      parts.push_back({sql("INSERT INTO doctors VALUES (?1, true)"), {id}});
      must(run_task(core, store().write(ctx, std::make_shared<SqlUnit>(std::move(parts)))));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(number("SELECT count(*) FROM doctors"), 16);
  EXPECT_LE(number("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"), 2);
}

TEST_F(PostgresTest, AShapeIsPreparedAgainWhenItsTableHasChanged) {
  open();
  must(write("INSERT INTO doctors VALUES (1, true)"));
  const StatementRef statement = sql("SELECT id FROM doctors");
  Context ctx = context();
  Rows before, after;
  must(run_task(core_, store().read(ctx, statement, {}, before)));
  must(migrate({"ALTER TABLE doctors ALTER COLUMN id TYPE numeric"}));
  const Result<> done = run_task(core_, store().read(ctx, statement, {}, after));
  must(done);
  EXPECT_EQ(after.rows.size(), 1U);
}

TEST(PostgresStoreTest, SaysWhatIsWrongWithoutThePassword) {
  PostgresOptions options;
  options.url = "host=/nonexistent user=mettle password=opensesame dbname=x";
  options.seams = &system_seams();
  const auto store = PostgresStore::open(std::move(options));
  ASSERT_FALSE(store.has_value());
  EXPECT_EQ(store.error().code, Code::kUnavailable);
  EXPECT_NE(store.error().detail.find("/nonexistent"), std::string::npos) << store.error().detail;
  EXPECT_EQ(store.error().detail.find("opensesame"), std::string::npos);
}

}  // namespace
}  // namespace mettle::db

// What the SQLite engine promises beyond db::Store: groups, budgets, the pool, migrations,
// recovery.
#include "db/sqlite/store.h"

#include <sqlite3.h>

#include <latch>

#include "async/completion.h"
#include "db/sqlite/connection.h"
#include "db/sqlite/handle.h"
#include "db/sqlite/store_fixture.h"
#include "db/sqlite/sync_count.h"

namespace mettle::db {
namespace {

constexpr const char* kEndless =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0";
// Long enough for any inline budget here, short for the pool.
constexpr const char* kLong =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
    "SELECT i FROM n";

// Holds the writer until the test has queued what it wants in one group.
class HoldUnit final : public WriteUnit {
 public:
  Task<Result<>> run(WriteTx&) override {
    began.count_down();
    go.wait();
    co_return Result<>();
  }
  std::latch began{1};
  std::latch go{1};
};

class SqliteStoreTest : public StoreTest {
 protected:
  static Task<> write_one(SqliteStore* store, Context* ctx, std::shared_ptr<WriteUnit> unit,
                          std::optional<Result<>>* out) {
    out->emplace(co_await store->write(*ctx, std::move(unit)));
  }
  // Queues all units while the writer is held, so that they are one group.
  static Task<> write_group(SqliteStoreTest* self, std::vector<std::shared_ptr<WriteUnit>> units,
                            std::vector<std::optional<Result<>>>* out) {
    Context ctx = self->context();
    Scope scope(self->core_);
    auto hold = std::make_shared<HoldUnit>();
    std::optional<Result<>> held;
    scope.spawn(write_one(self->store_.get(), &ctx, hold, &held));
    co_await self->next_turn();
    hold->began.wait();
    out->resize(units.size());
    for (size_t i = 0; i < units.size(); ++i)
      scope.spawn(write_one(self->store_.get(), &ctx, units[i], &(*out)[i]));
    co_await self->next_turn();
    hold->go.count_down();
    co_await scope.join();
    EXPECT_TRUE(held && *held);
  }
  std::vector<std::optional<Result<>>> group(std::vector<std::shared_ptr<WriteUnit>> units) {
    std::vector<std::optional<Result<>>> out;
    run_until_done(core_, write_group(this, std::move(units), &out));
    return out;
  }
  // Lets what was spawned run up to its first wait.
  Task<> next_turn() {
    Context ctx = context();
    Completion<int> turn(core_);
    turn.completer().complete(0);
    (void)co_await turn.wait_to_end();
  }
  static std::shared_ptr<SqlUnit> unit(std::string text, std::vector<Value> values = {}) {
    std::vector<SqlUnit::Part> parts;
    parts.push_back({sql(std::move(text)), std::move(values)});
    return std::make_shared<SqlUnit>(std::move(parts));
  }
  static std::shared_ptr<SqlUnit> insert(int64_t id) {
    return unit("INSERT INTO t (id) VALUES (?1)", {Value(id)});
  }
  void make_table() { must(migrate({"CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT"})); }
};

TEST_F(SqliteStoreTest, CommitsWhatWaitsTogether) {
  open();
  make_table();
  auto before = store_->stats().group_size.snapshot();
  std::vector<std::shared_ptr<WriteUnit>> units;
  for (int64_t i = 0; i < 50; ++i) units.push_back(insert(i));
  for (const auto& done : group(units)) EXPECT_TRUE(done && *done);
  auto after = store_->stats().group_size.snapshot();
  EXPECT_EQ(after.count - before.count, 2u);  // the held one, then all
  EXPECT_EQ(after.sum - before.sum, 51.0);
  EXPECT_EQ(number("SELECT count(*) FROM t"), 50);
}

TEST_F(SqliteStoreTest, AGroupIsNoLargerThanItsBound) {
  SqliteOptions o = options();
  o.group_max = 4;
  open(o);
  make_table();
  std::vector<std::shared_ptr<WriteUnit>> units;
  for (int64_t i = 0; i < 10; ++i) units.push_back(insert(i));
  auto before = store_->stats().group_size.snapshot();
  for (const auto& done : group(units)) EXPECT_TRUE(done && *done);
  EXPECT_EQ(store_->stats().group_size.snapshot().count - before.count, 4u);
}

TEST_F(SqliteStoreTest, AUnitsErrorCostsOnlyThatUnit) {
  open();
  make_table();
  std::vector<std::shared_ptr<WriteUnit>> units{insert(1), insert(1), insert(2)};
  auto done = group(units);
  EXPECT_TRUE(*done[0]);
  ASSERT_FALSE(*done[1]);
  EXPECT_EQ((*done[1]).error().code, Code::kUniqueViolation);
  EXPECT_TRUE(*done[2]);
  EXPECT_EQ(number("SELECT count(*) FROM t"), 2);
  EXPECT_EQ(store_->stats().groups_replayed.value(), 0u);
}

// It has no savepoint of its own, but the transaction for itself.
TEST_F(SqliteStoreTest, AUnitAloneLeavesNothingWhenItFails) {
  open();
  make_table();
  std::vector<SqlUnit::Part> parts;
  for (int64_t id : {int64_t{1}, int64_t{2}, int64_t{1}}) {
    parts.push_back({sql("INSERT INTO t (id) VALUES (?1)"), {Value(id)}});
  }
  const auto failing = std::make_shared<SqlUnit>(parts);
  const Result<> done = write(failing);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kUniqueViolation);
  EXPECT_EQ(failing->runs, 1);
  EXPECT_EQ(number("SELECT count(*) FROM t"), 0);
  must(write(insert(2)));
  EXPECT_EQ(number("SELECT sum(id) FROM t"), 2);
  EXPECT_EQ(store_->stats().groups_replayed.value(), 0u);
}

TEST_F(SqliteStoreTest, RunsTheOthersAgainWhenAnErrorRolledBackTheGroup) {
  SqliteOptions o = options();
  o.write_budget_us = 20'000;
  open(o);
  make_table();
  auto first = insert(1), last = insert(2);
  auto endless = unit(std::string("INSERT INTO t ") + kEndless);
  auto done = group({first, endless, last});
  EXPECT_TRUE(*done[0]);
  ASSERT_FALSE(*done[1]);
  EXPECT_EQ((*done[1]).error().code, Code::kStatementTimeout);
  EXPECT_TRUE(*done[2]);
  EXPECT_EQ(first->runs, 2);
  EXPECT_EQ(endless->runs, 1);
  EXPECT_EQ(last->runs, 1);
  EXPECT_EQ(number("SELECT count(*) FROM t"), 2);
  EXPECT_EQ(store_->stats().groups_replayed.value(), 1u);
}

TEST_F(SqliteStoreTest, ManyCulpritsDoNotStarveTheRest) {
  SqliteOptions o = options();
  o.write_budget_us = 5'000;
  open(o);
  make_table();
  std::vector<std::shared_ptr<WriteUnit>> units;
  for (int64_t i = 0; i < 6; ++i) {
    units.push_back(insert(i));
    units.push_back(unit(std::string("INSERT INTO t ") + kEndless));
  }
  auto done = group(units);
  for (size_t i = 0; i < done.size(); ++i) EXPECT_EQ(done[i]->has_value(), i % 2 == 0) << i;
  EXPECT_EQ(number("SELECT count(*) FROM t"), 6);
}

TEST_F(SqliteStoreTest, ACancelledUnitIsSkipped) {
  open();
  make_table();
  Context ctx = context();
  auto late = insert(1);
  std::optional<Result<>> out;
  struct Flow {
    static Task<> run(SqliteStoreTest*, SqliteStore* store, Core* core, Context* ctx,
                      std::shared_ptr<SqlUnit> late, std::optional<Result<>>* out, Task<> turn_one,
                      Task<> turn_two) {
      Scope scope(*core);
      Context other(*core, system_seams(), INT64_MAX);
      auto hold = std::make_shared<HoldUnit>();
      std::optional<Result<>> held;
      scope.spawn(write_one(store, &other, hold, &held));
      co_await std::move(turn_one);
      scope.spawn(write_one(store, ctx, late, out));
      co_await std::move(turn_two);
      ctx->cancel();
      hold->go.count_down();
      co_await scope.join();
    }
  };
  run_until_done(core_,
                 Flow::run(this, store_.get(), &core_, &ctx, late, &out, next_turn(), next_turn()));
  ASSERT_TRUE(out.has_value());
  ASSERT_FALSE(*out);
  EXPECT_EQ(out->error().code, Code::kCancelled);
  EXPECT_EQ(late->runs, 0);
}

TEST_F(SqliteStoreTest, RefusesWritesThatDoNotFitTheQueue) {
  SqliteOptions o = options();
  o.write_queue_max = 2;
  open(o);
  make_table();
  auto done = group({insert(1), insert(2), insert(3)});
  EXPECT_TRUE(*done[0]);
  EXPECT_TRUE(*done[1]);
  ASSERT_FALSE(*done[2]);
  EXPECT_EQ((*done[2]).error().code, Code::kOverloaded);
  EXPECT_EQ(number("SELECT count(*) FROM t"), 2);
}

TEST_F(SqliteStoreTest, ReadsByKeyOnTheCallersThread) {
  open();
  make_table();
  must(write("INSERT INTO t VALUES (7)"));
  Rows found;
  ASSERT_TRUE(read(sql("SELECT id FROM t WHERE id = ?1"), {Value(int64_t{7})}, found));
  EXPECT_EQ(found.rows.size(), 1u);
  EXPECT_EQ(found.thread, std::this_thread::get_id());
}

TEST_F(SqliteStoreTest, StartsAScanOnThePool) {
  open();
  make_table();
  must(write("INSERT INTO t VALUES (7)"));
  Rows scanned = rows("SELECT id FROM t");
  EXPECT_EQ(scanned.rows.size(), 1u);
  EXPECT_NE(scanned.thread, std::this_thread::get_id());
  EXPECT_EQ(scanned.restarts, 0);
  // A walk that a LIMIT ends is guarded by the budget instead.
  EXPECT_EQ(rows("SELECT id FROM t ORDER BY id LIMIT 20").thread, std::this_thread::get_id());
}

TEST_F(SqliteStoreTest, MovesToThePoolWhatSpendsTheInlineBudget) {
  SqliteOptions o = options();
  o.inline_ops_max = 10'000;
  open(o);
  StatementRef statement = sql(kLong);
  Rows first;
  must(read(statement, {}, first));
  EXPECT_EQ(first.rows.size(), 20000u);
  EXPECT_EQ(first.restarts, 1);
  EXPECT_NE(first.thread, std::this_thread::get_id());
  // It is remembered, and tried again after a while.
  Rows second;
  must(read(statement, {}, second));
  EXPECT_EQ(second.rows.size(), 20000u);
  EXPECT_EQ(second.restarts, 0);
  Rows more;
  more.stop_after = 1;
  for (int i = 2; i <= CachedStatement::kPoolRunsAfterSpent; ++i) must(read(statement, {}, more));
  Rows later;
  must(read(statement, {}, later));
  EXPECT_EQ(later.restarts, 1);
}

class LongReadUnit final : public ReadUnit {
 public:
  Task<Result<>> run(Tx& tx) override {
    ++runs;
    // Swallows the error on purpose: the store must not believe it.
    (void)co_await tx.run(sql(kLong), {}, &rows);
    co_return Result<>();
  }
  void restart() override { rows.restart(); }
  Rows rows;
  int runs = 0;
};

TEST_F(SqliteStoreTest, MovesAUnitThatSpendsTheInlineBudget) {
  SqliteOptions o = options();
  o.inline_ops_max = 10'000;
  open(o);
  LongReadUnit unit;
  Context ctx = context();
  must(run_task(core_, store_->read(ctx, unit)));
  EXPECT_EQ(unit.runs, 2);
  EXPECT_EQ(unit.rows.rows.size(), 20000u);
  EXPECT_EQ(ctx.rows, 20000u);
}

TEST_F(SqliteStoreTest, NamesTheBudgetThatAReadSpent) {
  SqliteOptions o = options();
  o.read_budget_us = 20'000;
  open(o);
  Rows none;
  auto done = read(sql(kEndless), {}, none);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Code::kStatementTimeout);
  EXPECT_NE(done.error().detail.find("20 ms"), std::string::npos) << done.error().detail;
  EXPECT_EQ(store_->stats().read_timeouts.value(), 1u);
}

// Gives its request up at the first row.
class CancellingSink final : public RowSink {
 public:
  explicit CancellingSink(Context& ctx) : flag_(ctx.cancel_flag()) {}
  Result<bool> on_row(const Row&) override {
    flag_->cancelled = true;
    return true;
  }
  void restart() override {}

 private:
  std::shared_ptr<CancelFlag> flag_;
};

TEST_F(SqliteStoreTest, CancellingStopsARunningScan) {
  open();
  Context ctx = context();
  CancellingSink sink(ctx);
  ReadHints hints;
  hints.scan = true;
  hints.budget_us = int64_t{600} * 1'000'000;
  StatementRef endless =
      sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n");
  auto done = run_task(core_, store_->read(ctx, endless, {}, sink, hints));
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Code::kCancelled);
}

class HoldSink final : public RowSink {
 public:
  Result<bool> on_row(const Row&) override {
    began.count_down();
    go.wait();
    return true;
  }
  void restart() override {}
  std::latch began{1};
  std::latch go{1};
};

Task<> read_one(SqliteStore* store, Context* ctx, RowSink* sink, std::optional<Result<>>* out) {
  ReadHints hints;
  hints.scan = true;
  StatementRef one = sql("SELECT 1");
  out->emplace(co_await store->read(*ctx, one, {}, *sink, hints));
}

Task<> fill_pool(SqliteStore* store, Context* ctx, Task<> turn_one, Task<> turn_two,
                 std::array<std::optional<Result<>>, 3>* out) {
  Scope scope(ctx->core());
  HoldSink hold;
  Rows second, third;
  scope.spawn(read_one(store, ctx, &hold, &(*out)[0]));
  co_await std::move(turn_one);
  hold.began.wait();
  scope.spawn(read_one(store, ctx, &second, &(*out)[1]));
  scope.spawn(read_one(store, ctx, &third, &(*out)[2]));
  co_await std::move(turn_two);
  hold.go.count_down();
  co_await scope.join();
}

TEST_F(SqliteStoreTest, RefusesScansThatDoNotFitTheQueue) {
  SqliteOptions o = options();
  o.scan_threads = 1;
  o.scan_queue_max = 1;
  open(o);
  Context ctx = context();
  std::array<std::optional<Result<>>, 3> out;
  run_until_done(core_, fill_pool(store_.get(), &ctx, next_turn(), next_turn(), &out));
  EXPECT_TRUE(*out[0]);
  EXPECT_TRUE(*out[1]);
  ASSERT_FALSE(*out[2]);
  EXPECT_EQ((*out[2]).error().code, Code::kOverloaded);
}

TEST_F(SqliteStoreTest, KeepsStatementsWithinItsBound) {
  SqliteOptions o = options();
  o.statements_max = 2;
  open(o);
  StatementRef a = sql("SELECT 1"), b = sql("SELECT 2"), c = sql("SELECT 3");
  Rows out;
  uint64_t before = store_->stats().statement_misses.value();
  for (const StatementRef& s : {a, b, a, c, a, b}) must(read(s, {}, out));
  // a, b and c are compiled; c displaces b, the one not used for longest, which comes again.
  EXPECT_EQ(store_->stats().statement_misses.value() - before, 4u);
}

TEST_F(SqliteStoreTest, RebuildingATableKeepsItsChildren) {
  open();
  must(migrate({"CREATE TABLE p (rid INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE) STRICT",
                "CREATE TABLE c (rid INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p (id)"
                " ON DELETE CASCADE) STRICT",
                "INSERT INTO p VALUES (1, 10), (2, 20)", "INSERT INTO c VALUES (1, 10), (2, 20)"}));
  StatementRef cached = sql("SELECT count(*) FROM c LIMIT 1");
  Rows before;
  must(read(cached, {}, before));
  must(
      migrate({"CREATE TABLE p_new (rid INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE,"
               " name TEXT) STRICT",
               "INSERT INTO p_new (rid, id) SELECT rid, id FROM p", "DROP TABLE p",
               "ALTER TABLE p_new RENAME TO p"}));
  EXPECT_EQ(number("SELECT count(*) FROM c"), 2);
  Rows after;
  must(read(cached, {}, after));
  EXPECT_EQ(after.rows[0][0].integer(), 2);
  // Keys are enforced again, and the child still refers to the new table.
  auto orphan = write("INSERT INTO c VALUES (3, 30)");
  ASSERT_FALSE(orphan.has_value());
  EXPECT_EQ(orphan.error().inside, "c.p_id");
}

TEST_F(SqliteStoreTest, AFailedMigrationLeavesKeysEnforced) {
  open();
  must(migrate({"CREATE TABLE p (id INTEGER PRIMARY KEY) STRICT",
                "CREATE TABLE c (p_id INTEGER REFERENCES p (id)) STRICT"}));
  EXPECT_FALSE(migrate({"CREATE TABLE x (id INTEGER) STRICT", "no SQL"}).has_value());
  EXPECT_EQ(number("SELECT count(*) FROM sqlite_schema WHERE name = 'x'"), 0);
  auto orphan = write("INSERT INTO c VALUES (1)");
  ASSERT_FALSE(orphan.has_value());
  EXPECT_EQ(orphan.error().code, Code::kReferenceMissing);
}

TEST_F(SqliteStoreTest, UnitsMayNotTouchTransactions) {
  open();
  make_table();
  for (const char* text : {"COMMIT", "ROLLBACK", "SAVEPOINT unit", "ATTACH ':memory:' AS other",
                           "SELECT 1; SELECT 2", ""}) {
    auto done = write(text);
    ASSERT_FALSE(done.has_value()) << text;
    EXPECT_EQ(done.error().code, Code::kInternal) << text;
  }
}

TEST_F(SqliteStoreTest, OneServerHoldsAFolder) {
  open();
  Metrics other;
  auto second =
      SqliteStore::open(SqliteOptions::for_data_folder(folder_.path(), system_seams(), other));
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().detail.find(std::to_string(::getpid())), std::string::npos);
  store_.reset();
  EXPECT_TRUE(
      SqliteStore::open(SqliteOptions::for_data_folder(folder_.path(), system_seams(), other)));
}

TEST_F(SqliteStoreTest, RefusesWorkOnceStopped) {
  open();
  make_table();
  store_->stop();
  auto done = write(insert(1));
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Code::kShuttingDown);
}

TEST_F(SqliteStoreTest, ReadOnlyReadsAndRefusesWrites) {
  open();
  make_table();
  must(write(insert(1)));
  store_.reset();
  SqliteOptions o = options();
  o.read_only = true;
  open(o);
  EXPECT_EQ(number("SELECT count(*) FROM t"), 1);
  auto done = write(insert(2));
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Code::kUnavailable);
}

TEST_F(SqliteStoreTest, KeepsTheWalSmallBesideWrites) {
  SqliteOptions o = options();
  o.checkpoint_bytes = 64 << 10;
  open(o);
  must(migrate({"CREATE TABLE b (x BLOB) STRICT"}));
  for (int i = 0; i < 100; ++i) must(write("INSERT INTO b VALUES (zeroblob(20000))"));
  EXPECT_GT(store_->stats().checkpoints.value(), 5u);
  EXPECT_LT(std::filesystem::file_size(folder_.path() + "/app.db-wal"), 1u << 20);
}

// Reads one number inside a turn of the loop that others share.
Task<> read_number(SqliteStore* store, Core* core, StatementRef statement, int64_t* out) {
  Context ctx(*core, system_seams(), INT64_MAX);
  Rows found;
  auto done = co_await store->read(ctx, statement, {}, found);
  EXPECT_TRUE(done.has_value());
  *out = found.rows.at(0).at(0).integer();
}

// What a request was told is committed, the next one reads: also in the turn of the loop in which a
// read transaction is open already, whoever it was that wrote.
Task<> read_around_a_commit(SqliteStore* store, Core* core, DatabaseHandle* beside, int64_t* before,
                            int64_t* after) {
  StatementRef count = sql("SELECT count(*) FROM t WHERE id > 0");
  co_await read_number(store, core, count, before);
  EXPECT_TRUE(exec_handle(beside->get(), "INSERT INTO t VALUES (7)").has_value());
  co_await read_number(store, core, count, after);
}

TEST_F(SqliteStoreTest, AReadSeesWhatAnotherProcessCommittedInTheSameTurn) {
  open();
  make_table();
  auto beside = open_handle(options().file, SQLITE_OPEN_READWRITE, {});
  ASSERT_TRUE(beside.has_value());
  for (int64_t round = 0; round < 3; ++round) {
    int64_t before = -1;
    int64_t after = -1;
    must(exec_handle(beside->get(), "DELETE FROM t WHERE id = 7"));
    run_until_done(core_, read_around_a_commit(store_.get(), &core_, &*beside, &before, &after));
    EXPECT_EQ(before, 0);
    EXPECT_EQ(after, 1);
  }
}

TEST_F(SqliteStoreTest, ACoreThatWaitsHoldsNoReadTransaction) {
  open();
  make_table();
  must(write(insert(1)));
  EXPECT_EQ(number("SELECT count(*) FROM t WHERE id > 0"), 1);
  must(write(insert(2)));
  EXPECT_EQ(number("SELECT count(*) FROM t WHERE id > 0"), 2);
  auto beside = open_handle(options().file, SQLITE_OPEN_READWRITE, {});
  ASSERT_TRUE(beside.has_value());
  // All of the WAL can be copied and cut only when nobody reads an older state of it.
  auto done = text_rows(beside->get(), "PRAGMA wal_checkpoint(TRUNCATE)");
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(*done, std::vector<std::string>{"0"});
  EXPECT_EQ(std::filesystem::file_size(folder_.path() + "/app.db-wal"), 0U);
}

TEST_F(SqliteStoreTest, CountsTheSyncsOfItsCommits) {
  open();
  make_table();
  const uint64_t before = mettle_sync_count();
  for (int64_t id = 1; id <= 10; ++id) must(write(insert(id)));
  EXPECT_EQ(mettle_sync_count() - before, 10U);
  EXPECT_NE(metrics_.expose().find("mettle_sqlite_syncs_total "), std::string::npos);
}

TEST_F(SqliteStoreTest, WaitsBoundedlyForAnotherProcessThatWrites) {
  SqliteOptions o = options();
  o.busy_timeout_ms = 30;
  open(o);
  make_table();
  auto beside = open_handle(o.file, SQLITE_OPEN_READWRITE, {});
  ASSERT_TRUE(beside.has_value());
  must(exec_handle(beside->get(), "BEGIN IMMEDIATE; INSERT INTO t VALUES (100)"));
  auto done = write(insert(1));
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Code::kUnavailable);
  EXPECT_EQ(number("SELECT count(*) FROM t"), 0);
  must(exec_handle(beside->get(), "COMMIT"));
  must(write(insert(1)));
  EXPECT_EQ(number("SELECT count(*) FROM t"), 2);
}

// A core of its own: writes rows and reads each back.
Task<> write_and_read(SqliteStore* store, Core* core, int64_t from, std::atomic<int>* seen) {
  Context ctx(*core, system_seams(), INT64_MAX);
  StatementRef insert_one = sql("INSERT INTO t (id) VALUES (?1)");
  StatementRef find_one = sql("SELECT id FROM t WHERE id = ?1");
  for (int64_t id = from; id < from + 50; ++id) {
    std::vector<Value> values{Value(id)};
    std::vector<SqlUnit::Part> parts;
    parts.push_back({insert_one, values});
    auto written = co_await store->write(ctx, std::make_shared<SqlUnit>(std::move(parts)));
    EXPECT_TRUE(written.has_value());
    Rows found;
    ReadHints hints;
    hints.scan = id % 4 == 0;
    auto done = co_await store->read(ctx, find_one, values, found, hints);
    EXPECT_TRUE(done.has_value());
    *seen += static_cast<int>(found.rows.size());
  }
}

TEST_F(SqliteStoreTest, CoresWorkBesideEachOther) {
  open();
  make_table();
  std::atomic<int> seen{0};
  std::vector<std::thread> threads;
  for (int64_t i = 0; i < 4; ++i) {
    threads.emplace_back([this, i, &seen] {
      Core core(system_seams());
      ASSERT_TRUE(store_->attach(core).has_value());
      run_until_done(core, write_and_read(store_.get(), &core, i * 1000, &seen));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(seen, 200);
  EXPECT_EQ(number("SELECT count(*) FROM t"), 200);
}

TEST_F(SqliteStoreTest, SaysThePlan) {
  open();
  make_table();
  auto plan = store_->plan(*sql("SELECT id FROM t WHERE id = 1"));
  ASSERT_TRUE(plan.has_value());
  EXPECT_NE(plan->find("SEARCH t"), std::string::npos) << *plan;
}

TEST_F(SqliteStoreTest, ReadsOnACoreWithoutAConnectionGoToThePool) {
  open();
  make_table();
  Core other(system_seams());
  Context ctx(other, system_seams(), INT64_MAX);
  Rows out;
  auto done = run_task(other, store_->read(ctx, sql("SELECT 1"), {}, out));
  must(done);
  EXPECT_NE(out.thread, std::this_thread::get_id());
}

}  // namespace
}  // namespace mettle::db

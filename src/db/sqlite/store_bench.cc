// What a point read costs on a core and what a group commit gives, on the disk at hand:
//   db_sqlite_bench [FOLDER]
// Prints one figure a line; the folder decides which disk is measured.
#include <fmt/format.h>

#include <filesystem>

#include "async/scope.h"
#include "base/check.h"
#include "base/id.h"
#include "db/sqlite/store.h"

namespace mettle::db {
namespace {

constexpr int64_t kRows = 100'000;
constexpr int kReads = 300'000;
constexpr int kWritersOf[] = {1, 16, 64, 256};
constexpr int kWrites = 20'000;

class InsertUnit final : public WriteUnit {
 public:
  InsertUnit(StatementRef statement, Uuid id)
      : statement_(std::move(statement)), values_{Value(id), Value("a name of some length")} {}
  Task<Result<>> run(WriteTx& tx) override {
    CO_TRY_VOID(co_await tx.run(statement_, values_));
    co_return Result<>();
  }

 private:
  StatementRef statement_;
  std::array<Value, 2> values_;
};

class FillUnit final : public WriteUnit {
 public:
  Task<Result<>> run(WriteTx& tx) override {
    auto create = Statement::make(
        "CREATE TABLE t (rid INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, name TEXT NOT NULL,"
        " n INTEGER, price INTEGER, at INTEGER) STRICT");
    auto fill = Statement::make(fmt::format(
        "WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM i WHERE n < {}) INSERT INTO t"
        " (id, name, n, price, at) SELECT randomblob(8) || randomblob(8), 'name ' || n, n, n, n"
        " FROM i",
        kRows));
    auto index = Statement::make("CREATE INDEX t_n ON t (n)");
    CO_TRY_VOID(co_await tx.run(create, {}));
    CO_TRY_VOID(co_await tx.run(fill, {}));
    CO_TRY_VOID(co_await tx.run(index, {}));
    co_return Result<>();
  }
};

class Count final : public RowSink {
 public:
  Result<bool> on_row(const Row& row) override {
    bytes += row.text(1).size() + row.blob(0).size();
    return true;
  }
  void restart() override {}
  size_t bytes = 0;
};

void report(std::string_view what, int64_t us, int64_t count) {
  fmt::print("{:<40} {:>9.2f} us each {:>10.0f} /s\n", what,
             static_cast<double>(us) / static_cast<double>(count),
             1e6 * static_cast<double>(count) / static_cast<double>(us));
}

Task<> point_reads(SqliteStore* store, Core* core) {
  Context ctx(*core, system_seams(), INT64_MAX);
  StatementRef by_id = Statement::make("SELECT id, name, n, price, at FROM t WHERE n = ?1");
  Count sink;
  Clock& clock = *system_seams().clock;
  int64_t began = clock.monotonic_us();
  for (int64_t i = 0; i < kReads; ++i) {
    std::array<Value, 1> values{Value(i * 7919 % kRows)};
    auto done = co_await store->read(ctx, by_id, values, sink);
    CHECK(done.has_value());
  }
  report("point read inline", clock.monotonic_us() - began, kReads);
}

Task<> write_some(SqliteStore* store, Core* core, StatementRef insert, int count) {
  Context ctx(*core, system_seams(), INT64_MAX);
  IdGenerator ids(system_seams());
  for (int i = 0; i < count; ++i) {
    auto done = co_await store->write(ctx, std::make_shared<InsertUnit>(insert, ids.next()));
    CHECK(done.has_value());
  }
}

Task<> group_writes(SqliteStore* store, Core* core, int writers) {
  StatementRef insert = Statement::make("INSERT INTO t (id, name) VALUES (?1, ?2)");
  Scope scope(*core);
  Clock& clock = *system_seams().clock;
  int each = kWrites / writers / (writers == 1 ? 10 : 1);
  int64_t began = clock.monotonic_us();
  for (int i = 0; i < writers; ++i) scope.spawn(write_some(store, core, insert, each));
  co_await scope.join();
  report(fmt::format("durable insert, {} waiting", writers), clock.monotonic_us() - began,
         int64_t{each} * writers);
}

int bench(const std::string& folder) {
  std::filesystem::create_directories(folder);
  Metrics metrics;
  auto store = SqliteStore::open(SqliteOptions::for_data_folder(folder, system_seams(), metrics));
  if (!store) {
    fmt::print(stderr, "{}\n", store.error().detail);
    return 1;
  }
  Core core(system_seams());
  if (!(*store)->attach(core)) return 1;
  Context ctx(core, system_seams(), INT64_MAX);
  if (!run_task(core, (*store)->migrate(ctx, std::make_shared<FillUnit>()))) return 1;
  run_until_done(core, point_reads(store->get(), &core));
  for (int writers : kWritersOf) run_until_done(core, group_writes(store->get(), &core, writers));
  store->reset();
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace mettle::db

int main(int argc, char** argv) {
  return mettle::db::bench(argc > 1 ? argv[1] : "store_bench.data");
}

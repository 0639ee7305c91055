// What becomes of an allocation that fails inside a statement or unit: that one's error, nothing
// else's.
#include <gtest/gtest.h>

#include <new>

#include "db/sqlite/functions.h"
#include "db/sqlite/store_fixture.h"

namespace mettle::db {
namespace {

// As operator new does where there is no memory.
void starve() {
  throw std::bad_alloc();  // lint: allow throw because this is what the tests are about
}

class StarvingUnit final : public SqlUnit {
 public:
  using SqlUnit::SqlUnit;
  Task<Result<>> run(WriteTx& tx) override {
    Result<> done = co_await SqlUnit::run(tx);
    starve();
    co_return done;
  }
};

class StarvingReadUnit final : public ReadUnit {
 public:
  Task<Result<>> run(Tx& tx) override {
    Rows rows;
    CO_TRY_VOID(co_await tx.run(sql("SELECT count(*) FROM t"), {}, &rows));
    starve();
    co_return Result<>();
  }
  void restart() override {}
};

class StarvingSink final : public RowSink {
 public:
  Result<bool> on_row(const Row&) override {
    starve();
    return true;
  }
  void restart() override {}
};

class MemoryTest : public StoreTest {
 protected:
  void SetUp() override {
    open();
    must(migrate({"CREATE TABLE t (a INTEGER PRIMARY KEY) STRICT", "INSERT INTO t VALUES (1)"}));
  }
  void expect_starved(const Result<>& result) {
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, Code::kOverloaded) << result.error().inside;
  }
};

TEST_F(MemoryTest, AWriteWithoutMemoryHasNoEffectAndTheWriterGoesOn) {
  std::vector<SqlUnit::Part> parts;
  parts.push_back({sql("INSERT INTO t VALUES (2)"), {}});
  expect_starved(write(std::make_shared<StarvingUnit>(std::move(parts))));
  EXPECT_EQ(number("SELECT count(*) FROM t"), 1);
  must(write("INSERT INTO t VALUES (3)"));
  EXPECT_EQ(number("SELECT count(*) FROM t"), 2);
}

TEST_F(MemoryTest, AReadWithoutMemoryLeavesItsConnectionAsItWas) {
  for (const bool scan : {false, true}) {
    StarvingSink sink;
    expect_starved(read(sql("SELECT a FROM t WHERE a = 1"), {}, sink, {.scan = scan}));
    EXPECT_EQ(number("SELECT a FROM t WHERE a = 1"), 1);
    StarvingReadUnit unit;
    Context ctx = context();
    expect_starved(run_task(core_, store_->read(ctx, unit, {.scan = scan})));
    EXPECT_EQ(number("SELECT a FROM t WHERE a = 1"), 1);
  }
  // No read transaction is left open that would keep the log from being cut.
  must(write("INSERT INTO t VALUES (3)"));
  EXPECT_EQ(number("SELECT count(*) FROM t"), 2);
}

}  // namespace
}  // namespace mettle::db

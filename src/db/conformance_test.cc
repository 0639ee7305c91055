// What every engine promises through db::Store. One suite; an engine joins by one line at the end.
#include <gtest/gtest.h>

#include "db/postgres/postgres_fixture.h"
#include "db/sqlite/store_fixture.h"

namespace mettle::db {
namespace {

// An engine ready for use, with the tables below.
struct Engine {
  virtual ~Engine() = default;
  virtual Store& store() = 0;
  virtual Core& core() = 0;
};

constexpr const char* kSqliteSchema[] = {
    "CREATE TABLE authors (rid INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE, name TEXT NOT NULL"
    " CONSTRAINT mt_check_1 CHECK (length(name) > 0)) STRICT",
    "CREATE TABLE books (rid INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE, author_id INTEGER"
    " REFERENCES authors (id) ON DELETE RESTRICT ON UPDATE RESTRICT, shelf INTEGER NOT NULL,"
    " place INTEGER NOT NULL, UNIQUE (shelf, place)) STRICT",
    "CREATE TABLE kinds (b INTEGER, i INTEGER, f REAL, d INTEGER, t TEXT, x BLOB, u BLOB,"
    " ts INTEGER, da TEXT, ti TEXT, j TEXT) STRICT",
};

struct SqliteEngine final : Engine, StoreTest {
  SqliteEngine() {
    open();
    must(migrate({std::begin(kSqliteSchema), std::end(kSqliteSchema)}));
  }
  void TestBody() override {}
  Store& store() override { return *store_; }
  Core& core() override { return core_; }
};

std::unique_ptr<Engine> make_sqlite() {
  return std::make_unique<SqliteEngine>();
}

constexpr const char* kPostgresSchema[] = {
    "CREATE TABLE authors (rid bigserial PRIMARY KEY, id bigint NOT NULL UNIQUE, name text NOT NULL"
    " CONSTRAINT mt_check_1 CHECK (length(name) > 0))",
    "CREATE TABLE books (rid bigserial PRIMARY KEY, id bigint NOT NULL UNIQUE, author_id bigint"
    " REFERENCES authors (id) ON DELETE RESTRICT ON UPDATE RESTRICT, shelf bigint NOT NULL,"
    " place bigint NOT NULL, UNIQUE (shelf, place))",
    "CREATE TABLE kinds (b boolean, i bigint, f double precision, d numeric(18,2), t text, x bytea,"
    " u uuid, ts timestamptz, da date, ti time, j json)",
};

struct PostgresEngine final : Engine {
  PostgresEngine() {
    std::vector<SqlUnit::Part> parts;
    for (const char* text : kPostgresSchema) parts.push_back({sql(text), {}});
    Context ctx(core_, system_seams(), INT64_MAX);
    const Result<> made =
        run_task(core_, store().migrate(ctx, std::make_shared<SqlUnit>(std::move(parts))));
    EXPECT_TRUE(made.has_value()) << made.error().detail << " / " << made.error().inside;
  }
  Store& store() override { return database_.store(); }
  Core& core() override { return core_; }
  Core core_{system_seams()};
  PostgresDatabase database_;
};

std::unique_ptr<Engine> make_postgres() {
  return std::make_unique<PostgresEngine>();
}

struct EngineParam {
  const char* name;
  std::unique_ptr<Engine> (*make)();
};

class StoreConformance : public testing::TestWithParam<EngineParam> {
 protected:
  void SetUp() override { engine_ = GetParam().make(); }
  Context context(int64_t deadline_us = INT64_MAX) {
    return Context(engine_->core(), system_seams(), deadline_us);
  }
  Result<> write(std::shared_ptr<WriteUnit> unit) {
    Context ctx = context();
    return run_task(engine_->core(), engine_->store().write(ctx, std::move(unit)));
  }
  Result<> write(std::vector<SqlUnit::Part> parts) {
    return write(std::make_shared<SqlUnit>(std::move(parts)));
  }
  Result<> read(const StatementRef& statement, const std::vector<Value>& values, RowSink& sink) {
    Context ctx = context();
    return run_task(engine_->core(), engine_->store().read(ctx, statement, values, sink));
  }
  int64_t count(const char* table) {
    Rows rows;
    EXPECT_TRUE(read(sql(std::string("SELECT count(*) FROM ") + table), {}, rows).has_value());
    return rows.rows.at(0).at(0).integer();
  }
  static std::string parameter(int n) { return "?" + std::to_string(n); }
  SqlUnit::Part author(int64_t id, const char* name) {
    return {
        sql("INSERT INTO authors (id, name) VALUES (" + parameter(1) + ", " + parameter(2) + ")"),
        {Value(id), Value(name)}};
  }
  SqlUnit::Part book(int64_t id, Value author, int64_t place) {
    return {sql("INSERT INTO books (id, author_id, shelf, place) VALUES (" + parameter(1) + ", " +
                parameter(2) + ", 1, " + parameter(3) + ")"),
            {Value(id), std::move(author), Value(place)}};
  }
  Error error_of(std::vector<SqlUnit::Part> parts) {
    auto done = write(std::move(parts));
    EXPECT_FALSE(done.has_value());
    return done ? Error{} : done.error();
  }

  std::unique_ptr<Engine> engine_;
};

TEST_P(StoreConformance, ReadsBackEveryKindAsItWasWritten) {
  Uuid id;
  id.bytes[0] = 1;
  id.bytes[15] = 255;
  std::vector<Value> values = {
      Value(true),
      Value(int64_t{INT64_MIN}),
      Value(0.1),
      Value(Decimal{-1250, 2}),
      Value("Grüße"),
      Value(Bytes{std::string("a\0b", 3)}),
      Value(id),
      Value(Timestamp{1'700'000'000'123'456}),
      Value(Date{-719162}),
      Value(TimeOfDay{86'399'999'999}),
      Value(Json{R"({"a":[1,2.50]})"}),
  };
  std::string marks;
  for (int i = 1; i <= 11; ++i) marks += (i == 1 ? "" : ", ") + parameter(i);
  ASSERT_TRUE(write({{sql("INSERT INTO kinds VALUES (" + marks + ")"), values}}).has_value());
  auto select = sql("SELECT b, i, f, d, t, x, u, ts, da, ti, j FROM kinds", {{Kind::kBool},
                                                                             {Kind::kInt},
                                                                             {Kind::kFloat},
                                                                             {Kind::kDecimal, 2},
                                                                             {Kind::kText},
                                                                             {Kind::kBytes},
                                                                             {Kind::kUuid},
                                                                             {Kind::kTimestamp},
                                                                             {Kind::kDate},
                                                                             {Kind::kTime},
                                                                             {Kind::kJson}});
  Rows rows(select);
  ASSERT_TRUE(read(select, {}, rows).has_value());
  ASSERT_EQ(rows.rows.size(), 1u);
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_EQ(rows.rows[0][i].storage(), values[i].storage()) << "column " << i;
}

TEST_P(StoreConformance, BindsNullAndUnknownAsNull) {
  ASSERT_TRUE(
      write({{sql("INSERT INTO kinds (t, i) VALUES (" + parameter(1) + ", " + parameter(2) + ")"),
              {Value(Null{}), Value(Unknown{})}}})
          .has_value());
  Rows rows;
  ASSERT_TRUE(read(sql("SELECT t, i FROM kinds WHERE t IS NULL AND i IS NULL"), {}, rows));
  ASSERT_EQ(rows.rows.size(), 1u);
  EXPECT_TRUE(rows.rows[0][0].is_null());
}

TEST_P(StoreConformance, ShowsACommittedWriteToTheNextRead) {
  for (int64_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(write({author(i, "a")}).has_value());
    ASSERT_EQ(count("authors"), i + 1);
  }
}

TEST_P(StoreConformance, AFailedUnitLeavesNothing) {
  ASSERT_TRUE(write({author(1, "a")}).has_value());
  EXPECT_EQ(error_of({author(2, "b"), author(1, "again")}).code, Code::kUniqueViolation);
  EXPECT_EQ(count("authors"), 1);
}

TEST_P(StoreConformance, CountsTheRowsThatAStatementChanged) {
  ASSERT_TRUE(write({author(1, "a"), author(2, "b")}).has_value());
  std::vector<SqlUnit::Part> parts{{sql("UPDATE authors SET name = 'x'"), {}}};
  auto unit = std::make_shared<SqlUnit>(parts);
  ASSERT_TRUE(write(unit).has_value());
  EXPECT_EQ(unit->changed, 2);
  std::vector<SqlUnit::Part> none{{sql("DELETE FROM authors WHERE id = 99"), {}}};
  auto nothing = std::make_shared<SqlUnit>(none);
  ASSERT_TRUE(write(nothing).has_value());
  EXPECT_EQ(nothing->changed, 0);
}

TEST_P(StoreConformance, NamesTheConstraintThatWasBroken) {
  ASSERT_TRUE(write({author(1, "a"), book(1, Value(int64_t{1}), 1)}).has_value());

  Error unique = error_of({book(2, Value(int64_t{1}), 1)});
  EXPECT_EQ(unique.code, Code::kUniqueViolation);
  EXPECT_EQ(unique.inside, "books.shelf,books.place");

  Error missing = error_of({book(2, Value(int64_t{77}), 2)});
  EXPECT_EQ(missing.code, Code::kReferenceMissing);
  EXPECT_EQ(missing.inside, "books.author_id");

  Error missing_update = error_of({{sql("UPDATE books SET author_id = 78"), {}}});
  EXPECT_EQ(missing_update.code, Code::kReferenceMissing);
  EXPECT_EQ(missing_update.inside, "books.author_id");

  Error restricted = error_of({{sql("DELETE FROM authors WHERE id = 1"), {}}});
  EXPECT_EQ(restricted.code, Code::kReferenceRestricted);
  EXPECT_EQ(restricted.inside, "books.author_id");

  Error key_update = error_of({{sql("UPDATE authors SET id = 9 WHERE id = 1"), {}}});
  EXPECT_EQ(key_update.code, Code::kReferenceRestricted);
  EXPECT_EQ(key_update.inside, "books.author_id");

  Error check = error_of({author(3, "")});
  EXPECT_EQ(check.code, Code::kCheckFailed);
  EXPECT_EQ(check.inside, "mt_check_1");

  // Looking for the culprit left nothing behind: keys are enforced, rows are as they were.
  EXPECT_EQ(count("authors"), 1);
  EXPECT_EQ(count("books"), 1);
  EXPECT_EQ(error_of({book(5, Value(int64_t{77}), 5), book(6, Value(int64_t{1}), 6)}).code,
            Code::kReferenceMissing);

  Error null = error_of({{sql("INSERT INTO authors (id) VALUES (4)"), {}}});
  EXPECT_EQ(null.code, Code::kRequired);
  EXPECT_EQ(null.inside, "authors.name");
}

// Inserts, undoes a part, inserts again, and goes on after an error inside a part.
class PartsUnit final : public WriteUnit {
 public:
  explicit PartsUnit(std::vector<SqlUnit::Part> parts) : parts_(std::move(parts)) {}
  Task<Result<>> run(WriteTx& tx) override {
    CO_TRY_VOID(co_await tx.run(parts_[0].statement, parts_[0].values));
    CO_TRY_VOID(co_await tx.savepoint());
    CO_TRY_VOID(co_await tx.run(parts_[1].statement, parts_[1].values));
    CO_TRY_VOID(co_await tx.rollback_to());
    CO_TRY_VOID(co_await tx.release());
    CO_TRY_VOID(co_await tx.savepoint());
    auto failed = co_await tx.run(parts_[0].statement, parts_[0].values);
    if (failed) co_return fail(internal_error("a duplicate was taken"));
    CO_TRY_VOID(co_await tx.rollback_to());
    CO_TRY_VOID(co_await tx.release());
    CO_TRY_VOID(co_await tx.run(parts_[2].statement, parts_[2].values));
    co_return Result<>();
  }

 private:
  std::vector<SqlUnit::Part> parts_;
};

TEST_P(StoreConformance, ASavepointTakesBackItsPartAlone) {
  std::vector<SqlUnit::Part> parts{author(1, "kept"), author(2, "undone"), author(3, "kept")};
  ASSERT_TRUE(write(std::make_shared<PartsUnit>(parts)).has_value());
  Rows rows;
  ASSERT_TRUE(read(sql("SELECT id FROM authors ORDER BY id"), {}, rows).has_value());
  ASSERT_EQ(rows.rows.size(), 2u);
  EXPECT_EQ(rows.rows[0][0].integer(), 1);
  EXPECT_EQ(rows.rows[1][0].integer(), 3);
}

class BareRollbackUnit final : public WriteUnit {
 public:
  Task<Result<>> run(WriteTx& tx) override { co_return co_await tx.rollback_to(); }
};

TEST_P(StoreConformance, RefusesARollbackWithoutASavepoint) {
  auto done = write(std::make_shared<BareRollbackUnit>());
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Code::kInternal);
}

// Counts twice; a write is committed between the two.
class SnapshotUnit final : public ReadUnit {
 public:
  SnapshotUnit(Store& store, std::shared_ptr<WriteUnit> between)
      : store_(store), between_(std::move(between)) {}
  Task<Result<>> run(Tx& tx) override {
    StatementRef statement = sql("SELECT id FROM authors WHERE id < 100");
    CO_TRY_VOID(co_await tx.run(statement, {}, &before));
    std::thread([this] {
      Core core(system_seams());
      Context ctx(core, system_seams(), INT64_MAX);
      written = run_task(core, store_.write(ctx, between_)).has_value();
    }).join();
    CO_TRY_VOID(co_await tx.run(statement, {}, &after));
    co_return Result<>();
  }
  void restart() override {
    before.restart();
    after.restart();
  }
  Rows before, after;
  bool written = false;

 private:
  Store& store_;
  std::shared_ptr<WriteUnit> between_;
};

TEST_P(StoreConformance, AReadUnitSeesOneSnapshot) {
  ASSERT_TRUE(write({author(1, "a")}).has_value());
  std::vector<SqlUnit::Part> parts{author(2, "b")};
  SnapshotUnit unit(engine_->store(), std::make_shared<SqlUnit>(parts));
  Context ctx = context();
  auto done = run_task(engine_->core(), engine_->store().read(ctx, unit));
  ASSERT_TRUE(done.has_value()) << done.error().inside;
  EXPECT_TRUE(unit.written);
  EXPECT_EQ(unit.before.rows.size(), 1u);
  EXPECT_EQ(unit.after.rows.size(), 1u);
  EXPECT_EQ(count("authors"), 2);
}

class WritingReadUnit final : public ReadUnit {
 public:
  explicit WritingReadUnit(SqlUnit::Part part) : part_(std::move(part)) {}
  Task<Result<>> run(Tx& tx) override {
    CO_TRY_VOID(co_await tx.run(part_.statement, part_.values));
    co_return Result<>();
  }
  void restart() override {}

 private:
  SqlUnit::Part part_;
};

TEST_P(StoreConformance, AReadCannotWrite) {
  WritingReadUnit unit(author(1, "a"));
  Context ctx = context();
  EXPECT_FALSE(run_task(engine_->core(), engine_->store().read(ctx, unit)).has_value());
  Rows rows;
  EXPECT_FALSE(read(author(2, "b").statement, author(2, "b").values, rows).has_value());
  EXPECT_EQ(count("authors"), 0);
}

TEST_P(StoreConformance, ASinkStopsItsStatement) {
  for (int64_t i = 0; i < 10; ++i) ASSERT_TRUE(write({author(i, "a")}).has_value());
  Rows rows;
  rows.stop_after = 3;
  ASSERT_TRUE(read(sql("SELECT id FROM authors ORDER BY id"), {}, rows).has_value());
  EXPECT_EQ(rows.rows.size(), 3u);
}

class FailingSink final : public RowSink {
 public:
  Result<bool> on_row(const Row&) override { return fail(Code::kTooManyRows, "enough"); }
  void restart() override {}
};

TEST_P(StoreConformance, ASinksErrorIsTheReadsError) {
  ASSERT_TRUE(write({author(1, "a")}).has_value());
  FailingSink sink;
  auto done = read(sql("SELECT id FROM authors WHERE id = 1"), {}, sink);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Code::kTooManyRows);
  EXPECT_EQ(count("authors"), 1);
}

TEST_P(StoreConformance, ADeadContextStartsNothing) {
  Context cancelled = context();
  cancelled.cancel_flag()->cancelled = true;
  std::vector<SqlUnit::Part> parts{author(1, "a")};
  auto unit = std::make_shared<SqlUnit>(parts);
  auto done = run_task(engine_->core(), engine_->store().write(cancelled, unit));
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Code::kCancelled);

  Context late = context(system_seams().clock->monotonic_us() - 1);
  Rows rows;
  auto read_late = run_task(engine_->core(),
                            engine_->store().read(late, sql("SELECT 1 FROM authors"), {}, rows));
  ASSERT_FALSE(read_late.has_value());
  EXPECT_EQ(read_late.error().code, Code::kDeadlineExceeded);
  EXPECT_EQ(unit->runs, 0);
  EXPECT_EQ(count("authors"), 0);
}

TEST_P(StoreConformance, AMigrationThatBreaksReferencesIsTakenBack) {
  ASSERT_TRUE(write({author(1, "a"), book(1, Value(int64_t{1}), 1)}).has_value());
  std::vector<SqlUnit::Part> parts{{sql("DELETE FROM authors"), {}}};
  Context ctx = context();
  auto done =
      run_task(engine_->core(), engine_->store().migrate(ctx, std::make_shared<SqlUnit>(parts)));
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Code::kReferenceMissing);
  EXPECT_NE(done.error().detail.find("books"), std::string::npos);
  EXPECT_EQ(count("authors"), 1);
}

INSTANTIATE_TEST_SUITE_P(Engines, StoreConformance,
                         testing::Values(EngineParam{"sqlite", make_sqlite},
                                         EngineParam{"postgres", make_postgres}),
                         [](const auto& engine) { return std::string(engine.param.name); });

}  // namespace
}  // namespace mettle::db

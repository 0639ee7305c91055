// Loads and dumps against a store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "db/sqlite/store_fixture.h"
#include "features/transfer/dump.h"
#include "features/transfer/load.h"
#include "model/load.h"
#include "records/sqlite_functions.h"

namespace mettle::transfer {
namespace {

constexpr const char* kApp = R"yaml(
mettle: 1
app: t
tables:
  products:
    columns:
      sku: {type: text, unique: true}
      price: {type: decimal, precision: 12, scale: 2, min: 0, write: "false"}
      note: {type: text, optional: true}
      data: {type: json, optional: true}
    checks: [{check: "row.price != decimal('6.66')", message: no devilry}]
    access: {read: "true"}
  tickets:
    id: int
    columns:
      title: {type: text, default: none}
      room: {type: text, optional: true, sensitive: true}
    checks: [{check: "row.id < 3", message: sold out}]
    access: {read: "true"}
)yaml";

// Each look at it is as long after the one before.
class StepClock final : public Clock {
 public:
  explicit StepClock(int64_t step_us) : step_us_(step_us) {}
  Timestamp now() override { return {1'767'225'600'000'000}; }
  int64_t monotonic_us() override { return now_us_ += step_us_; }

 private:
  const int64_t step_us_;
  int64_t now_us_ = 0;
};

class TransferTest : public db::StoreTest {
 protected:
  void SetUp() override {
    db::SqliteOptions o = options();
    o.functions.push_back(&records::register_sqlite_functions);
    open(std::move(o));
    must(migrate(load_tables()));
    must(
        migrate({"CREATE TABLE products (rid INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, "
                 "created_at INTEGER, updated_at INTEGER, version INTEGER, sku TEXT UNIQUE, price "
                 "INTEGER, note TEXT, data TEXT) STRICT",
                 "CREATE TABLE tickets (id INTEGER PRIMARY KEY, created_at INTEGER, updated_at "
                 "INTEGER, version INTEGER, title TEXT NOT NULL, room TEXT) STRICT"}));
    model::Faults faults;
    const auto app = model::load_text(kApp, "app.yaml", {}, faults);
    catalog_ = records::Catalog::compile(app, db::sqlite_dialect(), faults);
    ASSERT_FALSE(faults.has_errors());
    records::DoorOptions door;
    door.seams = &system_seams();
    door_ = std::make_unique<records::Door>(*store_, catalog_, std::move(door));
  }
  void TearDown() override { door_.reset(); }

  Result<LoadReport> load(const std::string& text, Format format, LoadOptions options = {},
                          int64_t done = 0, Place place = {}) {
    std::istringstream in(text);
    auto reader = open_rows(in, format);
    if (!reader) return fail(std::move(reader.error()));
    if (done > 0) {
      TRY_VOID((*reader)->go_to(place));
    }
    Context ctx = context();
    return run_task(core_, load_rows(ctx, *door_, table_, **reader, std::move(options), done));
  }
  // The rows of each batch of so many, where each is written within the time.
  std::vector<int64_t> batches(int64_t rows, int64_t batch_rows, int64_t time_us) {
    std::string text = "sku,price\n";
    for (int64_t i = 0; i < rows; ++i) text += std::to_string(i) + ",1\n";
    std::istringstream in(text);
    const auto reader = open_rows(in, Format::kCsv);
    std::vector<int64_t> out;
    int64_t before = 0;
    LoadOptions options;
    options.batch_rows = batch_rows;
    options.on_progress = [&](const LoadProgress& at) {
      out.push_back(at.rows - std::exchange(before, at.rows));
    };
    StepClock clock(time_us);
    Seams seams = system_seams();
    seams.clock = &clock;
    Context ctx(core_, seams, INT64_MAX);
    const auto report = run_task(core_, load_rows(ctx, *door_, 0, **reader, options, 0));
    EXPECT_EQ(errors(report), "");
    EXPECT_EQ(count(), rows);
    return out;
  }
  static std::string errors(const Result<LoadReport>& report) {
    if (!report) return "! " + report.error().detail;
    std::string out;
    for (const BadValue& bad : report->errors) out += bad.text() + "\n";
    return out;
  }
  std::string dump(Format format, int table = 0, bool with_sensitive = false) {
    std::string out;
    DumpOptions options;
    options.format = format;
    options.with_sensitive = with_sensitive;
    options.write = [&out](std::string_view part) -> Result<> {
      out += part;
      return {};
    };
    Context ctx = context();
    const auto rows =
        run_task(core_, dump_rows(ctx, *store_, *catalog_, table, std::move(options)));
    EXPECT_TRUE(rows.has_value());
    return out;
  }
  int64_t count() { return number("SELECT count(*) FROM products"); }

  std::shared_ptr<const records::Catalog> catalog_;
  std::unique_ptr<records::Door> door_;
  int table_ = 0;  // that load() loads
};

TEST_F(TransferTest, LoadsCsvWithTheOperatorsRight) {
  const auto report = load("sku,price,note\nA,1.50,\nB,2,\"\"\n", Format::kCsv);
  EXPECT_EQ(errors(report), "");
  EXPECT_EQ(report->inserted, 2);
  EXPECT_EQ(number("SELECT sum(price) FROM products"), 350);
  EXPECT_EQ(number("SELECT count(*) FROM products WHERE note IS NULL"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM products WHERE note = ''"), 1);
}

TEST_F(TransferTest, WhatItDumpsItLoadsAgainIdsAndTimesToo) {
  ASSERT_EQ(errors(load("{\"sku\":\"A,\\\"q\\\"\",\"price\":\"1.50\",\"data\":{\"x\":[1,\"ü\"]}}\n"
                        "{\"sku\":\"B\",\"price\":2,\"note\":\"two\\nlines\"}\n",
                        Format::kNdjson)),
            "");
  must(write("UPDATE products SET version = 7, created_at = 1000000"));
  for (const Format format : {Format::kNdjson, Format::kCsv}) {
    const std::string before = dump(format);
    must(write("DELETE FROM products"));
    ASSERT_EQ(errors(load(before, format)), "");
    EXPECT_EQ(dump(format), before);
    EXPECT_EQ(count(), 2);
    EXPECT_EQ(number("SELECT sum(version) FROM products"), 14);
  }
}

TEST_F(TransferTest, NamesEveryFaultWithLineAndColumnAndWritesNothingOfTheBatch) {
  const auto report = load("sku,price\nA,1\nB,-1\n,x\n", Format::kCsv);
  EXPECT_EQ(errors(report),
            "3:3: price: must be at least 0.00\n4:2: price: must be a decimal such as \"12.50\" "
            "with at most 2 digits after the "
            "point\n");
  EXPECT_TRUE(report->stopped);
  EXPECT_EQ(report->bad, 2);
  EXPECT_EQ(count(), 0);
  EXPECT_EQ(errors(load("{\"sku\": \"A\", \"prize\": 1}\n{\"sku\":1,\"price\":1}\n[]\n{\"sku\"\n",
                        Format::kNdjson))
                .substr(0, 62),
            "1:14: products has no column prize; did you mean price?\n2:8: s");
}

// Found by fuzzing: a file in Latin-1 was stored as it was, and answers with it were not JSON.
TEST_F(TransferTest, TextThatIsNotUtf8IsRefusedWithItsPlace) {
  EXPECT_EQ(errors(load("sku,price,note\nA,1,caf\xE9\n", Format::kCsv)),
            "2:5: note: is not UTF-8; convert the file\n");
  EXPECT_THAT(errors(load("sku,price,n\xE9\nA,1,x\n", Format::kCsv)),
              testing::HasSubstr("has no column n\xEF\xBF\xBD"));
  EXPECT_EQ(count(), 0);
}

TEST_F(TransferTest, AValueThatIsTakenStopsTheBatchWithItsLine) {
  LoadOptions options;
  options.batch_rows = 2;
  const auto report = load("sku,price\nA,1\nB,1\nC,1\nA,2\n", Format::kCsv, options);
  EXPECT_EQ(errors(report), "5:1: sku: is taken\n");
  EXPECT_EQ(count(), 2);
  EXPECT_EQ(report->rows, 2);
}

TEST_F(TransferTest, WhatOnlyTheDatabaseFindsIsNamedAtItsValue) {
  const std::string text =
      "{\"price\": 1, \"sku\": \"A\"}\n\n{\"note\": \"\", \"sku\": \"A\", \"price\": 1}\n";
  EXPECT_EQ(errors(load(text, Format::kNdjson)), "3:21: sku: is taken\n");
  EXPECT_EQ(errors(load("price,sku\n1,A\n10,A\n", Format::kCsv)), "3:4: sku: is taken\n");
  EXPECT_EQ(count(), 0);
}

// Rows are made in the memory of the row before.
TEST_F(TransferTest, ARowHasNothingOfTheRowBefore) {
  ASSERT_EQ(
      errors(load("{\"id\":\"01900000-0000-7000-8000-000000000001\",\"sku\":\"A\",\"price\":1,"
                  "\"note\":\"of A\",\"created_at\":\"2020-01-01T00:00:00Z\",\"version\":7}\n"
                  "{\"sku\":\"B\",\"price\":2}\n{\"sku\":\"C\",\"price\":2,\"note\":null}\n",
                  Format::kNdjson)),
      "");
  EXPECT_EQ(number("SELECT count(DISTINCT id) FROM products"), 3);
  EXPECT_EQ(number("SELECT count(*) FROM products WHERE note IS NULL AND version = 1 AND "
                   "created_at = updated_at"),
            2);
  table_ = 1;
  EXPECT_EQ(errors(load("{\"title\":\"first\",\"room\":\"blue\"}\n{}\n{\"title\":\"third\"}\n",
                        Format::kNdjson, {.skip_bad = true})),
            "3:1: sold out\n");
  EXPECT_EQ(number("SELECT count(*) FROM tickets"), 2);
  EXPECT_EQ(number("SELECT id FROM tickets WHERE title = 'none' AND room IS NULL"), 2);
}

TEST_F(TransferTest, BatchesGrowAndEndWithTheRows) {
  EXPECT_EQ(batches(11'000, 50'000, 1), (std::vector<int64_t>{1'000, 4'000, 6'000}));
  must(write("DELETE FROM products"));
  EXPECT_EQ(batches(11'000, 2'500, 1), (std::vector<int64_t>{1'000, 2'500, 2'500, 2'500, 2'500}));
}

TEST_F(TransferTest, ABatchIsNoLargerThanWhatIsWrittenInTime) {
  std::vector<int64_t> slow{1'000, 4'000};  // which was read before the first was written
  slow.resize(17, 1'000);
  EXPECT_EQ(batches(20'000, 50'000, 1'000'000), slow);
  must(write("DELETE FROM products"));
  const std::vector<int64_t> faster = batches(20'000, 50'000, 20'000);
  ASSERT_GT(faster.size(), 2u);
  EXPECT_GT(faster[2], 1'000);
  EXPECT_LT(faster[2], 15'000);  // else 15,000: all that are left
}

TEST_F(TransferTest, ADumpMasksWhatIsSensitiveAlsoWhereThereIsNothing) {
  table_ = 1;
  ASSERT_EQ(errors(load("title,room\na,blue\nb,\n", Format::kCsv)), "");
  for (const Format format : {Format::kCsv, Format::kNdjson}) {
    const std::string masked = dump(format, 1);
    EXPECT_EQ(masked.find("blue"), std::string::npos) << masked;
    EXPECT_EQ(masked.find("null"), std::string::npos) << masked;
    EXPECT_NE(masked.find("[masked by mettle]"), std::string::npos) << masked;
    EXPECT_NE(dump(format, 1, true).find("blue"), std::string::npos);
  }
}

TEST_F(TransferTest, AMaskIsNoValue) {
  table_ = 1;
  EXPECT_EQ(
      errors(load("title,room\na,[masked by mettle]\n", Format::kCsv)),
      "2:3: room: is masked, the value is not in this file: dump it with --with-sensitive, or "
      "leave the column out\n");
  EXPECT_NE(errors(load(R"({"title":"[masked by mettle]"})", Format::kNdjson)), "");
  EXPECT_EQ(number("SELECT count(*) FROM tickets"), 0);
}

TEST_F(TransferTest, SkipBadWritesTheGoodRows) {
  LoadOptions options;
  options.skip_bad = true;
  const auto report = load("sku,price\nA,1\nB,-1\nA,1\nC,6.66\nD,4\n", Format::kCsv, options);
  EXPECT_EQ(errors(report),
            "3:3: price: must be at least 0.00\n4:1: sku: is taken\n5:1: no devilry\n");
  EXPECT_EQ(report->inserted, 2);
  EXPECT_EQ(report->bad, 3);
  EXPECT_FALSE(report->stopped);
  EXPECT_EQ(number("SELECT sum(price) FROM products"), 500);
}

TEST_F(TransferTest, OnConflictSkipsOrUpdates) {
  ASSERT_EQ(errors(load("sku,price,note\nA,1,old\n", Format::kCsv)), "");
  LoadOptions options;
  options.on_conflict = OnConflict::kSkip;
  auto report = load("sku,price\nA,2\nB,2\n", Format::kCsv, options);
  EXPECT_EQ(report->skipped, 1);
  EXPECT_EQ(report->inserted, 1);
  EXPECT_EQ(number("SELECT price FROM products WHERE sku = 'A'"), 100);
  options.on_conflict = OnConflict::kUpdate;
  report = load("sku,price\nA,3\nB,2\n", Format::kCsv, options);
  EXPECT_EQ(errors(report), "");
  EXPECT_EQ(report->updated, 2);
  EXPECT_EQ(number("SELECT price FROM products WHERE sku = 'A' AND note = 'old'"), 300);
  EXPECT_EQ(number("SELECT version FROM products WHERE sku = 'A'"), 2);
}

TEST_F(TransferTest, AStoppedLoadGoesOnWithoutLosingOrDoublingARow) {
  LoadOptions options;
  options.batch_rows = 2;
  options.input = "hash";
  const std::string text = "sku,price\nA,1\nB,1\nC,1\nD,x\nE,1\n";
  EXPECT_TRUE(load(text, Format::kCsv, options)->stopped);
  Context ctx = context();
  auto record = run_task(core_, find_load(ctx, *store_, "hash", "products"));
  ASSERT_TRUE(record.has_value() && record->has_value());
  EXPECT_EQ((*record)->rows, 2);
  EXPECT_FALSE((*record)->finished);
  const std::string mended = "sku,price\nA,1\nB,1\nC,1\nD,2\nE,1\n";
  const auto report = load(mended, Format::kCsv, options, (*record)->rows, (*record)->place);
  EXPECT_EQ(errors(report), "");
  EXPECT_EQ(report->rows, 5);
  EXPECT_EQ(count(), 5);
  record = run_task(core_, find_load(ctx, *store_, "hash", "products"));
  EXPECT_TRUE((*record)->finished);
}

TEST_F(TransferTest, AHeaderNamesKnownColumns) {
  EXPECT_EQ(errors(load("sku,prise\n", Format::kCsv)),
            "! 1:1: products has no column prise; did you mean price?");
}

TEST_F(TransferTest, RequiredColumnsAreNamed) {
  EXPECT_EQ(errors(load("{\"note\":\"x\"}", Format::kNdjson)),
            "1:1: sku: is required\n1:1: price: is required\n");
}

}  // namespace
}  // namespace mettle::transfer

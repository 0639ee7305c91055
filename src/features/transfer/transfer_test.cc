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
)yaml";

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
                 "INTEGER, note TEXT, data TEXT) STRICT"}));
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
    return run_task(core_, load_rows(ctx, *door_, 0, **reader, std::move(options), done));
  }
  static std::string errors(const Result<LoadReport>& report) {
    if (!report) return "! " + report.error().detail;
    std::string out;
    for (const BadValue& bad : report->errors) out += bad.text() + "\n";
    return out;
  }
  std::string dump(Format format) {
    std::string out;
    DumpOptions options;
    options.format = format;
    options.write = [&out](std::string_view part) -> Result<> {
      out += part;
      return {};
    };
    Context ctx = context();
    const auto rows = run_task(core_, dump_rows(ctx, *store_, *catalog_, 0, std::move(options)));
    EXPECT_TRUE(rows.has_value());
    return out;
  }
  int64_t count() { return number("SELECT count(*) FROM products"); }

  std::shared_ptr<const records::Catalog> catalog_;
  std::unique_ptr<records::Door> door_;
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

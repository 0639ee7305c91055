#include "features/migrate/keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "features/migrate/sqlite_keeper_fixture.h"

namespace mettle::migrate {
namespace {

using testing::HasSubstr;
using testing::Not;

class KeeperTest : public KeeperFixture {
 protected:
  void SetUp() override { open_store(); }
};

constexpr const char* kShop = R"(
  categories:
    columns: {name: {type: text, max: 80, unique: true}}
  products:
    columns:
      sku: {type: text, unique: true}
      price: {type: decimal, precision: 12, scale: 2, min: 0}
      stock: {type: int, min: 0, default: 0}
      state: {type: enum, values: [new, old], default: new}
      note: {type: text, optional: true}
      on_sale: {type: bool, default: false}
      category_id: {references: categories, on_delete: cascade}
    indexes: [[category_id, price], [price]]
)";

// Two products in a category; ids are made by the defaults.
class ShopTest : public KeeperTest {
 protected:
  void SetUp() override {
    KeeperTest::SetUp();
    ASSERT_EQ(fit(kShop), "");
    must(write("INSERT INTO categories (name) VALUES ('lamps')"));
    must(
        write("INSERT INTO products (sku, price, stock, category_id) SELECT 'A1', 1250, 3, id FROM "
              "categories"));
    must(
        write("INSERT INTO products (sku, price, stock, category_id) SELECT 'B2', 300, 0, id FROM "
              "categories"));
  }
  // The shop with `from` replaced.
  static std::string shop(const std::string& from, const std::string& to) {
    std::string out = kShop;
    const size_t at = out.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return out.replace(at, from.size(), to);
  }
};

TEST_F(KeeperTest, MakesTheTablesOfAnEmptyDatabase) {
  EXPECT_EQ(fit(kShop), "");
  EXPECT_EQ(version(), 1);
  EXPECT_EQ(number("SELECT count(*) FROM mettle_own"), 0);
  EXPECT_EQ(
      text("SELECT sql FROM sqlite_schema WHERE name = 'categories'"),
      "CREATE TABLE \"categories\" (\"rid\" INTEGER PRIMARY KEY, \"id\" BLOB NOT NULL UNIQUE "
      "DEFAULT (unhex(printf('%012x', CAST(unixepoch('subsec') * 1000 AS INTEGER)) || '7' || "
      "substr(hex(randomblob(2)), 2) || substr('89AB', 1 + (random() & 3), 1) || "
      "substr(hex(randomblob(8)), 2))) CONSTRAINT mt_uuid_1 CHECK (length(\"id\") = 16), "
      "\"created_at\" INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000000 AS "
      "INTEGER)), \"updated_at\" INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000000 "
      "AS INTEGER)), \"version\" INTEGER NOT NULL DEFAULT 1, \"name\" TEXT NOT NULL "
      "CONSTRAINT mt_max_5 CHECK (length(\"name\") <= 80)) STRICT");
  EXPECT_EQ(text("SELECT sql FROM sqlite_schema WHERE name = 'mt_unique_5'"),
            "CREATE UNIQUE INDEX \"mt_unique_5\" ON \"categories\" (\"name\")");
  EXPECT_EQ(text("SELECT sql FROM sqlite_schema WHERE name = 'mt_index_16_11'"),
            "CREATE INDEX \"mt_index_16_11\" ON \"products\" (\"category_id\", \"price\", \"id\")");
}

TEST_F(KeeperTest, WritesNothingForAnUnchangedFile) {
  ASSERT_EQ(fit(kShop), "");
  const int64_t before = number("SELECT total FROM (SELECT count(*) AS total FROM mettle_schema)");
  const double commits = static_cast<double>(store_->stats().units_committed.value());
  ASSERT_EQ(fit(kShop), "");
  EXPECT_EQ(number("SELECT count(*) FROM mettle_schema"), before);
  EXPECT_EQ(static_cast<double>(store_->stats().units_committed.value()), commits);
}

TEST_F(KeeperTest, RunsAStatementOfAFeatureOnce) {
  ASSERT_EQ(fit(kShop), "");
  own_.push_back("ALTER TABLE mettle_own ADD COLUMN y INTEGER");
  ASSERT_EQ(fit(kShop), "");
  ASSERT_EQ(fit(kShop), "");
  EXPECT_EQ(number("SELECT count(*) FROM mettle_migrations"), 2);
  EXPECT_EQ(version(), 1);
}

TEST_F(ShopTest, ConstraintsHoldForSqlThatKnowsNothingOfThem) {
  const auto refused = [&](const std::string& sql, Code code, const std::string& inside) {
    const Result<> done = write(sql);
    ASSERT_FALSE(done.has_value()) << sql;
    EXPECT_EQ(done.error().code, code) << sql;
    EXPECT_EQ(done.error().inside, inside) << sql;
  };
  refused("UPDATE products SET stock = -1", Code::kCheckFailed, "mt_min_12");
  refused("UPDATE products SET state = 'odd'", Code::kCheckFailed, "mt_enum_13");
  refused("UPDATE products SET on_sale = 2", Code::kCheckFailed, "mt_bool_15");
  refused("UPDATE products SET price = 1000000000000", Code::kCheckFailed, "mt_precision_11");
  refused("UPDATE products SET sku = 'A1'", Code::kUniqueViolation, "products.sku");
  refused("INSERT INTO products (sku, price, category_id) VALUES ('C', 1, zeroblob(16))",
          Code::kReferenceMissing, "products.category_id");
  EXPECT_EQ(text("SELECT column_name FROM mettle_columns WHERE id = 12"), "stock");
}

TEST_F(ShopTest, IdsTimesVersionsAndDefaultsHoldInSql) {
  EXPECT_EQ(
      number("SELECT count(*) FROM products WHERE length(id) = 16 AND substr(hex(id), 13, 1) = "
             "'7' AND substr(hex(id), 17, 1) IN ('8', '9', 'A', 'B')"),
      2);
  EXPECT_EQ(number("SELECT count(*) FROM products WHERE abs(created_at - unixepoch('subsec') * "
                   "1000000) < 60000000 AND version = 1 AND state = 'new'"),
            2);
  must(write("UPDATE products SET updated_at = 0"));
  EXPECT_EQ(number("SELECT count(*) FROM products WHERE version = 2 AND updated_at > 0"), 2);
  must(write("UPDATE products SET updated_at = 5, version = 9"));
  EXPECT_EQ(number("SELECT count(*) FROM products WHERE version = 9 AND updated_at = 5"), 2);
}

TEST_F(ShopTest, AddsColumnsWithoutTouchingRows) {
  EXPECT_EQ(fit(shop("note:",
                     "rank: {type: int, default: 7}\n      label: {type: text, optional: "
                     "true}\n      note:")),
            "");
  EXPECT_EQ(number("SELECT sum(rank) FROM products WHERE label IS NULL"), 14);
  EXPECT_EQ(version(), 2);
}

TEST_F(ShopTest, RefusesARequiredColumnThatRowsWouldLack) {
  const std::string told = fit(shop("note:", "brand: {type: text}\n      note:"));
  EXPECT_THAT(told, HasSubstr("tables.products.columns.brand"));
  EXPECT_THAT(told, HasSubstr("there is no value for 2 rows"));
  EXPECT_THAT(told, HasSubstr("optional: true"));
  EXPECT_EQ(version(), 1);
  EXPECT_EQ(number("SELECT count(*) FROM pragma_table_xinfo('products') WHERE name = 'brand'"), 0);
  must(write("DELETE FROM products"));
  EXPECT_EQ(fit(shop("note:", "brand: {type: text}\n      note:")), "");
}

TEST_F(ShopTest, ARebuildKeepsRowsChildrenAndRowNumbers) {
  ASSERT_EQ(fit(shop("max: 80", "max: 100")), "");  // categories: a parent with cascading children
  EXPECT_EQ(number("SELECT count(*) FROM categories"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM products JOIN categories c ON c.id = category_id"), 2);
  ASSERT_EQ(fit(std::string(kShop).replace(std::string(kShop).find("stock: {type: int, min: 0"), 25,
                                           "stock: {type: int, min: 0, max: 9")),
            "");
  EXPECT_EQ(number("SELECT sum(rid * stock) FROM products"), 3);
  EXPECT_EQ(number("SELECT count(*) FROM pragma_foreign_key_check"), 0);
  const Result<> over = write("UPDATE products SET stock = 10");
  ASSERT_FALSE(over.has_value());
  EXPECT_EQ(over.error().inside, "mt_max_12");
  must(write("DELETE FROM categories"));
  EXPECT_EQ(number("SELECT count(*) FROM products"), 0);  // the cascade still works
}

TEST_F(ShopTest, RefusesBoundsThatRowsBreak) {
  const std::string told =
      fit(shop("stock: {type: int, min: 0, default: 0", "stock: {type: int, min: 1, default: 1"));
  EXPECT_THAT(told, HasSubstr("min 0 → min 1: does not fit 1 row"));
  EXPECT_THAT(told, HasSubstr("change the rows that do not fit first"));
}

TEST_F(ShopTest, RefusesAPatternThatRowsBreakAndNamesThem) {
  const std::string id = text("SELECT lower(substr(hex(id), 1, 8)) FROM products WHERE sku = 'A1'");
  const std::string told = fit(shop("sku: {type: text, unique: true}",
                                    "sku: {type: text, unique: true, match: \"^B[0-9]$\"}"));
  EXPECT_THAT(told, HasSubstr("does not fit 1 row (" + id));
}

TEST_F(ShopTest, RefusesToRequireWhatIsNull) {
  const std::string told = fit(shop("note: {type: text, optional: true}", "note: {type: text}"));
  EXPECT_THAT(told, HasSubstr("there is no value in 2 rows"));
  must(write("UPDATE products SET note = sku"));
  EXPECT_EQ(fit(shop("note: {type: text, optional: true}", "note: {type: text}")), "");
}

TEST_F(ShopTest, RefusesUniqueForValuesThatRepeat) {
  must(write("UPDATE products SET note = 'same'"));
  const std::string told = fit(shop("note: {type: text, optional: true}",
                                    "note: {type: text, optional: true, unique: true}"));
  EXPECT_THAT(told, HasSubstr("1 value is held by several rows (same)"));
}

TEST_F(ShopTest, DoesNotShowSensitiveValuesThatRepeat) {
  must(write("UPDATE products SET note = 'zebra'"));
  const std::string told =
      fit(shop("note: {type: text, optional: true}",
               "note: {type: text, optional: true, unique: true, sensitive: true}"));
  EXPECT_THAT(told, HasSubstr("1 value is held by several rows ([masked by mettle])"));
  EXPECT_THAT(told, Not(HasSubstr("zebra")));
}

TEST_F(ShopTest, RenamesWithWasAndKeepsWhatRefersToIt) {
  std::string renamed = shop("  categories:", "  groups:\n    was: categories");
  renamed.replace(renamed.find("references: categories"), 22, "references: groups");
  renamed.replace(renamed.find("price: {type: decimal,"), 22, "cost: {was: price, type: decimal,");
  renamed.replace(renamed.find("[category_id, price], [price]"), 29, "[category_id, cost], [cost]");
  ASSERT_EQ(fit(renamed), "");
  EXPECT_EQ(number("SELECT sum(cost) FROM products JOIN groups g ON g.id = category_id"), 1550);
  const Result<> under = write("UPDATE products SET cost = -1");
  ASSERT_FALSE(under.has_value());
  EXPECT_EQ(under.error().inside, "mt_min_11");
  EXPECT_EQ(text("SELECT column_name FROM mettle_columns WHERE id = 11"), "cost");
  EXPECT_EQ(fit(renamed), "");  // no drift
}

TEST_F(ShopTest, RefusesADropUntilItIsAllowed) {
  const std::string without = shop("      note: {type: text, optional: true}\n", "");
  EXPECT_THAT(fit(without), HasSubstr("--allow-drop products.note"));
  EXPECT_EQ(fit(without, {"products.note"}), "");
  EXPECT_EQ(number("SELECT count(*) FROM products"), 2);
  EXPECT_EQ(number("SELECT count(*) FROM pragma_table_xinfo('products') WHERE name = 'note'"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM mettle_columns WHERE column_name = 'note'"), 0);
}

TEST_F(ShopTest, DropsATableAndItsReferencesTogether) {
  const std::string without = std::string(kShop).substr(std::string(kShop).find("  products:"));
  std::string tables = without;
  tables.replace(tables.find("category_id: {references: categories, on_delete: cascade}"), 57,
                 "category_id: {type: uuid}");
  EXPECT_THAT(fit(tables), HasSubstr("--allow-drop categories"));
  EXPECT_EQ(fit(tables, {"categories"}), "");
  EXPECT_EQ(number("SELECT count(*) FROM products WHERE category_id IS NOT NULL"), 2);
  EXPECT_EQ(fit(tables), "");
}

TEST_F(ShopTest, AReferenceChangesItsTargetOnlyWhereEachValueHasItsRow) {
  const std::string other = std::string(kShop) + "  groups:\n    columns: {n: {type: int}}\n";
  ASSERT_EQ(fit(other), "");
  std::string moved = other;
  moved.replace(moved.find("references: categories"), 22, "references: groups");
  EXPECT_THAT(fit(moved), HasSubstr("does not fit 2 rows"));
  must(write("INSERT INTO groups (id, n) SELECT id, 1 FROM categories"));
  EXPECT_EQ(fit(moved), "");
  EXPECT_FALSE(write("UPDATE products SET category_id = zeroblob(16)").has_value());
}

TEST_F(ShopTest, StartsAColumnEmptyWhereItsTypeCannotFollow) {
  const std::string changed =
      shop("note: {type: text, optional: true}", "note: {type: int, optional: true}");
  EXPECT_THAT(fit(changed), HasSubstr("cannot keep the values"));
  EXPECT_EQ(fit(changed, {"products.note"}), "");
  EXPECT_EQ(number("SELECT count(*) FROM products WHERE note IS NULL"), 2);
}

TEST_F(ShopTest, RefusesALikelyRename) {
  EXPECT_THAT(fit(shop("note: {type", "remark: {type")), HasSubstr("was: note"));
}

TEST_F(ShopTest, WidensTypes) {
  must(write("UPDATE products SET note = 'n' || sku"));
  std::string wide = shop("stock: {type: int, min: 0, default: 0}",
                          "stock: {type: decimal, precision: 12, scale: 3, min: 0, default: 0}");
  wide.replace(wide.find("precision: 12, scale: 2, min: 0}"), 32,
               "precision: 14, scale: 4, min: 0}");
  ASSERT_EQ(fit(wide), "");
  EXPECT_EQ(number("SELECT price FROM products WHERE sku = 'A1'"), 125000);
  EXPECT_EQ(number("SELECT stock FROM products WHERE sku = 'A1'"), 3000);
}

TEST_F(ShopTest, ChecksNewRulesOfATableAgainstItsRows) {
  std::string checked = kShop;
  checked += "    checks: [{check: \"row.stock > 0 || row.on_sale\", message: sold out}]\n";
  const std::string told = fit(checked);
  EXPECT_THAT(told, HasSubstr("`row.stock > 0 || row.on_sale` is false for 1 row"));
}

TEST_F(ShopTest, NamesWhatWasChangedBehindItsBack) {
  must(write("ALTER TABLE products ADD COLUMN extra TEXT"));
  must(write("CREATE INDEX by_note ON products (note)"));
  must(write("DROP INDEX mt_unique_5"));
  const std::string told = fit(kShop);
  EXPECT_THAT(told, HasSubstr("products has a column extra that was not made by Mettle"));
  EXPECT_THAT(told, HasSubstr("products has a index by_note that was not made by Mettle"));
  EXPECT_THAT(told, HasSubstr("the index mt_unique_5 is gone"));
}

TEST_F(ShopTest, LeavesViewsAndTriggersOfOthersAlone) {
  must(write("CREATE TABLE notes (x INTEGER)"));
  must(write("CREATE VIEW cheap AS SELECT * FROM products WHERE price < 1000"));
  must(write("CREATE VIEW cheaper AS SELECT * FROM cheap WHERE price < 500"));
  must(
      write("CREATE TRIGGER noted AFTER INSERT ON notes BEGIN UPDATE products SET stock = NEW.x; "
            "END"));
  ASSERT_EQ(fit(shop("stock: {type: int, min: 0", "stock: {type: int, min: 0, max: 99")), "");
  EXPECT_EQ(number("SELECT count(*) FROM cheaper"), 1);
  must(write("INSERT INTO notes VALUES (5)"));
  EXPECT_EQ(number("SELECT sum(stock) FROM products"), 10);
  EXPECT_EQ(fit(shop("stock: {type: int, min: 0", "stock: {type: int, min: 0, max: 99")), "");
}

TEST_F(ShopTest, LeavesTablesOfOthersAlone) {
  must(write("CREATE TABLE notes (x INTEGER)"));
  EXPECT_EQ(fit(kShop), "");
  EXPECT_EQ(number("SELECT count(*) FROM notes"), 0);
  const std::string told = fit(std::string(kShop) + "  notes:\n    columns: {x: {type: int}}\n");
  EXPECT_THAT(told, HasSubstr("the database has a table notes that Mettle did not make"));
}

TEST_F(KeeperTest, KeepsTheSequenceOfNumberedIds) {
  const std::string one = "  counters:\n    id: int\n    columns: {n: {type: int}}\n";
  ASSERT_EQ(fit(one), "");
  must(write("INSERT INTO counters (n) VALUES (1), (2), (3)"));
  must(write("DELETE FROM counters WHERE n > 1"));
  ASSERT_EQ(fit("  counters:\n    id: int\n    columns: {n: {type: int, max: 100}}\n"), "");
  must(write("INSERT INTO counters (n) VALUES (4)"));
  EXPECT_EQ(number("SELECT max(id) FROM counters"), 4);
  must(write("DELETE FROM counters"));
  ASSERT_EQ(fit("  counters:\n    id: int\n    columns: {n: {type: int, max: 200}}\n"), "");
  must(write("INSERT INTO counters (n) VALUES (5)"));
  EXPECT_EQ(number("SELECT max(id) FROM counters"), 5);
}

}  // namespace
}  // namespace mettle::migrate

// Any schema changed into any other is as if it had been made at once, and the rows are kept; a
// crash at any step leaves the old one or the new one.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <random>

#include "base/failpoint.h"
#include "features/migrate/recorded.h"
#include "features/migrate/sqlite_keeper_fixture.h"

namespace mettle::migrate {
namespace {

// Schemas of up to four tables whose columns need no value, so that each can become any other.
class Schemas {
 public:
  explicit Schemas(uint32_t seed) : random_(seed) {}

  std::string next() {
    tables_.clear();
    for (const char* name : {"alpha", "beta", "gamma", "delta"}) {
      if (tables_.empty() || pick(4) > 0) tables_.emplace_back(name);
    }
    std::string out;
    for (const std::string& name : tables_) out += table(name);
    return out;
  }

 private:
  uint32_t pick(uint32_t n) { return random_() % n; }

  std::string table(const std::string& name) {
    std::vector<std::string> columns;
    std::string out = "  " + name + ":\n" + (name == "delta" ? "    id: int\n" : "") +
                      "    columns:\n      k: {type: int, default: 0}\n";
    for (const char* column : {"c0", "c1", "c2", "c3", "c4"}) {
      if (pick(3) == 0) continue;
      columns.emplace_back(column);
      out += std::string("      ") + column + ": " + (column[1] < '3' ? empty() : filled()) + "\n";
    }
    std::string indexes;
    for (size_t i = 0; i + 1 < columns.size(); ++i) {
      if (pick(3) > 0) continue;
      indexes += (indexes.empty() ? "" : ", ") + ("[" + columns[i] + ", " + columns[i + 1] + "]");
    }
    return indexes.empty() ? out : out + "    indexes: [" + indexes + "]\n";
  }

  // A column that may be without a value, and one that never is; which it is stays with its name,
  // since what is null cannot become required.
  std::string empty() {
    switch (pick(6)) {
      case 0:
        return "{type: text, optional: true}";
      case 1:
        return "{type: text, optional: true, unique: true, max: 40}";
      case 2:
        return "{type: int, optional: true}";
      case 3:
        return "{type: decimal, precision: 15, scale: 4, optional: true}";
      case 4:
        return "{type: timestamp, optional: true, min: \"2000-01-01T00:00:00Z\"}";
      default:
        return reference();
    }
  }
  std::string filled() {
    switch (pick(5)) {
      case 0:
        return "{type: text, default: \"it's\", min: 1}";
      case 1:
        return "{type: int, default: 4, min: 0}";
      case 2:
        return "{type: decimal, precision: 12, scale: 2, default: \"4.50\"}";
      case 3:
        return "{type: enum, values: [new, old], default: new}";
      default:
        return "{type: bool, default: true}";
    }
  }
  std::string reference() {
    const std::string number = std::to_string(++names_);
    const std::vector<std::string> actions{"cascade", "restrict", "set_null"};
    return "{references: " + tables_[pick(static_cast<uint32_t>(tables_.size()))] +
           ", optional: true, on_delete: " + actions[pick(3)] + ", as: r" + number +
           ", inverse: i" + number + "}";
  }

  std::mt19937 random_;
  std::vector<std::string> tables_;
  int names_ = 0;
};

class SchemaPairs : public KeeperFixture {
 protected:
  // Everything the schema says, without what depends on the way there: ids and the order of
  // columns.
  std::string shape() {
    std::map<std::string, std::string> names;
    for (const auto& row : rows("SELECT id, table_name, column_name FROM mettle_columns").rows) {
      names[std::to_string(row[0].integer())] = row[1].text() + "." + row[2].text();
    }
    // mt_min_12 → mt_min_(beta.c0)
    const auto named = [&](const std::string& sql) {
      std::string out;
      bool inside = false;  // of such a name
      for (size_t i = 0; i < sql.size(); ++i) {
        if (sql.compare(i, 3, "mt_") == 0) inside = true;
        const bool digit = sql[i] >= '0' && sql[i] <= '9';
        if (inside && digit && sql[i - 1] == '_') {
          const size_t end = std::min(sql.find_first_not_of("0123456789", i), sql.size());
          out += "(" + names[sql.substr(i, end - i)] + ")";
          i = end - 1;
          continue;
        }
        inside = inside && (digit || sql[i] == '_' || (sql[i] >= 'a' && sql[i] <= 'z'));
        out += sql[i];
      }
      return out;
    };
    std::vector<std::string> lines;
    for (const auto& row :
         rows("SELECT type, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL "
              "AND name NOT LIKE 'mettle%' AND name NOT LIKE 'sqlite%'")
             .rows) {
      if (row[0].text() != "table") {
        lines.push_back(named(row[2].text()));
        continue;
      }
      for (const auto& [name, definition] : column_definitions(row[2].text())) {
        lines.push_back(row[1].text() + ": " + named(definition));
      }
    }
    std::ranges::sort(lines);
    std::string out;
    for (const std::string& line : lines) out += line + "\n";
    return out;
  }
  void add_rows(const std::string& tables) {
    for (const char* name : {"alpha", "beta", "gamma", "delta"}) {
      if (tables.find(std::string("  ") + name + ":") == std::string::npos) continue;
      for (int k = 1; k <= 3; ++k) {
        must(write("INSERT INTO " + std::string(name) + " (k) VALUES (" + std::to_string(k) + ")"));
      }
    }
  }
  static std::vector<std::string> every_drop() {
    std::vector<std::string> out;
    for (const std::string table : {"alpha", "beta", "gamma", "delta"}) {
      out.push_back(table);
      for (const char* column : {"c0", "c1", "c2", "c3", "c4"}) out.push_back(table + "." + column);
    }
    return out;
  }
};

TEST_F(SchemaPairs, AChangedSchemaIsAsIfMadeAtOnceAndRowsAreKept) {
  for (uint32_t seed = 1; seed <= 25; ++seed) {
    Schemas schemas(seed);
    const std::string before = schemas.next(), after = schemas.next();
    open_store();
    ASSERT_EQ(fit(after), "") << after;
    const std::string fresh = shape();
    store_.reset();
    std::filesystem::remove(folder_.path() + "/app.db");

    open_store();
    ASSERT_EQ(fit(before), "") << before;
    add_rows(before);
    ASSERT_EQ(fit(after, every_drop()), "") << seed << "\n" << before << "---\n" << after;
    EXPECT_EQ(shape(), fresh) << seed << "\n" << before << "---\n" << after;
    for (const char* name : {"alpha", "beta", "gamma", "delta"}) {
      const std::string line = std::string("  ") + name + ":";
      if (before.find(line) == std::string::npos || after.find(line) == std::string::npos) continue;
      EXPECT_EQ(number("SELECT sum(k) + count(*) FROM " + std::string(name)), 9) << seed;
    }
    EXPECT_EQ(fit(after), "") << seed;  // and nothing has drifted
    store_.reset();
    std::filesystem::remove(folder_.path() + "/app.db");
  }
}

constexpr const char* kBefore = R"(
  parents:
    columns: {n: {type: int}}
  children:
    columns: {n: {type: int}, parent_id: {references: parents, on_delete: cascade}}
)";
constexpr const char* kAfter = R"(
  parents:
    columns: {n: {type: int, max: 100}, note: {type: text, optional: true}}
  children:
    columns: {m: {type: int, was: n, min: 0}, parent_id: {references: parents, on_delete: cascade}}
    indexes: [[m]]
  others:
    columns: {n: {type: int}}
)";

class SchemaCrash : public KeeperFixture {
 protected:
  void change_until_crash(const std::string& arm) {
    open_store();
    if (!fit(kBefore).empty()) std::_Exit(3);
    must(write("INSERT INTO parents (n) VALUES (1), (2)"));
    must(write("INSERT INTO children (n, parent_id) SELECT n, id FROM parents"));
    if (!arm_fail_points(arm)) std::_Exit(4);
    fit(kAfter);
    std::_Exit(5);  // no crash came
  }
  // `changed`: the crash came behind the commit.
  void crash_at(const std::string& arm, bool changed = false) {
    EXPECT_EXIT(change_until_crash(arm), testing::KilledBySignal(SIGKILL), "") << arm;
    open_store();
    EXPECT_EQ(version(), changed ? 2 : 1) << arm;
    EXPECT_EQ(number("SELECT count(*) FROM children JOIN parents p ON p.id = parent_id"), 2) << arm;
    EXPECT_EQ(fit(changed ? kAfter : kBefore), "") << arm;  // whole, and no drift
    EXPECT_EQ(fit(kAfter), "") << arm;
    EXPECT_EQ(number("SELECT sum(m) FROM children JOIN parents p ON p.id = parent_id"), 3) << arm;
    store_.reset();
    for (const char* file : {"/app.db", "/app.db-wal", "/app.db-shm"}) {
      std::filesystem::remove(folder_.path() + file);
    }
  }
};

TEST_F(SchemaCrash, AtEachStepLeavesTheOldSchemaOrTheNewOne) {
  if (all_fail_points().empty()) GTEST_SKIP() << "fail points are not compiled in";
  crash_at("schema.before_change:crash");
  crash_at("schema.before_tables:crash");
  crash_at("schema.after_copy:crash:1");
  crash_at("schema.after_drop:crash:2");
  crash_at("schema.before_indexes:crash");
  crash_at("schema.before_record:crash");
  crash_at("migrate.before_check:crash");
  crash_at("commit.before:crash");
  crash_at("commit.after_sync_before_ack:crash", true);
}

}  // namespace
}  // namespace mettle::migrate

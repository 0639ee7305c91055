// For tests: a store in a folder of its own, driven from a core on the test's thread. Header-only,
// so that the tests of higher folders may use it too.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "async/scope.h"
#include "db/sqlite/store.h"

namespace mettle::db {

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = testing::TempDir() + "mettle_db_XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline StatementRef sql(std::string text, std::vector<ColumnKind> columns = {}) {
  return Statement::make(std::move(text), std::move(columns));
}

// Keeps every row, read as the statement's kinds (or as stored).
class Rows final : public RowSink {
 public:
  Rows() = default;
  explicit Rows(StatementRef statement) : statement_(std::move(statement)) {}
  Result<bool> on_row(const Row& row) override {
    std::vector<Value> values;
    for (int i = 0; i < row.size(); ++i) {
      ColumnKind kind;
      if (statement_ && static_cast<size_t>(i) < statement_->columns.size())
        kind = statement_->columns[static_cast<size_t>(i)];
      values.push_back(row.value(i, kind));
    }
    rows.push_back(std::move(values));
    thread = std::this_thread::get_id();
    return rows.size() < stop_after;
  }
  void restart() override {
    rows.clear();
    ++restarts;
  }

  std::vector<std::vector<Value>> rows;
  int restarts = 0;
  size_t stop_after = SIZE_MAX;
  std::thread::id thread;  // of the last row

 private:
  StatementRef statement_;
};

// Statements with their values, one after another.
class SqlUnit : public WriteUnit {
 public:
  struct Part {
    StatementRef statement;
    std::vector<Value> values;
  };
  explicit SqlUnit(std::vector<Part> parts) : parts_(std::move(parts)) {}
  Task<Result<>> run(WriteTx& tx) override {
    ++runs;
    changed = 0;
    for (const Part& part : parts_) {
      CO_TRY(int64_t n, co_await tx.run(part.statement, part.values));
      changed += n;
    }
    co_return Result<>();
  }
  std::atomic<int> runs{0};
  int64_t changed = 0;

 private:
  std::vector<Part> parts_;
};

class StoreTest : public testing::Test {
 protected:
  SqliteOptions options() {
    return SqliteOptions::for_data_folder(folder_.path(), system_seams(), metrics_);
  }
  void open(SqliteOptions o) {
    auto opened = SqliteStore::open(std::move(o));
    ASSERT_TRUE(opened.has_value()) << opened.error().detail;
    store_ = std::move(*opened);
    ASSERT_TRUE(store_->attach(core_).has_value());
  }
  void open() { open(options()); }
  Context context(int64_t deadline_us = INT64_MAX) {
    return Context(core_, system_seams(), deadline_us);
  }

  Result<> write(std::shared_ptr<WriteUnit> unit) {
    Context ctx = context();
    return run_task(core_, store_->write(ctx, std::move(unit)));
  }
  Result<> write(std::string text, std::vector<Value> values = {}) {
    std::vector<SqlUnit::Part> parts;
    parts.push_back({sql(std::move(text)), std::move(values)});
    return write(std::make_shared<SqlUnit>(std::move(parts)));
  }
  Result<> migrate(const std::vector<std::string>& texts) {
    std::vector<SqlUnit::Part> parts;
    for (const std::string& text : texts) parts.push_back({sql(text), {}});
    Context ctx = context();
    return run_task(core_, store_->migrate(ctx, std::make_shared<SqlUnit>(std::move(parts))));
  }
  void must(const Result<>& result) {
    ASSERT_TRUE(result.has_value()) << result.error().detail << " / " << result.error().inside;
  }
  Result<> read(const StatementRef& statement, const std::vector<Value>& values, RowSink& sink,
                ReadHints hints = {}) {
    Context ctx = context();
    return run_task(core_, store_->read(ctx, statement, values, sink, hints));
  }
  Rows rows(const std::string& text, const std::vector<Value>& values = {}) {
    Rows out;
    Result<> done = read(sql(text), values, out);
    EXPECT_TRUE(done.has_value()) << done.error().detail << " / " << done.error().inside;
    return out;
  }
  // The single integer that the query gives.
  int64_t number(const std::string& text) {
    Rows out = rows(text);
    if (out.rows.size() != 1 || out.rows[0][0].kind() != Kind::kInt) {
      ADD_FAILURE() << "not one integer: " << text;
      return INT64_MIN;
    }
    return out.rows[0][0].integer();
  }

  TempFolder folder_;
  Metrics metrics_;
  Core core_{system_seams()};
  std::unique_ptr<SqliteStore> store_;
};

}  // namespace mettle::db

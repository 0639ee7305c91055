#include "features/transfer/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "async/parker.h"
#include "async/scope.h"
#include "base/mutant.h"
#include "base/text.h"

namespace mettle::transfer {

namespace {

using records::Authority;
using records::RowInput;
using records::StoredRow;
using records::TableInfo;
using records::WriteScope;

// A batch is first small, so that the writer has work while the next is read, then grows, but not
// beyond what is written within the time: others may wait for the database meanwhile.
constexpr int64_t kFirstRows = 1'000;
constexpr int64_t kGrowth = 4;
constexpr int64_t kBatchUs = 500'000;

// What a row has sent, and no more: two batches of many rows are held at once.
struct Cell {
  Value value;
  int column = 0;
  int place = 0;  // in its line, for a fault that only the database finds
};

struct LoadRow {
  int64_t line = 0;
  std::vector<Cell> cells;

  void copy_to(RowInput& input) const {
    size_t cell = 0;
    for (size_t i = 0; i < input.values.size(); ++i) {
      const bool sent = cell < cells.size() && cells[cell].column == static_cast<int>(i);
      if (sent) {
        input.values[i] = cells[cell++].value;
      } else {
        input.values[i].reset();
      }
    }
  }
};

LoadRow kept_row(int64_t line, RowInput& input, const std::vector<int>& places) {
  LoadRow row{line, {}};
  const auto sent =
      std::ranges::count_if(input.values, [](const auto& v) { return v.has_value(); });
  row.cells.reserve(static_cast<size_t>(sent));
  for (size_t i = 0; i < input.values.size(); ++i) {
    if (!input.values[i]) continue;
    row.cells.push_back({std::move(*input.values[i]), static_cast<int>(i), places[i]});
  }
  return row;
}

struct Batch {
  std::vector<LoadRow> rows;
  LoadRecord after;  // when it is done
};

// "products.sku" or "lines.order_id,lines.product_id" → the columns; empty if one is not known.
std::vector<int> columns_of(const TableInfo& table, std::string_view constraint) {
  std::vector<int> out;
  for (std::string_view part : split(constraint, ',')) {
    part = trim_ascii(part);
    const size_t dot = part.rfind('.');
    out.push_back(table.find(dot == std::string_view::npos ? part : part.substr(dot + 1)));
    if (out.back() < 0) return {};
  }
  return out;
}

bool is_of_the_row(const Error& error) {
  const int status = code_info(error.code).status;
  return status >= 400 && status < 500;
}

class LoadMutation final : public records::Mutation {
 public:
  LoadMutation(const TableInfo& table, const LoadOptions& options, Batch batch)
      : table_(table), options_(options), batch_(std::move(batch)) {}

  Task<Result<records::Answer>> run(WriteScope& scope) override {
    report = {};
    records::Insertion insertion = scope.insertion(table_);
    RowInput input(table_);
    for (const LoadRow& row : batch_.rows) {
      // What a check refuses was written before it was found, so it must be taken back by itself.
      const bool part = options_.skip_bad && !table_.checks.empty();
      if (part) {
        CO_TRY_VOID(co_await scope.tx().savepoint());
      }
      row.copy_to(input);
      Result<> done = co_await scope.insert(insertion, input);
      if (done) {
        ++report.inserted;
      } else if (done.error().code == Code::kUniqueViolation) {
        done = co_await taken(scope, row, std::move(done.error()));
      }
      if (part) {
        if (!done) {
          CO_TRY_VOID(co_await scope.tx().rollback_to());
        }
        CO_TRY_VOID(co_await scope.tx().release());
      }
      if (done) continue;
      if (!is_of_the_row(done.error())) co_return fail(std::move(done.error()));
      note(row, done.error());
      if (!options_.skip_bad) co_return fail(Code::kInvalid, "a row of the batch is bad");
    }
    if (!options_.input.empty()) {
      CO_TRY_VOID(co_await record(scope));
    }
    co_return records::Answer();
  }

  LoadReport report;  // of this batch

 private:
  Task<Result<>> taken(WriteScope& scope, const LoadRow& row, Error error) {
    if (options_.on_conflict == OnConflict::kFail) co_return fail(std::move(error));
    if (options_.on_conflict == OnConflict::kSkip) {
      ++report.skipped;
      co_return Result<>();
    }
    co_return co_await update(scope, row, std::move(error));
  }

  // The row that has the value already.
  Task<Result<>> update(WriteScope& scope, const LoadRow& row, Error taken) {
    const std::vector<int> columns = columns_of(table_, taken.inside);
    RowInput changes(table_);
    row.copy_to(changes);
    std::vector<Value> values;
    for (const int column : columns) {
      const auto& sent = changes.values[static_cast<size_t>(column)];
      if (!sent) co_return fail(std::move(taken));
      values.push_back(*sent);
    }
    if (columns.empty()) co_return fail(std::move(taken));
    CO_TRY(const std::optional<StoredRow> before,
           co_await scope.find(table_, columns, std::move(values), Authority::kOperator));
    if (!before) co_return fail(std::move(taken));
    for (const records::ColumnInfo& column : table_.columns) {
      if (column.column->system) changes.values[static_cast<size_t>(column.index)].reset();
    }
    CO_TRY_VOID(co_await scope.update(table_, *before, changes, Authority::kOperator, ""));
    ++report.updated;
    co_return Result<>();
  }

  void note(const LoadRow& row, const Error& error) {
    ++report.bad;
    if (report.errors.size() >= options_.errors_max) return;
    if (error.faults.empty()) {
      report.errors.push_back({row.line, 1, "", error.detail});
      return;
    }
    for (const Fault& fault : error.faults) {
      std::string name = fault.pointer.empty() ? "" : fault.pointer.substr(1);
      const int column = table_.find(name);
      const auto cell = std::ranges::find(row.cells, column, &Cell::column);
      const int place = cell != row.cells.end() ? cell->place : 1;
      report.errors.push_back({row.line, place, std::move(name), fault.detail});
    }
  }

  Task<Result<>> record(WriteScope& scope) {
    static const db::StatementRef statement = db::Statement::make(
        "INSERT INTO mettle_loads (input, table_name, rows, bytes, line, finished, updated_at) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (input, table_name) DO UPDATE SET rows = "
        "excluded.rows, bytes = excluded.bytes, line = excluded.line, finished = "
        "excluded.finished, updated_at = excluded.updated_at");
    const LoadRecord& after = batch_.after;
    const std::vector<Value> values{Value(options_.input),   Value(table_.table->name),
                                    Value(after.rows),       Value(after.place.bytes),
                                    Value(after.place.line), Value(after.finished),
                                    Value(scope.now())};
    CO_TRY_VOID(co_await scope.tx().run(statement, values));
    co_return Result<>();
  }

  const TableInfo& table_;
  const LoadOptions& options_;
  const Batch batch_;
};

void add(const LoadReport& batch, size_t errors_max, LoadReport& total) {
  total.inserted += batch.inserted;
  total.updated += batch.updated;
  total.skipped += batch.skipped;
  total.bad += batch.bad;
  for (const BadValue& error : batch.errors) {
    if (total.errors.size() < errors_max) total.errors.push_back(error);
  }
}

class Loader {
 public:
  Loader(records::Door& door, int table, RowReader& reader, LoadOptions options, RowMaker maker,
         int64_t done)
      : door_(door),
        table_(door.catalog().table(table)),
        reader_(reader),
        options_(std::move(options)),
        maker_(std::move(maker)) {
    total_.rows = done;
  }

  // While one batch is written, on the writer's thread, the next is read and checked on this one.
  Task<Result<LoadReport>> run(Context& ctx) {
    CO_TRY(Read next, read());
    while (true) {
      Read now = std::move(next);
      take(now);
      const bool nothing = now.batch.rows.empty() && !now.at_end;
      const bool over = now.batch.rows.empty() && options_.input.empty();
      if (total_.stopped || (now.at_end && over)) break;
      const int64_t bytes = now.batch.after.place.bytes;
      const bool at_end = now.at_end;
      Result<> done;
      Result<Read> read_ahead = Read();
      if (nothing) {
        read_ahead = read();
      } else {
        now.batch.after.rows = total_.rows;
        Scope writing(ctx.core());
        writing.spawn(commit(ctx, std::move(now.batch), &done));
        if (!at_end) {
          co_await next_turn(ctx.core());  // by which the batch is with the writer
          read_ahead = read();
        }
        co_await writing.join();
      }
      CO_TRY_VOID(std::move(done));
      if (total_.stopped) break;
      if (!nothing && options_.on_progress) options_.on_progress({total_.rows, bytes});
      if (at_end) break;
      CO_TRY(next, std::move(read_ahead));
    }
    co_return std::move(total_);
  }

 private:
  // What was read ahead counts only once the batches before it are in the table.
  struct Read {
    Batch batch;
    LoadReport found;  // bad rows
    int64_t rows = 0;
    bool at_end = false;
  };

  Result<Read> read() {
    Read made;
    std::vector<BadValue> bad;
    batch_rows_ = std::min({options_.batch_rows, rows_in_time_, batch_rows_ * kGrowth});
    RawRow raw;
    std::vector<int> places;
    while (!made.at_end && made.rows < batch_rows_) {
      TRY(const bool more, reader_.next(raw));  // broken form: nothing behind it can be trusted
      made.at_end = !more;
      if (made.at_end) break;
      ++made.rows;
      const size_t before = bad.size();
      RowInput input = maker_.make_row(raw, bad, places);
      if (bad.size() == before) {
        made.batch.rows.push_back(kept_row(raw.line, input, places));
      } else {
        ++made.found.bad;
        if (bad.size() > options_.errors_max) bad.resize(options_.errors_max);
      }
    }
    made.found.errors = std::move(bad);
    made.batch.after = {0, reader_.place(), made.at_end};
    return made;
  }

  void take(const Read& made) {
    add(made.found, options_.errors_max, total_);
    total_.stopped = made.found.bad > 0 && !options_.skip_bad && !planted(Mutant::kBadRowSwallowed);
    if (!total_.stopped) total_.rows += made.rows;
  }

  Task<> commit(Context& ctx, Batch batch, Result<>* result) {
    const auto rows = static_cast<int64_t>(batch.rows.size());
    const auto mutation = std::make_shared<LoadMutation>(table_, options_, std::move(batch));
    Clock& clock = *ctx.seams().clock;
    const int64_t began_us = clock.monotonic_us();
    const auto done = co_await door_.commit(ctx, operator_, mutation, std::nullopt, "");
    const int64_t took_us = std::max<int64_t>(clock.monotonic_us() - began_us, 1);
    if (rows > 0) rows_in_time_ = std::max(rows * kBatchUs / took_us, kFirstRows);
    if (!done && mutation->report.bad == 0) {
      *result = fail(done.error());
      co_return;
    }
    LoadReport report = std::move(mutation->report);
    if (!done) {
      report.inserted = report.updated = report.skipped = 0;
      total_.stopped = true;
      total_.rows -= rows;
    }
    add(report, options_.errors_max, total_);
  }

  records::Door& door_;
  const TableInfo& table_;
  RowReader& reader_;
  const LoadOptions options_;
  const RowMaker maker_;
  const records::Principal operator_;  // nobody: the operator's rows act for the app
  LoadReport total_;
  int64_t batch_rows_ = kFirstRows / kGrowth;  // of the batch that was read last
  int64_t rows_in_time_ = INT64_MAX;           // by the batch that was written last
};

class RecordSink final : public db::RowSink {
 public:
  void restart() override { found.reset(); }
  Result<bool> on_row(const db::Row& row) override {
    found = LoadRecord{row.int64(0), {row.int64(1), row.int64(2)}, row.int64(3) != 0};
    return false;
  }
  std::optional<LoadRecord> found;
};

}  // namespace

std::vector<std::string> load_tables() {
  return {
      "CREATE TABLE IF NOT EXISTS mettle_loads (input TEXT NOT NULL, table_name TEXT NOT NULL, "
      "rows INTEGER NOT NULL, bytes INTEGER NOT NULL, line INTEGER NOT NULL, finished INTEGER NOT "
      "NULL, updated_at INTEGER NOT NULL, PRIMARY KEY (input, table_name)) STRICT, WITHOUT ROWID"};
}

Task<Result<std::optional<LoadRecord>>> find_load(Context& ctx, db::Store& store, std::string input,
                                                  std::string table) {
  static const db::StatementRef statement = db::Statement::make(
      "SELECT rows, bytes, line, finished FROM mettle_loads WHERE input = ?1 AND table_name = ?2");
  const std::vector<Value> values{Value(std::move(input)), Value(std::move(table))};
  RecordSink sink;
  CO_TRY_VOID(co_await store.read(ctx, statement, values, sink));
  co_return sink.found;
}

Task<Result<LoadReport>> load_rows(Context& ctx, records::Door& door, int table, RowReader& reader,
                                   LoadOptions options, int64_t done) {
  CO_TRY(RowMaker maker, RowMaker::make(door.catalog().table(table), reader.header()));
  Loader loader(door, table, reader, std::move(options), std::move(maker), done);
  co_return co_await loader.run(ctx);
}

}  // namespace mettle::transfer

#include "features/transfer/dump.h"

#include <fmt/format.h>

#include "base/datetime.h"
#include "base/json_write.h"
#include "base/mutant.h"
#include "records/shape.h"

namespace mettle::transfer {

namespace {

constexpr size_t kPartBytes = size_t{256} << 10;
constexpr int64_t kBudgetUs = 24 * 3600 * kMicrosPerSecond;

class CountSink final : public db::RowSink {
 public:
  void restart() override { n = 0; }
  Result<bool> on_row(const db::Row& row) override {
    n = row.int64(0);
    return false;
  }
  int64_t n = 0;
};

bool is_masked(const model::Column& column, const DumpOptions& options) {
  return column.sensitive && !options.with_sensitive && !planted(Mutant::kSensitiveDumped);
}

class DumpUnit final : public db::ReadUnit, public db::RowSink {
 public:
  DumpUnit(const records::TableInfo& table, const DumpOptions& options)
      : table_(table), options_(options) {
    std::string list;
    for (const records::ColumnInfo& column : table.columns) {
      if (column.column->hidden) continue;
      // A mask is selected in the value's place: the value does not even leave the database.
      const bool masked = is_masked(*column.column, options);
      const db::ColumnKind kind = masked ? db::ColumnKind{Kind::kText, 0} : column.shape.kind;
      list += list.empty() ? "" : ", ";
      list += masked ? fmt::format("'{}'", model::kMasked) : column.sql_name;
      shape_.fields.push_back(
          {column.json_key, static_cast<int>(kinds_.size()), kind.kind, kind.scale, false, -1});
      kinds_.push_back(kind);
      names_.push_back(column.name());
    }
    statement_ =
        db::Statement::make(fmt::format("SELECT {} FROM {}", list, table.sql_name), kinds_);
  }

  Task<Result<>> run(db::Tx& tx) override {
    CountSink count;
    const db::StatementRef counting =
        db::Statement::make(fmt::format("SELECT count(*) FROM {}", table_.sql_name));
    CO_TRY_VOID(co_await tx.run(counting, {}, &count));
    total_ = count.n;
    if (options_.format == Format::kCsv) header();
    CO_TRY_VOID(co_await tx.run(statement_, {}, this));
    co_return flush();
  }

  Result<bool> on_row(const db::Row& row) override {
    if (restarted_) return fail(internal_error("a dump cannot start over"));
    if (options_.format == Format::kCsv) {
      csv(row);
    } else {
      records::render(shape_, row, part_);
    }
    part_ += '\n';
    ++rows;
    if (part_.size() >= kPartBytes) {
      TRY_VOID(flush());
    }
    return true;
  }
  // What was written cannot be called back.
  void restart() override { restarted_ = rows > 0; }

  int64_t rows = 0;

 private:
  Result<> flush() {
    TRY_VOID(options_.write(part_));
    part_.clear();
    if (options_.on_progress) options_.on_progress({rows, total_});
    return {};
  }

  void header() {
    for (const std::string& name : names_) {
      if (!part_.empty()) part_ += ',';
      part_ += name;
    }
    part_ += '\n';
  }

  void csv(const db::Row& row) {
    for (int i = 0; i < row.size(); ++i) {
      if (i > 0) part_ += ',';
      if (row.is_null(i)) continue;
      const db::ColumnKind kind = kinds_[static_cast<size_t>(i)];
      if (kind.kind == Kind::kText || kind.kind == Kind::kJson) {
        append_csv_text(part_, row.text(i));
        continue;
      }
      scratch_.clear();
      append_value(scratch_, row.value(i, kind));
      const bool quoted = scratch_.size() >= 2 && scratch_.front() == '"';
      part_ += quoted ? std::string_view(scratch_).substr(1, scratch_.size() - 2)
                      : std::string_view(scratch_);
    }
  }

  const records::TableInfo& table_;
  const DumpOptions& options_;
  records::Shape shape_;
  std::vector<db::ColumnKind> kinds_;
  std::vector<std::string> names_;
  db::StatementRef statement_;
  std::string part_, scratch_;
  int64_t total_ = 0;
  bool restarted_ = false;
};

}  // namespace

void append_csv_text(std::string& out, std::string_view text) {
  if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

Task<Result<int64_t>> dump_rows(Context& ctx, db::Store& store, const records::Catalog& catalog,
                                int table, DumpOptions options) {
  DumpUnit unit(catalog.table(table), options);
  const db::ReadHints hints{.scan = true, .budget_us = kBudgetUs};
  CO_TRY_VOID(co_await store.read(ctx, unit, hints));
  co_return unit.rows;
}

}  // namespace mettle::transfer

// Values into a statement's parameters and its current row out of it, in the storage classes of
// db.h's table.
#pragma once

#include <span>

#include "base/result.h"
#include "db/db.h"

struct sqlite3_stmt;
struct sqlite3_value;

namespace mettle::db {

// Binds the values, then the attachments. Text and blobs are not copied: `values` must live until
// the statement is reset. Unknown binds as NULL. A list, a map, or a count that the SQL does not
// have is our own fault: an internal error.
Result<> bind_all(sqlite3_stmt* stmt, std::span<const Value> values,
                  std::span<const Attachment> attachments);

// The statement's current row. Asking several things of one column in a row costs one look-up.
class StatementRow final : public Row {
 public:
  explicit StatementRow(sqlite3_stmt* stmt);
  // The statement has stepped: what was looked up is gone.
  void stepped() { column_ = -1; }
  int size() const override { return size_; }
  Kind stored(int column) const override;
  bool is_null(int column) const override;
  int64_t int64(int column) const override;
  double real(int column) const override;
  std::string_view text(int column) const override;
  std::string_view blob(int column) const override;

 private:
  sqlite3_value* at(int column) const;

  sqlite3_stmt* stmt_;
  int size_;
  mutable int column_ = -1;  // that `value_` is of
  mutable sqlite3_value* value_ = nullptr;
};

}  // namespace mettle::db

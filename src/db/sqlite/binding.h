// Values into a statement's parameters and its current row out of it, in the storage classes of
// db.h's table.
#pragma once

#include <span>

#include "base/result.h"
#include "db/db.h"

struct sqlite3_stmt;

namespace mettle::db {

// Binds the values, then the attachments. Text and blobs are not copied: `values` must live until
// the statement is reset. Unknown binds as NULL. A list, a map, or a count that the SQL does not
// have is our own fault: an internal error.
Result<> bind_all(sqlite3_stmt* stmt, std::span<const Value> values,
                  std::span<const Attachment> attachments);

class StatementRow final : public Row {
 public:
  explicit StatementRow(sqlite3_stmt* stmt);
  int size() const override { return size_; }
  Kind stored(int column) const override;
  bool is_null(int column) const override;
  int64_t int64(int column) const override;
  double real(int column) const override;
  std::string_view text(int column) const override;
  std::string_view blob(int column) const override;

 private:
  sqlite3_stmt* stmt_;
  int size_;
};

}  // namespace mettle::db

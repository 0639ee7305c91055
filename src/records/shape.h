// Shape: how one row of a statement becomes a JSON object, compiled once per query shape:
// pre-escaped keys, the result column of each, and its wire form. The same code renders rows of a
// list, an embedded relation (inside SQL, by the functions of render_functions.h) and a row just
// written (from memory).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/value.h"
#include "db/db.h"

namespace mettle::records {

struct Shape {
  struct Field {
    std::string key;          // `"price":`
    int column = 0;           // of the result
    Kind kind = Kind::kText;  // kJson: the text is JSON already (json columns,
                              // embedded relations)
    int scale = 0;
    bool as_list = false;  // an embedded to-many relation: NULL is []
    int guard = -1;        // result column that says whether this one may be read
                           // (absent if not); -1: always
  };
  std::vector<Field> fields;
  // Kept alive for the statement's attachments.
  std::vector<std::shared_ptr<const Shape>> nested;
};

// Appends the row as a JSON object. Costs well under a microsecond for ten columns; allocates only
// in `out`.
void render(const Shape& shape, const db::Row& row, std::string& out);

// A row in memory, so that what was just written is rendered without reading it back. The values
// are those of the table's columns, in order; the shape's columns index them.
class MemoryRow final : public db::Row {
 public:
  explicit MemoryRow(const std::vector<Value>& values) : values_(values) {}
  int size() const override { return static_cast<int>(values_.size()); }
  Kind stored(int column) const override { return at(column).kind(); }
  // What was read and is not of its kind (Unknown) is shown as null.
  bool is_null(int column) const override {
    return at(column).is_null() || at(column).is_unknown();
  }
  int64_t int64(int column) const override;
  double real(int column) const override;
  std::string_view text(int column) const override;
  std::string_view blob(int column) const override;

 private:
  const Value& at(int column) const { return values_[static_cast<size_t>(column)]; }
  const std::vector<Value>& values_;
  mutable std::string scratch_;  // dates and times are made text
};

}  // namespace mettle::records

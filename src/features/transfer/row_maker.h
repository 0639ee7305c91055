// A row of a file as input for the door: types and constraints as the API has them (records/), but
// with the operator's right to set every column, ids and times included. Every fault of a row is
// found at once, each with its line and column.
//
// One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "features/transfer/input.h"
#include "records/catalog.h"
#include "records/change.h"

namespace mettle::transfer {

struct BadValue {
  int64_t line = 0;
  int column = 0;    // 0: of the row as a whole
  std::string name;  // the table's column; empty for the row
  std::string detail;
  // "12:7: price: must be at least 0"
  std::string text() const;
};

class RowMaker {
 public:
  // kInvalid for a header with names that the table has not.
  static Result<RowMaker> make(const records::TableInfo& table,
                               const std::vector<std::string>& header);

  // Adds to `bad` and gives nothing that counts where the row has faults. `places`: where in its
  // line each value stands, by column of the table; 1 for what is not there.
  records::RowInput make_row(const RawRow& raw, std::vector<BadValue>& bad,
                             std::vector<int>& places) const;

 private:
  explicit RowMaker(const records::TableInfo& table) : table_(&table) {}
  void from_json(const RawRow& raw, records::RowInput& row, std::vector<BadValue>& bad,
                 std::vector<int>& places) const;
  void from_csv(const RawRow& raw, records::RowInput& row, std::vector<BadValue>& bad,
                std::vector<int>& places) const;
  void find_missing(const RawRow& raw, const records::RowInput& row,
                    std::vector<BadValue>& bad) const;

  const records::TableInfo* table_;
  std::vector<int> columns_;  // of the header's names
};

}  // namespace mettle::transfer

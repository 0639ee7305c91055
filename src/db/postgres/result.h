// A row of a libpq result as db::Row: the binary columns decoded when they are asked for. Valid as
// long as the result.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <vector>

#include "db/db.h"

namespace mettle::db::postgres {

struct ResultFree {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultRef = std::unique_ptr<PGresult, ResultFree>;

class ResultRow final : public Row {
 public:
  // `statement`: nullptr where nothing says how its columns are to be read.
  ResultRow(const PGresult& result, const Statement* statement);
  void move_to(int row);

  int size() const override { return size_; }
  Kind stored(int column) const override;
  bool is_null(int column) const override;
  int64_t int64(int column) const override;
  double real(int column) const override;
  std::string_view text(int column) const override;
  std::string_view blob(int column) const override;

 private:
  std::string_view bytes(int column) const;
  uint32_t type(int column) const;
  std::optional<int64_t> number(int column) const;  // numeric or timestamptz

  const PGresult& result_;
  const Statement* statement_;
  const int size_;
  int row_ = 0;
  mutable std::vector<std::string> texts_;  // dates and times as text, until the next row
};

}  // namespace mettle::db::postgres

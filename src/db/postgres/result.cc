#include "db/postgres/result.h"

#include "base/check.h"
#include "base/datetime.h"
#include "db/postgres/binary.h"

namespace mettle::db::postgres {

ResultRow::ResultRow(const PGresult& result, const Statement* statement)
    : result_(result), statement_(statement), size_(PQnfields(&result)) {}

void ResultRow::move_to(int row) {
  row_ = row;
  texts_.clear();
}

std::string_view ResultRow::bytes(int column) const {
  return {PQgetvalue(&result_, row_, column),
          static_cast<size_t>(PQgetlength(&result_, row_, column))};
}

uint32_t ResultRow::type(int column) const {
  return PQftype(&result_, column);
}

std::optional<int64_t> ResultRow::number(int column) const {
  if (type(column) == oid::kTimestamptz) return decode_timestamp(bytes(column));
  int scale = 0;
  if (statement_ != nullptr && static_cast<size_t>(column) < statement_->columns.size()) {
    scale = statement_->columns[static_cast<size_t>(column)].scale;
  }
  return decode_numeric(bytes(column), scale);
}

bool ResultRow::is_null(int column) const {
  return PQgetisnull(&result_, row_, column) == 1;
}

Kind ResultRow::stored(int column) const {
  if (is_null(column)) return Kind::kNull;
  switch (type(column)) {
    case oid::kBool:
    case oid::kInt2:
    case oid::kInt4:
    case oid::kInt8:
      return Kind::kInt;
    case oid::kNumeric:
    case oid::kTimestamptz:
      return number(column) ? Kind::kInt : Kind::kText;
    case oid::kFloat4:
    case oid::kFloat8:
      return Kind::kFloat;
    case oid::kBytea:
    case oid::kUuid:
      return Kind::kBytes;
    default:
      return Kind::kText;
  }
}

int64_t ResultRow::int64(int column) const {
  if (is_null(column)) return 0;
  switch (type(column)) {
    case oid::kNumeric:
    case oid::kTimestamptz:
      return number(column).value_or(0);
    case oid::kBool:
    case oid::kInt2:
    case oid::kInt4:
    case oid::kInt8:
      return decode_integer(bytes(column));
    default:
      return 0;
  }
}

double ResultRow::real(int column) const {
  if (is_null(column)) return 0;
  const uint32_t kind = type(column);
  if (kind == oid::kFloat4 || kind == oid::kFloat8) return decode_float(bytes(column));
  return static_cast<double>(int64(column));
}

std::string_view ResultRow::text(int column) const {
  if (is_null(column)) return {};
  std::string made;
  switch (type(column)) {
    case oid::kDate: {
      const auto date = decode_date(bytes(column));
      made = date ? format_date(*date) : "";
      break;
    }
    case oid::kTime: {
      const auto time = decode_time(bytes(column));
      made = time ? format_time(*time) : "";
      break;
    }
    case oid::kNumeric:
    case oid::kTimestamptz:
      return {};
    default:
      return bytes(column);
  }
  texts_.resize(static_cast<size_t>(size_));
  std::string& kept = texts_[static_cast<size_t>(column)];
  kept = std::move(made);
  return kept;
}

std::string_view ResultRow::blob(int column) const {
  return is_null(column) ? std::string_view() : bytes(column);
}

}  // namespace mettle::db::postgres

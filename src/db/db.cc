#include "db/db.h"

#include "base/datetime.h"

namespace mettle::db {

std::shared_ptr<const Statement> Statement::make(std::string sql, std::vector<ColumnKind> columns,
                                                 std::vector<Attachment> attachments) {
  static std::atomic<uint64_t> last_id{0};
  auto statement = std::make_shared<Statement>();
  statement->id = last_id.fetch_add(1, std::memory_order_relaxed) + 1;
  statement->sql = std::move(sql);
  statement->columns = std::move(columns);
  statement->attachments = std::move(attachments);
  return statement;
}

namespace {

Value stored_value(const Row& row, int column) {
  switch (row.stored(column)) {
    case Kind::kInt:
      return Value(row.int64(column));
    case Kind::kFloat:
      return Value(row.real(column));
    case Kind::kText:
      return Value(std::string(row.text(column)));
    case Kind::kBytes:
      return Value(Bytes{std::string(row.blob(column))});
    default:
      return Value(Null{});
  }
}

Value integer_value(const Row& row, int column, ColumnKind kind) {
  if (row.stored(column) != Kind::kInt) return Value(Unknown{});
  int64_t n = row.int64(column);
  switch (kind.kind) {
    case Kind::kBool:
      return Value(n != 0);
    case Kind::kDecimal:
      return Value(Decimal{n, kind.scale});
    case Kind::kTimestamp:
      return Value(Timestamp{n});
    case Kind::kDuration:
      return Value(Duration{n});
    default:
      return Value(n);
  }
}

Value text_value(const Row& row, int column, Kind kind) {
  if (row.stored(column) != Kind::kText) return Value(Unknown{});
  std::string_view text = row.text(column);
  if (kind == Kind::kText) return Value(std::string(text));
  if (kind == Kind::kJson) return Value(Json{std::string(text)});
  if (kind == Kind::kDate) {
    auto date = parse_date(text);
    return date ? Value(*date) : Value(Unknown{});
  }
  auto time = parse_time(text);
  return time ? Value(*time) : Value(Unknown{});
}

Value blob_value(const Row& row, int column, Kind kind) {
  if (row.stored(column) != Kind::kBytes) return Value(Unknown{});
  std::string_view blob = row.blob(column);
  if (kind == Kind::kBytes) return Value(Bytes{std::string(blob)});
  Uuid id;
  if (blob.size() != id.bytes.size()) return Value(Unknown{});
  std::memcpy(id.bytes.data(), blob.data(), blob.size());
  return Value(id);
}

}  // namespace

Value Row::value(int column, ColumnKind kind) const {
  if (is_null(column)) return Value(Null{});
  switch (kind.kind) {
    case Kind::kNull:
      return stored_value(*this, column);
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kDecimal:
    case Kind::kTimestamp:
    case Kind::kDuration:
      return integer_value(*this, column, kind);
    case Kind::kFloat: {
      Kind have = stored(column);
      if (have != Kind::kFloat && have != Kind::kInt) return Value(Unknown{});
      return Value(real(column));
    }
    case Kind::kText:
    case Kind::kJson:
    case Kind::kDate:
    case Kind::kTime:
      return text_value(*this, column, kind.kind);
    case Kind::kBytes:
    case Kind::kUuid:
      return blob_value(*this, column, kind.kind);
    case Kind::kList:
    case Kind::kMap:
    case Kind::kUnknown:
      break;
  }
  return Value(Unknown{});
}

}  // namespace mettle::db

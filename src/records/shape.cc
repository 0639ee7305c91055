#include "records/shape.h"

#include "base/datetime.h"
#include "base/decimal.h"
#include "base/id.h"
#include "base/json_write.h"
#include "base/text.h"

namespace mettle::records {

namespace {

void append_integer(std::string& out, int64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value);
  out.append(digits, end.ptr);
}

void append_real(std::string& out, double value) {
  if (value != value || value - value != 0) {
    out += "null";  // JSON has no word for it; columns never hold one
    return;
  }
  char digits[40];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value);
  out.append(digits, end.ptr);
}

void append_id(std::string& out, std::string_view bytes) {
  Uuid id;
  if (bytes.size() != id.bytes.size()) {
    out += "null";  // somebody else wrote it, and it is no uuid
    return;
  }
  std::memcpy(id.bytes.data(), bytes.data(), bytes.size());
  out += '"';
  append_uuid(out, id);
  out += '"';
}

void append_field(const Shape::Field& field, const db::Row& row, std::string& out) {
  const int column = field.column;
  if (row.is_null(column)) {
    out += field.as_list ? "[]" : "null";
    return;
  }
  switch (field.kind) {
    case Kind::kInt:
      return append_integer(out, row.int64(column));
    case Kind::kBool:
      out += row.int64(column) != 0 ? "true" : "false";
      return;
    case Kind::kFloat:
      return append_real(out, row.real(column));
    case Kind::kDecimal:
      out += '"';
      append_decimal(out, {row.int64(column), field.scale});
      out += '"';
      return;
    case Kind::kTimestamp:
      out += '"';
      append_timestamp(out, {row.int64(column)});
      out += '"';
      return;
    case Kind::kUuid:
      return append_id(out, row.blob(column));
    case Kind::kBytes:
      out += '"';
      append_base64(out, row.blob(column));
      out += '"';
      return;
    case Kind::kJson:
      out += row.text(column);
      return;
    default:  // text, dates and times
      return append_json_string(out, row.text(column));
  }
}

}  // namespace

void render(const Shape& shape, const db::Row& row, std::string& out) {
  char separator = '{';
  for (const Shape::Field& field : shape.fields) {
    if (field.guard >= 0 && (row.is_null(field.guard) || row.int64(field.guard) == 0)) continue;
    out += separator;
    separator = ',';
    out += field.key;
    append_field(field, row, out);
  }
  if (separator == '{') out += '{';
  out += '}';
}

int64_t MemoryRow::int64(int column) const {
  const Value& value = at(column);
  switch (value.kind()) {
    case Kind::kBool:
      return value.boolean() ? 1 : 0;
    case Kind::kDecimal:
      return value.decimal().units;
    case Kind::kTimestamp:
      return value.timestamp().us;
    default:
      return value.integer();
  }
}

double MemoryRow::real(int column) const {
  return at(column).real();
}

std::string_view MemoryRow::text(int column) const {
  const Value& value = at(column);
  switch (value.kind()) {
    case Kind::kJson:
      return value.json();
    case Kind::kDate:
      scratch_ = format_date(value.date());
      return scratch_;
    case Kind::kTime:
      scratch_ = format_time(value.time());
      return scratch_;
    default:
      return value.text();
  }
}

std::string_view MemoryRow::blob(int column) const {
  const Value& value = at(column);
  if (value.kind() == Kind::kBytes) return value.bytes();
  const Uuid& id = value.uuid();
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

}  // namespace mettle::records

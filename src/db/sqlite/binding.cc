#include "db/sqlite/binding.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/datetime.h"

namespace mettle::db {
namespace {

int bind_text(sqlite3_stmt* stmt, int at, const std::string& text) {
  return sqlite3_bind_text64(stmt, at, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

int bind_copy(sqlite3_stmt* stmt, int at, const std::string& text) {
  return sqlite3_bind_text64(stmt, at, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

// SQLITE_MISUSE for a kind that has no storage class.
int bind_value(sqlite3_stmt* stmt, int at, const Value& value) {
  switch (value.kind()) {
    case Kind::kNull:
    case Kind::kUnknown:
      return sqlite3_bind_null(stmt, at);
    case Kind::kBool:
      return sqlite3_bind_int(stmt, at, value.boolean() ? 1 : 0);
    case Kind::kInt:
      return sqlite3_bind_int64(stmt, at, value.integer());
    case Kind::kFloat:
      return sqlite3_bind_double(stmt, at, value.real());
    case Kind::kDecimal:
      return sqlite3_bind_int64(stmt, at, value.decimal().units);
    case Kind::kText:
      return bind_text(stmt, at, value.text());
    case Kind::kJson:
      return bind_text(stmt, at, value.json());
    case Kind::kBytes: {
      // A null data pointer would bind NULL for an empty blob; std::string never has one.
      const std::string& bytes = value.bytes();
      return sqlite3_bind_blob64(stmt, at, bytes.data(), bytes.size(), SQLITE_STATIC);
    }
    case Kind::kUuid:
      return sqlite3_bind_blob(stmt, at, std::get<Uuid>(value.storage()).bytes.data(), 16,
                               SQLITE_STATIC);
    case Kind::kTimestamp:
      return sqlite3_bind_int64(stmt, at, value.timestamp().us);
    case Kind::kDuration:
      return sqlite3_bind_int64(stmt, at, value.duration().us);
    case Kind::kDate:
      return bind_copy(stmt, at, format_date(value.date()));
    case Kind::kTime:
      return bind_copy(stmt, at, format_time(value.time()));
    case Kind::kList:
    case Kind::kMap:
      break;
  }
  return SQLITE_MISUSE;
}

}  // namespace

Result<> bind_all(sqlite3_stmt* stmt, std::span<const Value> values,
                  std::span<const Attachment> attachments) {
  int wanted = sqlite3_bind_parameter_count(stmt);
  if (wanted != static_cast<int>(values.size() + attachments.size())) {
    return fail(
        internal_error(fmt::format("{} parameters for {} values and {} attachments in: {}", wanted,
                                   values.size(), attachments.size(), sqlite3_sql(stmt))));
  }
  int at = 0;
  for (const Value& value : values) {
    int rc = bind_value(stmt, ++at, value);
    if (rc == SQLITE_TOOBIG) return fail(Code::kPayloadTooLarge, "a value is too large to store");
    if (rc != SQLITE_OK) {
      return fail(internal_error(fmt::format("a {} cannot be bound to ?{} in: {}",
                                             kind_name(value.kind()), at, sqlite3_sql(stmt))));
    }
  }
  for (const Attachment& attachment : attachments) {
    int rc = sqlite3_bind_pointer(stmt, ++at, const_cast<void*>(attachment.pointer),
                                  attachment.type, nullptr);
    if (rc != SQLITE_OK) return fail(internal_error("an attachment cannot be bound"));
  }
  return {};
}

StatementRow::StatementRow(sqlite3_stmt* stmt) : stmt_(stmt), size_(sqlite3_column_count(stmt)) {}

// Of a connection that one thread uses at a time (SQLITE_THREADSAFE=2), the values of a row may be
// asked as those of a function are.
sqlite3_value* StatementRow::at(int column) const {
  if (column != column_) {
    value_ = sqlite3_column_value(stmt_, column);
    column_ = column;
  }
  return value_;
}

Kind StatementRow::stored(int column) const {
  switch (sqlite3_value_type(at(column))) {
    case SQLITE_INTEGER:
      return Kind::kInt;
    case SQLITE_FLOAT:
      return Kind::kFloat;
    case SQLITE_TEXT:
      return Kind::kText;
    case SQLITE_BLOB:
      return Kind::kBytes;
  }
  return Kind::kNull;
}

bool StatementRow::is_null(int column) const {
  return sqlite3_value_type(at(column)) == SQLITE_NULL;
}
int64_t StatementRow::int64(int column) const {
  return sqlite3_value_int64(at(column));
}
double StatementRow::real(int column) const {
  return sqlite3_value_double(at(column));
}

std::string_view StatementRow::text(int column) const {
  sqlite3_value* value = at(column);
  auto* data = reinterpret_cast<const char*>(sqlite3_value_text(value));
  if (data == nullptr) return {};
  return {data, static_cast<size_t>(sqlite3_value_bytes(value))};
}

std::string_view StatementRow::blob(int column) const {
  sqlite3_value* value = at(column);
  auto* data = static_cast<const char*>(sqlite3_value_blob(value));
  if (data == nullptr) return {};
  return {data, static_cast<size_t>(sqlite3_value_bytes(value))};
}

}  // namespace mettle::db

#include "db/sqlite/errors.h"

#include <fmt/format.h>
#include <sqlite3.h>

namespace mettle::db {
namespace {

constexpr std::string_view kForeignKeyFailed = "FOREIGN KEY constraint failed";

std::string_view after(std::string_view message, std::string_view prefix) {
  return message.starts_with(prefix) ? message.substr(prefix.size()) : message;
}

// "t.a, t.b" → "t.a,t.b"
std::string column_list(std::string_view list) {
  std::string out;
  for (char c : list) {
    if (c != ' ') out += c;
  }
  return out;
}

Error constraint(Code code, std::string_view detail, std::string inside) {
  Error error = make_error(code, std::string(detail));
  error.inside = std::move(inside);
  return error;
}

Error reference_missing() {
  return constraint(Code::kReferenceMissing, "refers to a row that does not exist", {});
}
Error reference_restricted() {
  return constraint(Code::kReferenceRestricted, "other rows still refer to it", {});
}

Error constraint_error(int code, Verb verb, std::string_view message) {
  switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return constraint(Code::kUniqueViolation, "a row with this value exists already",
                        column_list(after(message, "UNIQUE constraint failed: ")));
    case SQLITE_CONSTRAINT_NOTNULL:
      return constraint(Code::kRequired, "a value is required",
                        std::string(after(message, "NOT NULL constraint failed: ")));
    case SQLITE_CONSTRAINT_CHECK:
      return constraint(Code::kCheckFailed, "a check does not hold",
                        std::string(after(message, "CHECK constraint failed: ")));
    case SQLITE_CONSTRAINT_DATATYPE:
      return constraint(Code::kWrongType, "a value has the wrong type", std::string(message));
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return verb == Verb::kDelete ? reference_restricted() : reference_missing();
    case SQLITE_CONSTRAINT_TRIGGER:
      if (message == kForeignKeyFailed) return reference_restricted();
      return constraint(Code::kCheckFailed, "a check does not hold", std::string(message));
  }
  return internal_error(fmt::format("constraint {}: {}", code, message));
}

Error unavailable(std::string_view detail, std::string inside) {
  Error error = make_error(Code::kUnavailable, std::string(detail));
  error.retry_after_s = 1;
  error.inside = std::move(inside);
  return error;
}

}  // namespace

bool is_sync_failure(int extended_code) {
  return extended_code == SQLITE_IOERR_FSYNC || extended_code == SQLITE_IOERR_DIR_FSYNC;
}

Error last_error(sqlite3* db, Verb verb, std::string_view sql) {
  int code = sqlite3_extended_errcode(db);
  std::string_view message = sqlite3_errmsg(db);
  if ((code & 0xff) == SQLITE_CONSTRAINT) return constraint_error(code, verb, message);
  std::string inside = fmt::format("sqlite {}: {} in: {}", code, message, sql);
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return unavailable("the database is locked by another process", std::move(inside));
    case SQLITE_FULL:
      return unavailable("the disk is full", std::move(inside));
    case SQLITE_IOERR:
      return unavailable("the disk failed", std::move(inside));
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
      return unavailable("the database cannot be written", std::move(inside));
    case SQLITE_NOMEM:
      return unavailable("out of memory", std::move(inside));
    case SQLITE_TOOBIG: {
      Error error = make_error(Code::kPayloadTooLarge, "a value is too large to store");
      error.inside = std::move(inside);
      return error;
    }
  }
  return internal_error(std::move(inside));
}

}  // namespace mettle::db

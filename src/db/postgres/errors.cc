#include "db/postgres/errors.h"

#include <fmt/format.h>

#include "base/text.h"

namespace mettle::db::postgres {
namespace {

// Appendix A of PostgreSQL's manual.
constexpr std::string_view kNotNull = "23502", kForeignKey = "23503", kUnique = "23505",
                           kCheck = "23514", kRestrict = "23001", kCancelled = "57014",
                           kSerialization = "40001", kDeadlock = "40P01", kTooLong = "22001",
                           kDiskFull = "53100", kReadOnly = "25006";

constexpr const char* kConstraintsSql =
    "SELECT r.relname, c.conname, array_to_string(ARRAY(SELECT r.relname || '.' || a.attname FROM "
    "unnest(c.conkey) WITH ORDINALITY k(number, place) JOIN pg_attribute a ON a.attrelid = "
    "c.conrelid AND a.attnum = k.number ORDER BY k.place), ',') FROM pg_constraint c JOIN pg_class "
    "r "
    "ON r.oid = c.conrelid WHERE c.connamespace = current_schema()::regnamespace AND c.contype IN "
    "('p', 'u', 'f') UNION ALL SELECT r.relname, i.relname, array_to_string(ARRAY(SELECT r.relname "
    "|| '.' || a.attname FROM unnest(x.indkey) WITH ORDINALITY k(number, place) JOIN pg_attribute "
    "a "
    "ON a.attrelid = x.indrelid AND a.attnum = k.number ORDER BY k.place), ',') FROM pg_index x "
    "JOIN "
    "pg_class r ON r.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indisunique "
    "AND r.relnamespace = current_schema()::regnamespace";

std::string_view next_word(std::string_view& text) {
  text = text.substr(std::min(text.find_first_not_of(" \n\t("), text.size()));
  size_t end = text.find_first_of(" \n\t(");
  if (text.starts_with('"')) end = text.find('"', 1) + 1;
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(word.size());
  return word;
}

std::string unquoted(std::string_view name) {
  if (const size_t dot = name.rfind('.'); dot != name.npos) name.remove_prefix(dot + 1);
  if (name.size() >= 2 && name.front() == '"') name = name.substr(1, name.size() - 2);
  return std::string(name);
}

Error broken(Code code, std::string_view detail, std::string inside) {
  Error error = make_error(code, std::string(detail));
  error.inside = std::move(inside);
  return error;
}

// A change of the referring table has no row to refer to; one of the other has rows that refer to
// it. Where both are one table, its rows were changed: what they refer to is missing.
bool is_of_referring_side(const Target& target, std::string_view referring) {
  if (target.verb == Verb::kDelete) return false;
  if (target.verb == Verb::kInsert) return true;
  return target.table == referring;
}

}  // namespace

std::string Constraints::columns_of(const std::string& table, const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = columns_.find({table, name});
  return found != columns_.end() ? found->second : std::string();
}

Task<Result<>> Constraints::read(Context& ctx, Connection& connection) {
  const Step step{nullptr, {}, kConstraintsSql};
  CO_TRY(const std::vector<Reply> replies, co_await connection.exchange(ctx, std::span(&step, 1)));
  if (replies[0].failed()) {
    co_return fail(internal_error("the constraints cannot be read: " +
                                  std::string(replies[0].field(PG_DIAG_MESSAGE_PRIMARY))));
  }
  std::map<std::pair<std::string, std::string>, std::string> columns;
  ResultRow row(*replies[0].result, nullptr);
  for (int i = 0; i < PQntuples(replies[0].result.get()); ++i) {
    row.move_to(i);
    columns.emplace(std::pair(std::string(row.text(0)), std::string(row.text(1))),
                    std::string(row.text(2)));
  }
  const std::lock_guard lock(mutex_);
  columns_ = std::move(columns);
  co_return Result<>();
}

Target target_of(std::string_view sql) {
  const std::string_view verb = next_word(sql);
  if (iequals(verb, "SELECT") || iequals(verb, "WITH")) return {Verb::kSelect, ""};
  if (iequals(verb, "UPDATE")) return {Verb::kUpdate, unquoted(next_word(sql))};
  const bool insert = iequals(verb, "INSERT");
  if (!insert && !iequals(verb, "DELETE")) return {};
  next_word(sql);  // INTO, FROM
  return {insert ? Verb::kInsert : Verb::kDelete, unquoted(next_word(sql))};
}

bool is_clash(const Reply& reply) {
  return reply.state() == kSerialization || reply.state() == kDeadlock || reply.is_outdated();
}

Error error_of(const Reply& reply, const Target& target, const Constraints& constraints) {
  const std::string_view state = reply.state();
  const std::string table(reply.field(PG_DIAG_TABLE_NAME));
  const std::string name(reply.field(PG_DIAG_CONSTRAINT_NAME));
  if (state == kUnique) {
    return broken(Code::kUniqueViolation, "the value is taken",
                  constraints.columns_of(table, name));
  }
  if (state == kForeignKey || state == kRestrict) {
    std::string of = constraints.columns_of(table, name);
    // "table.column,column": the referring side's columns, its table once.
    const std::string again = "," + table + ".";
    for (size_t at = of.find(again); at != of.npos; at = of.find(again)) {
      of.replace(at, again.size(), ",");
    }
    if (state == kForeignKey && is_of_referring_side(target, table)) {
      return broken(Code::kReferenceMissing, "the row refers to one that does not exist",
                    std::move(of));
    }
    return broken(Code::kReferenceRestricted, "other rows refer to this one", std::move(of));
  }
  if (state == kNotNull) {
    return broken(Code::kRequired, "a value is required",
                  table + "." + std::string(reply.field(PG_DIAG_COLUMN_NAME)));
  }
  if (state == kCheck) return broken(Code::kCheckFailed, "the value is not allowed", name);
  std::string inside = fmt::format("{} {}", state, reply.field(PG_DIAG_MESSAGE_PRIMARY));
  if (state == kCancelled) {
    return broken(Code::kStatementTimeout, "the statement took longer than it may",
                  std::move(inside));
  }
  if (is_clash(reply) || state == kDiskFull || state == kReadOnly || state.starts_with("57P") ||
      state.starts_with("08") || state.starts_with("53")) {
    Error error = broken(Code::kUnavailable, "the database cannot take this now; try again",
                         std::move(inside));
    error.retry_after_s = 1;
    return error;
  }
  if (state == kTooLong)
    return broken(Code::kPayloadTooLarge, "a value is too large to store", std::move(inside));
  return internal_error("the database refused a statement: " + inside);
}

}  // namespace mettle::db::postgres

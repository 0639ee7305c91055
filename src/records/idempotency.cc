#include "records/idempotency.h"

#include "base/crypto.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/limits.h"
#include "base/mutant.h"

namespace mettle::records {

namespace {

std::string headers_text(const Answer& answer) {
  std::string text;
  JsonWriter writer(text);
  writer.begin_object();
  for (const auto& [name, value] : answer.headers) {
    writer.key(name);
    writer.string(value);
  }
  writer.end_object();
  return text;
}

class RememberedSink final : public db::RowSink {
 public:
  void restart() override { found = false; }
  Result<bool> on_row(const db::Row& row) override {
    found = true;
    fingerprint = row.blob(0);
    answer.status = static_cast<int>(row.int64(1));
    answer.content_type = row.text(2);
    const auto document = JsonDocument::parse(row.text(3));
    if (!document) return fail(internal_error("the headers of a stored answer are not JSON"));
    for (const auto member : document->root().members()) {
      answer.headers.emplace_back(member.key.text(), member.value.text());
    }
    answer.body = row.blob(4);
    answer.replayed = true;
    lease_until = row.is_null(5) ? 0 : row.int64(5);
    return false;
  }
  bool found = false;
  std::string fingerprint;
  Answer answer;
  int64_t lease_until = 0;
};

const db::StatementRef& recall_statement() {
  static const db::StatementRef statement = db::Statement::make(
      "SELECT fingerprint, status, content_type, headers, body, lease_until FROM "
      "mettle_idempotency "
      "WHERE scope = ?1 AND key = ?2",
      {{Kind::kBytes, 0},
       {Kind::kInt, 0},
       {Kind::kText, 0},
       {Kind::kText, 0},
       {Kind::kBytes, 0},
       {Kind::kInt, 0}});
  return statement;
}

const db::StatementRef& put_statement() {
  static const db::StatementRef statement = db::Statement::make(
      "INSERT INTO mettle_idempotency (scope, key, fingerprint, status, content_type, headers, "
      "body, "
      "created_at, lease_until) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) "
      "ON CONFLICT (scope, key) DO UPDATE SET fingerprint = excluded.fingerprint, status = "
      "excluded.status, "
      "content_type = excluded.content_type, headers = excluded.headers, body = excluded.body, "
      "created_at = excluded.created_at, lease_until = excluded.lease_until");
  return statement;
}

// Two for each one that comes: the table shrinks to what a day brings.
const db::StatementRef& expire_statement() {
  static const db::StatementRef statement = db::Statement::make(
      "DELETE FROM mettle_idempotency WHERE (scope, key) IN (SELECT scope, key FROM "
      "mettle_idempotency "
      "WHERE created_at < ?1 ORDER BY created_at LIMIT 2)");
  return statement;
}

const db::StatementRef& forget_statement() {
  static const db::StatementRef statement = db::Statement::make(
      "DELETE FROM mettle_idempotency WHERE scope = ?1 AND key = ?2 AND status = 0");
  return statement;
}

Task<Result<>> put(db::WriteTx& tx, const Idempotency& request, const Answer& answer, int status,
                   Timestamp now, Value lease_until) {
  std::vector<Value> values;
  values.emplace_back(request.scope);
  values.emplace_back(request.key);
  values.emplace_back(Bytes{request.fingerprint});
  values.emplace_back(int64_t{status});
  values.emplace_back(answer.content_type);
  values.emplace_back(headers_text(answer));
  values.emplace_back(Bytes{answer.body});
  values.emplace_back(now);
  values.push_back(std::move(lease_until));
  CO_TRY_VOID(co_await tx.run(put_statement(), values));
  const std::vector<Value> oldest = {
      Value(Timestamp{now.us - limits::kIdempotencyRetentionMs * 1000})};
  CO_TRY_VOID(co_await tx.run(expire_statement(), oldest));
  co_return Result<>();
}

}  // namespace

std::vector<std::string> idempotency_tables() {
  return {
      "CREATE TABLE IF NOT EXISTS mettle_idempotency (scope TEXT NOT NULL, key TEXT NOT NULL, "
      "fingerprint BLOB NOT NULL, status INTEGER NOT NULL, content_type TEXT NOT NULL, headers "
      "TEXT NOT "
      "NULL, body BLOB NOT NULL, created_at INTEGER NOT NULL, lease_until INTEGER, "
      "PRIMARY KEY (scope, key)) STRICT, WITHOUT ROWID",
      "CREATE INDEX IF NOT EXISTS mettle_idempotency_created_at ON mettle_idempotency (created_at)",
  };
}

Task<Result<Remembered>> recall(db::WriteTx& tx, const Idempotency& request, Timestamp now) {
  RememberedSink sink;
  const std::vector<Value> key = {Value(request.scope), Value(request.key)};
  CO_TRY_VOID(co_await tx.run(recall_statement(), key, &sink));
  Remembered made;
  if (!sink.found) co_return made;
  if (!equal_in_constant_time(sink.fingerprint, request.fingerprint) &&
      !planted(Mutant::kOtherPayloadReplayed)) {
    co_return fail(
        Code::kIdempotencyMismatch,
        "this Idempotency-Key was used for another request; make a new key for a new request");
  }
  if (sink.answer.status == 0) {
    // A lease longer than a key is kept was given by a clock that has been set back since: it would
    // hold the key for years.
    const int64_t left_us = sink.lease_until - now.us;
    if (left_us > 0 && left_us <= limits::kIdempotencyRetentionMs * 1000) {
      made.state = Remembered::State::kRunning;
    }
    made.lease_until = Timestamp{sink.lease_until};
    co_return made;
  }
  made.state = Remembered::State::kAnswered;
  made.answer = std::move(sink.answer);
  co_return made;
}

Task<Result<>> remember(db::WriteTx& tx, const Idempotency& request, const Answer& answer,
                        Timestamp now) {
  co_return co_await put(tx, request, answer, answer.status, now, Value());
}

Task<Result<>> claim(db::WriteTx& tx, const Idempotency& request, Timestamp now,
                     Timestamp lease_until) {
  const Answer none;
  co_return co_await put(tx, request, none, 0, now, Value(lease_until));
}

Task<Result<>> forget(db::WriteTx& tx, const Idempotency& request) {
  const std::vector<Value> key = {Value(request.scope), Value(request.key)};
  CO_TRY_VOID(co_await tx.run(forget_statement(), key));
  co_return Result<>();
}

bool is_kept(const Error& error) {
  const int status = error.status();
  if (status < 400 || status >= 500) return false;
  return status != 401 && status != 403 && status != 429 &&
         error.code != Code::kIdempotencyMismatch && error.code != Code::kIdempotencyInProgress;
}

}  // namespace mettle::records

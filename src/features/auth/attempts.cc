#include "features/auth/attempts.h"

#include <algorithm>
#include <array>

#include "base/crypto.h"
#include "base/mutant.h"
#include "engine/client_address.h"
#include "features/auth/people.h"

namespace mettle::auth {
namespace {

constexpr int64_t kUsPerSecond = 1'000'000;

struct AttemptsOf final : db::RowSink {
  void restart() override { *this = {}; }
  Result<bool> on_row(const db::Row& row) override {
    failures = row.int64(0);
    wait_until_us = row.int64(1);
    last_us = row.int64(2);
    return false;
  }
  int64_t failures = 0, wait_until_us = 0, last_us = 0;
};

}  // namespace

std::vector<std::string> attempt_tables() {
  return {
      "CREATE TABLE IF NOT EXISTS mettle_sign_in_attempts (subject TEXT PRIMARY KEY, failures "
      "INTEGER NOT NULL, wait_until INTEGER NOT NULL, last_at INTEGER NOT NULL) STRICT, WITHOUT "
      "ROWID",
      "CREATE INDEX IF NOT EXISTS mettle_sign_in_attempts_last ON "
      "mettle_sign_in_attempts(last_at)"};
}

int64_t attempt_wait_us(const AttemptPolicy& policy, int64_t failures) {
  if (failures <= policy.free) return 0;
  constexpr int64_t kDoublingsMax = 20;  // far beyond the longest wait, and no overflow
  const int64_t doublings = std::min(failures - policy.free - 1, kDoublingsMax);
  return std::min(AttemptPolicy::kFirstWaitUs << doublings, AttemptPolicy::kLongestWaitUs);
}

Task<Result<>> take_attempt(db::WriteTx& tx, std::string subject, AttemptPolicy policy,
                            Timestamp now) {
  static const db::StatementRef read_sql = db::Statement::make(
      "SELECT failures, wait_until, last_at FROM mettle_sign_in_attempts WHERE subject = ?1");
  static const db::StatementRef keep_sql = db::Statement::make(
      "INSERT INTO mettle_sign_in_attempts(subject, failures, wait_until, last_at) VALUES(?1, ?2, "
      "?3, ?4) ON CONFLICT(subject) DO UPDATE SET failures = excluded.failures, wait_until = "
      "excluded.wait_until, last_at = excluded.last_at");
  const Value key(subject);
  AttemptsOf known;
  CO_TRY_VOID(co_await tx.run(read_sql, std::span(&key, 1), &known));
  if (known.wait_until_us > now.us && !planted(Mutant::kLockOutForgotten)) {
    // A clock that was set back must not lock anybody out for longer than the longest wait.
    const int64_t left = std::min(known.wait_until_us - now.us, AttemptPolicy::kLongestWaitUs);
    Error error = make_error(Code::kRateLimited, "too many attempts to sign in; try again later");
    error.retry_after_s = static_cast<int>((left + kUsPerSecond - 1) / kUsPerSecond);
    co_return fail(std::move(error));
  }
  const bool forgiven = now.us - known.last_us > AttemptPolicy::kForgottenAfterUs;
  const int64_t failures = (forgiven ? 0 : known.failures) + 1;
  const std::array<Value, 4> row{key, Value(failures),
                                 Value(Timestamp{now.us + attempt_wait_us(policy, failures)}),
                                 Value(now)};
  CO_TRY_VOID(co_await tx.run(keep_sql, row));
  co_return Result<>();
}

Task<Result<>> forget_attempts(db::WriteTx& tx, std::string subject) {
  static const db::StatementRef forget_sql =
      db::Statement::make("DELETE FROM mettle_sign_in_attempts WHERE subject = ?1");
  const Value key(std::move(subject));
  CO_TRY_VOID(co_await tx.run(forget_sql, std::span(&key, 1)));
  co_return Result<>();
}

Task<Result<>> give_back_attempt(db::WriteTx& tx, std::string subject) {
  static const db::StatementRef give_sql = db::Statement::make(
      "UPDATE mettle_sign_in_attempts SET failures = max(failures - 1, 0), wait_until = 0 WHERE "
      "subject = ?1");
  const Value key(std::move(subject));
  CO_TRY_VOID(co_await tx.run(give_sql, std::span(&key, 1)));
  co_return Result<>();
}

std::string code_subject(const Value& user) {
  return "code:" + id_text(user);
}

std::string account_subject(std::string_view email) {
  return "account:" + sha256_hex(email);
}

std::string address_subject(std::string_view address) {
  return "address:" + engine::address_group(address);
}

}  // namespace mettle::auth

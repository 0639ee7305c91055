#include "features/auth/one_time.h"

#include <fmt/format.h>

#include <array>

#include "base/crypto.h"
#include "base/mutant.h"
#include "features/auth/credential.h"

namespace mettle::auth {
namespace {

constexpr std::string_view kPrefix = "mto_";
constexpr int64_t kMinuteUs = int64_t{60} * 1'000'000;

std::string_view name_of(Purpose purpose) {
  constexpr std::string_view kNames[] = {"verify", "reset", "magic_link", "email_change"};
  return kNames[static_cast<size_t>(purpose)];
}

class TokenRow final : public db::RowSink {
 public:
  explicit TokenRow(const People& people) : people_(people) {}
  void restart() override { person.reset(); }
  Result<bool> on_row(const db::Row& row) override {
    secret_hash = row.blob(0);
    email = row.text(1);
    expires_at = Timestamp{row.int64(2)};
    person = people_.person_of(row, 3);
    return false;
  }
  std::string secret_hash, email;
  Timestamp expires_at;
  std::optional<Person> person;

 private:
  const People& people_;
};

Error refused() {
  return make_error(Code::kInvalidCredentials,
                    "this link does not work, or no longer; ask for a new one");
}

}  // namespace

std::vector<std::string> one_time_tables() {
  return {
      "CREATE TABLE IF NOT EXISTS mettle_one_time (id TEXT PRIMARY KEY, purpose TEXT NOT NULL, "
      "user_id ANY NOT NULL, email TEXT NOT NULL, secret BLOB NOT NULL, expires_at INTEGER NOT "
      "NULL) STRICT, WITHOUT ROWID",
      "CREATE UNIQUE INDEX IF NOT EXISTS mettle_one_time_user ON mettle_one_time(user_id, purpose)",
      "CREATE INDEX IF NOT EXISTS mettle_one_time_expires ON mettle_one_time(expires_at)"};
}

Duration life_of(Purpose purpose) {
  switch (purpose) {
    case Purpose::kVerify:
      return {24 * 60 * kMinuteUs};
    case Purpose::kReset:
    case Purpose::kEmailChange:
      return {60 * kMinuteUs};
    case Purpose::kMagicLink:
      break;
  }
  return {15 * kMinuteUs};
}

Task<Result<std::string>> issue_one_time(db::WriteTx& tx, Random& random, Purpose purpose,
                                         Value user, std::string email, Timestamp now) {
  static const db::StatementRef insert_sql = db::Statement::make(
      "INSERT INTO mettle_one_time(id, purpose, user_id, email, secret, expires_at) VALUES(?1, ?2, "
      "?3, ?4, ?5, ?6) ON CONFLICT(user_id, purpose) DO UPDATE SET id = excluded.id, email = "
      "excluded.email, secret = excluded.secret, expires_at = excluded.expires_at");
  const std::string id = new_credential_id(random);
  const std::string secret = new_credential_secret(random);
  const std::array<Value, 6> row{Value(id),
                                 Value(std::string(name_of(purpose))),
                                 std::move(user),
                                 Value(std::move(email)),
                                 Value(Bytes{secret_hash(secret)}),
                                 Value(Timestamp{now.us + life_of(purpose).us})};
  CO_TRY_VOID(co_await tx.run(insert_sql, row));
  co_return credential_text(kPrefix, id, secret);
}

Task<Result<Proven>> use_one_time(db::WriteTx& tx, const People& people, Purpose purpose,
                                  std::string token, Timestamp now) {
  static const db::StatementRef delete_sql =
      db::Statement::make("DELETE FROM mettle_one_time WHERE id = ?1");
  const auto parsed = parse_credential(kPrefix, token);
  if (!parsed) co_return fail(refused());
  const auto find = people.catalog().cached<db::Statement>("auth.one_time", [&people] {
    return db::Statement::make(
        fmt::format("SELECT t.secret, t.email, t.expires_at, {} FROM mettle_one_time t JOIN {} "
                    "WHERE u.id = t.user_id AND t.id = ?1 AND t.purpose = ?2",
                    people.columns(), people.join()));
  });
  const std::array<Value, 2> values{Value(parsed->id), Value(std::string(name_of(purpose)))};
  TokenRow row(people);
  CO_TRY_VOID(co_await tx.run(find, values, &row));
  if (!row.person || row.expires_at <= now || row.person->disabled ||
      !equal_in_constant_time(secret_hash(parsed->secret), row.secret_hash)) {
    co_return fail(refused());
  }
  if (purpose != Purpose::kEmailChange && row.email != row.person->email) co_return fail(refused());
  if (!planted(Mutant::kOneTimeTokenStays)) {
    CO_TRY_VOID(co_await tx.run(delete_sql, std::span(values).first(1)));
  }
  co_return Proven{std::move(*row.person), std::move(row.email)};
}

Task<Result<>> forget_one_time(db::WriteTx& tx, Value user) {
  static const db::StatementRef forget_sql =
      db::Statement::make("DELETE FROM mettle_one_time WHERE user_id = ?1");
  if (planted(Mutant::kOldLinksWork) || planted(Mutant::kOneTimeTokenStays)) co_return Result<>();
  CO_TRY_VOID(co_await tx.run(forget_sql, std::span(&user, 1)));
  co_return Result<>();
}

}  // namespace mettle::auth

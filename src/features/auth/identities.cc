#include "features/auth/identities.h"

#include <fmt/format.h>

#include <array>

#include "features/auth/credential.h"

namespace mettle::auth {
namespace {

class PersonRow final : public db::RowSink {
 public:
  explicit PersonRow(const People& people) : people_(people) {}
  void restart() override { found.reset(); }
  Result<bool> on_row(const db::Row& row) override {
    found = people_.person_of(row, 0);
    return false;
  }
  std::optional<Person> found;

 private:
  const People& people_;
};

class IdentityRows final : public db::RowSink {
 public:
  void restart() override { found.clear(); }
  Result<bool> on_row(const db::Row& row) override {
    found.push_back({std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2)),
                     Timestamp{row.int64(3)}, Timestamp{row.int64(4)}});
    return true;
  }
  std::vector<StoredIdentity> found;
};

const db::StatementRef& list_statement() {
  static const db::StatementRef list_sql = db::Statement::make(
      "SELECT id, provider, email, created_at, last_used_at FROM mettle_identities WHERE user_id = "
      "?1 ORDER BY created_at, id");
  return list_sql;
}

Task<Result<>> run(db::WriteTx& tx, const db::StatementRef& statement, std::vector<Value> values) {
  CO_TRY_VOID(co_await tx.run(statement, values));
  co_return Result<>();
}

}  // namespace

std::vector<std::string> identity_tables() {
  return {
      "CREATE TABLE IF NOT EXISTS mettle_identities (id TEXT PRIMARY KEY, user_id ANY NOT NULL, "
      "provider TEXT NOT NULL, issuer TEXT NOT NULL, subject TEXT NOT NULL, email TEXT NOT NULL, "
      "created_at INTEGER NOT NULL, last_used_at INTEGER NOT NULL) STRICT, WITHOUT ROWID",
      "CREATE UNIQUE INDEX IF NOT EXISTS mettle_identities_subject ON mettle_identities(issuer, "
      "subject)",
      "CREATE INDEX IF NOT EXISTS mettle_identities_user ON mettle_identities(user_id)"};
}

Task<Result<std::optional<Person>>> find_by_identity(db::Tx& tx, const People& people,
                                                     const Identity& identity) {
  const auto find = people.catalog().cached<db::Statement>("auth.identity", [&people] {
    return db::Statement::make(fmt::format(
        "SELECT {} FROM mettle_identities i JOIN {} WHERE u.id = i.user_id AND i.issuer = ?1 AND "
        "i.subject = ?2",
        people.columns(), people.join()));
  });
  const std::array<Value, 2> values{Value(identity.issuer), Value(identity.subject)};
  PersonRow row(people);
  CO_TRY_VOID(co_await tx.run(find, values, &row));
  co_return std::move(row.found);
}

Task<Result<>> add_identity(db::WriteTx& tx, Random& random, Value user, const Identity& identity,
                            Timestamp now) {
  // In the way stands at most the identity of a person whose row is gone.
  static const db::StatementRef insert_sql = db::Statement::make(
      "INSERT INTO mettle_identities(id, user_id, provider, issuer, subject, email, created_at, "
      "last_used_at) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7) ON CONFLICT(issuer, subject) DO UPDATE "
      "SET id = excluded.id, user_id = excluded.user_id, provider = excluded.provider, email = "
      "excluded.email, created_at = excluded.created_at, last_used_at = excluded.last_used_at");
  std::vector<Value> values{Value(new_credential_id(random)),
                            std::move(user),
                            Value(identity.provider),
                            Value(identity.issuer),
                            Value(identity.subject),
                            Value(identity.email),
                            Value(now)};
  co_return co_await run(tx, insert_sql, std::move(values));
}

Task<Result<>> touch_identity(db::WriteTx& tx, const Identity& identity, Timestamp now) {
  static const db::StatementRef touch_sql = db::Statement::make(
      "UPDATE mettle_identities SET provider = ?3, email = ?4, last_used_at = ?5 WHERE issuer = ?1 "
      "AND subject = ?2");
  std::vector<Value> values{Value(identity.issuer), Value(identity.subject),
                            Value(identity.provider), Value(identity.email), Value(now)};
  co_return co_await run(tx, touch_sql, std::move(values));
}

Task<Result<std::vector<StoredIdentity>>> list_identities(Context& ctx, db::Store& store,
                                                          Value user) {
  IdentityRows rows;
  CO_TRY_VOID(co_await store.read(ctx, list_statement(), std::span(&user, 1), rows));
  co_return std::move(rows.found);
}

Task<Result<std::vector<StoredIdentity>>> list_identities(db::Tx& tx, Value user) {
  IdentityRows rows;
  CO_TRY_VOID(co_await tx.run(list_statement(), std::span(&user, 1), &rows));
  co_return std::move(rows.found);
}

Task<Result<>> remove_identity(db::WriteTx& tx, Value user, std::string id) {
  static const db::StatementRef delete_sql =
      db::Statement::make("DELETE FROM mettle_identities WHERE user_id = ?1 AND id = ?2");
  std::vector<Value> values{std::move(user), Value(std::move(id))};
  co_return co_await run(tx, delete_sql, std::move(values));
}

Task<Result<>> forget_identities(db::WriteTx& tx, Value user) {
  static const db::StatementRef delete_sql =
      db::Statement::make("DELETE FROM mettle_identities WHERE user_id = ?1");
  std::vector<Value> values{std::move(user)};
  co_return co_await run(tx, delete_sql, std::move(values));
}

}  // namespace mettle::auth

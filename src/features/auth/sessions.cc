#include "features/auth/sessions.h"

#include <fmt/format.h>

#include <array>

#include "base/crypto.h"
#include "base/datetime.h"
#include "base/mutant.h"
#include "base/text.h"
#include "db/one_statement.h"
#include "features/auth/credential.h"
#include "features/auth/stored_list.h"

namespace mettle::auth {
namespace {

constexpr std::string_view kColumns =
    "s.id, s.kind, s.generation, s.aal, s.methods, s.created_at, s.rotated_at, s.last_used_at, "
    "s.expires_at, s.revoked_at, s.address, s.user_agent, s.secret";
constexpr int kColumnCount = 13;
// A chain longer than this is not walked: the token is refused, the session goes on.
constexpr int64_t kLinksMax = 10'000;

Session session_of(const db::Row& row) {
  Session session;
  session.id = row.text(0);
  session.cookie = row.text(1) == "cookie";
  session.generation = row.int64(2);
  session.aal = row.int64(3);
  session.methods = parse_stored_list(row.text(4));
  session.created_at = Timestamp{row.int64(5)};
  session.rotated_at = Timestamp{row.int64(6)};
  session.last_used_at = Timestamp{row.int64(7)};
  session.expires_at = Timestamp{row.int64(8)};
  if (!row.is_null(9)) session.revoked_at = Timestamp{row.int64(9)};
  session.address = row.text(10);
  session.user_agent = row.text(11);
  session.secret_hash = row.blob(12);
  return session;
}

class SignedInRow final : public db::RowSink {
 public:
  explicit SignedInRow(const People& people) : people_(people) {}
  void restart() override { found.reset(); }
  Result<bool> on_row(const db::Row& row) override {
    SignedIn both{session_of(row), people_.person_of(row, kColumnCount)};
    both.session.user_id = both.person.id;
    found = std::move(both);
    return false;
  }
  std::optional<SignedIn> found;

 private:
  const People& people_;
};

class SessionRows final : public db::RowSink {
 public:
  void restart() override { found.clear(); }
  Result<bool> on_row(const db::Row& row) override {
    found.push_back(session_of(row));
    return true;
  }
  std::vector<Session> found;
};

db::StatementRef find_statement(const People& people) {
  return people.catalog().cached<db::Statement>("auth.session", [&people] {
    return db::Statement::make(fmt::format(
        "SELECT {}, {} FROM mettle_sessions s JOIN {} WHERE u.id = s.user_id AND s.id = ?1",
        kColumns, people.columns(), people.join()));
  });
}

std::string next_secret(std::string_view chain_key, std::string_view id, std::string_view secret) {
  const Sha256 code = hmac_sha256(chain_key, fmt::format("refresh:{}:{}", id, secret));
  return encode_base64url(as_text(code));
}

// How far behind the session's newest token this one is: 0 is the newest; nullopt: it is none of
// this session's.
std::optional<int64_t> links_behind(const Session& session, std::string_view chain_key,
                                    std::string secret) {
  const int64_t most = std::min(session.generation, kLinksMax);
  for (int64_t links = 0; links <= most; ++links) {
    if (equal_in_constant_time(secret_hash(secret), session.secret_hash)) return links;
    secret = next_secret(chain_key, session.id, secret);
  }
  return std::nullopt;
}

Error refused() {
  return make_error(Code::kInvalidCredentials, "this refresh token does not work; sign in again");
}

class RefreshUnit final : public db::WriteUnit {
 public:
  RefreshUnit(std::shared_ptr<const People> people, Refresh refresh, Timestamp now)
      : people_(std::move(people)), refresh_(std::move(refresh)), now_(now) {}

  // A refusal that ends a session must commit: it is told by `bearing` being empty.
  Task<Result<>> run(db::WriteTx& tx) override {
    bearing.reset();
    const auto token = parse_credential(kRefreshPrefix, refresh_.token);
    if (!token) co_return Result<>();
    CO_TRY(std::optional<SignedIn> found,
           co_await find_session(tx, *people_, std::string(token->id)));
    if (!found || found->session.cookie || !found->works_at(now_)) co_return Result<>();
    const auto behind =
        links_behind(found->session, refresh_.chain_key, std::string(token->secret));
    if (!behind) co_return Result<>();
    const std::string successor = next_secret(refresh_.chain_key, found->session.id, token->secret);
    if (*behind == 0) {
      CO_TRY_VOID(co_await rotate(tx, found->session, successor));
    } else {
      const int64_t since_us = now_.us - found->session.rotated_at.us;
      const bool racing = *behind == 1 && since_us >= 0 && since_us <= kRefreshGraceUs;
      if (!racing && !planted(Mutant::kUsedRefreshTokenWorks)) {
        co_return co_await end_stolen(tx, *found);
      }
    }
    bearing = Bearing{std::move(*found), credential_text(kRefreshPrefix, token->id, successor)};
    co_return Result<>();
  }

  std::optional<Bearing> bearing;

 private:
  Task<Result<>> rotate(db::WriteTx& tx, Session& session, const std::string& successor) {
    static const db::StatementRef rotate_sql = db::Statement::make(
        "UPDATE mettle_sessions SET secret = ?2, generation = generation + 1, rotated_at = ?3, "
        "last_used_at = ?3, expires_at = ?4 WHERE id = ?1");
    session.generation += 1;
    session.rotated_at = session.last_used_at = now_;
    session.expires_at = Timestamp{now_.us + refresh_.life.us};
    const std::array<Value, 4> values{Value(session.id), Value(Bytes{secret_hash(successor)}),
                                      Value(now_), Value(session.expires_at)};
    CO_TRY_VOID(co_await tx.run(rotate_sql, values));
    co_return Result<>();
  }

  Task<Result<>> end_stolen(db::WriteTx& tx, const SignedIn& who) {
    CO_TRY_VOID(co_await end_session(tx, who.person.id, who.session.id, "refresh_reused", now_));
    const AuditEvent event{.event = "refresh_reused",
                           .outcome = "invalid_credentials",
                           .user = who.person.id,
                           .detail = "session " + who.session.id + " ended"};
    co_return co_await audit(tx, event, refresh_.origin, now_);
  }

  const std::shared_ptr<const People> people_;
  const Refresh refresh_;
  const Timestamp now_;
};

}  // namespace

std::vector<std::string> session_tables() {
  return {
      "CREATE TABLE IF NOT EXISTS mettle_sessions (id TEXT PRIMARY KEY, user_id ANY NOT NULL, kind "
      "TEXT NOT NULL, secret BLOB NOT NULL, generation INTEGER NOT NULL, rotated_at INTEGER NOT "
      "NULL, aal INTEGER NOT NULL, methods TEXT NOT NULL, created_at INTEGER NOT NULL, "
      "last_used_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, revoked_at INTEGER, revoked_by "
      "TEXT, address TEXT NOT NULL, user_agent TEXT NOT NULL) STRICT, WITHOUT ROWID",
      "CREATE INDEX IF NOT EXISTS mettle_sessions_user ON mettle_sessions(user_id, last_used_at)",
      "CREATE INDEX IF NOT EXISTS mettle_sessions_expires ON mettle_sessions(expires_at)"};
}

bool SignedIn::works_at(Timestamp now) const {
  if (session.revoked_at && !planted(Mutant::kEndedSessionWorks)) return false;
  return session.expires_at > now && !person.disabled;
}

Task<Result<std::optional<SignedIn>>> find_session(Context& ctx, db::Store& store,
                                                   const People& people, std::string id) {
  SignedInRow row(people);
  const Value key(std::move(id));
  CO_TRY_VOID(co_await store.read(ctx, find_statement(people), std::span(&key, 1), row));
  co_return std::move(row.found);
}

Task<Result<std::optional<SignedIn>>> find_session(db::Tx& tx, const People& people,
                                                   std::string id) {
  SignedInRow row(people);
  const Value key(std::move(id));
  CO_TRY_VOID(co_await tx.run(find_statement(people), std::span(&key, 1), &row));
  co_return std::move(row.found);
}

Task<Result<Bearing>> begin_session(db::WriteTx& tx, Random& random, Person person,
                                    NewSession wanted, Origin origin, Timestamp now) {
  static const db::StatementRef insert_sql = db::Statement::make(
      "INSERT INTO mettle_sessions(id, user_id, kind, secret, generation, rotated_at, aal, "
      "methods, created_at, last_used_at, expires_at, address, user_agent) VALUES(?1, ?2, ?3, ?4, "
      "0, ?5, ?6, ?7, ?5, ?5, ?8, ?9, ?10)");
  Session session;
  session.id = new_credential_id(random);
  session.user_id = person.id;
  session.cookie = wanted.cookie;
  session.aal = wanted.aal;
  session.methods = std::move(wanted.methods);
  session.created_at = session.rotated_at = session.last_used_at = now;
  session.expires_at = Timestamp{now.us + wanted.life.us};
  session.address = std::move(origin.address);
  session.user_agent = std::move(origin.user_agent);
  const std::string secret = new_credential_secret(random);
  session.secret_hash = secret_hash(secret);
  const std::array<Value, 10> row{Value(session.id),
                                  session.user_id,
                                  Value(std::string(wanted.cookie ? "cookie" : "token")),
                                  Value(Bytes{session.secret_hash}),
                                  Value(now),
                                  Value(session.aal),
                                  Value(stored_list(session.methods)),
                                  Value(session.expires_at),
                                  Value(session.address),
                                  Value(session.user_agent)};
  CO_TRY_VOID(co_await tx.run(insert_sql, row));
  const std::string_view prefix = wanted.cookie ? kCookiePrefix : kRefreshPrefix;
  std::string credential = credential_text(prefix, session.id, secret);
  co_return Bearing{SignedIn{std::move(session), std::move(person)}, std::move(credential)};
}

Task<Result<Bearing>> refresh_session(Context& ctx, db::Store& store,
                                      std::shared_ptr<const People> people, Refresh refresh) {
  const Timestamp now = ctx.seams().clock->now();
  const auto unit = std::make_shared<RefreshUnit>(std::move(people), std::move(refresh), now);
  CO_TRY_VOID(co_await store.write(ctx, unit));
  if (!unit->bearing) co_return fail(refused());
  co_return std::move(*unit->bearing);
}

Task<Result<std::vector<Session>>> list_sessions(Context& ctx, db::Store& store, Value user,
                                                 Timestamp now) {
  static const db::StatementRef list_sql = db::Statement::make(
      fmt::format("SELECT {} FROM mettle_sessions s WHERE s.user_id = ?1 AND s.revoked_at IS NULL "
                  "AND s.expires_at > ?2 ORDER BY s.last_used_at DESC, s.id LIMIT 1000",
                  kColumns));
  SessionRows rows;
  const std::array<Value, 2> values{std::move(user), Value(now)};
  CO_TRY_VOID(co_await store.read(ctx, list_sql, values, rows));
  co_return std::move(rows.found);
}

Task<Result<int64_t>> end_session(db::WriteTx& tx, Value user, std::string id, std::string_view why,
                                  Timestamp now) {
  static const db::StatementRef end_sql = db::Statement::make(
      "UPDATE mettle_sessions SET revoked_at = ?3, revoked_by = ?4 WHERE id = ?2 AND user_id = ?1 "
      "AND revoked_at IS NULL");
  const std::array<Value, 4> values{std::move(user), Value(std::move(id)), Value(now),
                                    Value(std::string(why))};
  co_return co_await tx.run(end_sql, values);
}

Task<Result<int64_t>> end_sessions(db::WriteTx& tx, Value user, std::string except,
                                   std::string_view why, Timestamp now) {
  static const db::StatementRef end_sql = db::Statement::make(
      "UPDATE mettle_sessions SET revoked_at = ?3, revoked_by = ?4 WHERE user_id = ?1 AND id <> ?2 "
      "AND revoked_at IS NULL");
  const std::array<Value, 4> values{std::move(user), Value(std::move(except)), Value(now),
                                    Value(std::string(why))};
  co_return co_await tx.run(end_sql, values);
}

Task<Result<>> raise_session(db::WriteTx& tx, std::string id) {
  static const db::StatementRef raise_sql = db::Statement::make(
      "UPDATE mettle_sessions SET aal = 2, methods = json_insert(methods, '$[#]', 'otp') WHERE id "
      "= ?1 AND aal < 2");
  const Value key(std::move(id));
  CO_TRY_VOID(co_await tx.run(raise_sql, std::span(&key, 1)));
  co_return Result<>();
}

Task<Result<std::string>> session_state(Context& ctx, db::Store& store, std::string id,
                                        Timestamp now) {
  static const db::StatementRef find_sql = db::Statement::make(
      fmt::format("SELECT {} FROM mettle_sessions s WHERE s.id = ?1", kColumns));
  SessionRows rows;
  const Value key(std::move(id));
  CO_TRY_VOID(co_await store.read(ctx, find_sql, std::span(&key, 1), rows));
  if (rows.found.empty()) co_return std::string("its session is not there");
  const Session& session = rows.found[0];
  if (session.revoked_at) {
    co_return "its session was ended at " + format_timestamp(*session.revoked_at);
  }
  if (session.expires_at <= now) {
    co_return "its session expired at " + format_timestamp(session.expires_at);
  }
  co_return std::string();
}

Task<Result<>> touch_session(Context& ctx, db::Store& store, std::string id, Duration life) {
  static const db::StatementRef touch_sql = db::Statement::make(
      "UPDATE mettle_sessions SET last_used_at = ?2, expires_at = ?3 WHERE id = ?1 AND revoked_at "
      "IS NULL");
  const Timestamp now = ctx.seams().clock->now();
  std::vector<Value> values{Value(std::move(id)), Value(now), Value(Timestamp{now.us + life.us})};
  CO_TRY_VOID(co_await db::write_one(ctx, store, touch_sql, std::move(values)));
  co_return Result<>();
}

}  // namespace mettle::auth

#include "features/auth/invitations.h"

#include <fmt/format.h>

#include <array>

#include "base/crypto.h"
#include "base/mutant.h"
#include "features/auth/credential.h"
#include "features/auth/stored_list.h"

namespace mettle::auth {
namespace {

constexpr std::string_view kPrefix = "mti_";
constexpr std::string_view kColumns =
    "id, email, roles, inviter, created_at, expires_at, accepted_at, revoked_at, secret";

class InvitationRows final : public db::RowSink {
 public:
  void restart() override { found.clear(); }
  Result<bool> on_row(const db::Row& row) override {
    Invitation one;
    one.id = row.text(0);
    one.email = row.text(1);
    one.roles = parse_stored_list(row.text(2));
    one.inviter = row.text(3);
    one.created_at = Timestamp{row.int64(4)};
    one.expires_at = Timestamp{row.int64(5)};
    if (!row.is_null(6)) one.accepted_at = Timestamp{row.int64(6)};
    if (!row.is_null(7)) one.revoked_at = Timestamp{row.int64(7)};
    one.secret_hash = row.blob(8);
    found.push_back(std::move(one));
    return true;
  }
  std::vector<Invitation> found;
};

const db::StatementRef& by_id() {
  static const db::StatementRef find_sql =
      db::Statement::make(fmt::format("SELECT {} FROM mettle_invitations WHERE id = ?1", kColumns));
  return find_sql;
}

// Of what was found under the token's id.
std::optional<Invitation> opened(std::vector<Invitation> found, std::string_view secret,
                                 Timestamp now) {
  if (found.empty()) return std::nullopt;
  const bool right = equal_in_constant_time(secret_hash(secret), found[0].secret_hash);
  const bool works =
      found[0].works_at(now) || (found[0].accepted_at && planted(Mutant::kInvitationStays));
  if (!right || !works) return std::nullopt;
  return std::move(found[0]);
}

}  // namespace

std::vector<std::string> invitation_tables() {
  return {
      "CREATE TABLE IF NOT EXISTS mettle_invitations (id TEXT PRIMARY KEY, email TEXT NOT NULL, "
      "roles TEXT NOT NULL, secret BLOB NOT NULL, inviter TEXT NOT NULL, created_at INTEGER NOT "
      "NULL, expires_at INTEGER NOT NULL, accepted_at INTEGER, revoked_at INTEGER) STRICT, WITHOUT "
      "ROWID",
      "CREATE INDEX IF NOT EXISTS mettle_invitations_email ON mettle_invitations(email)",
      "CREATE INDEX IF NOT EXISTS mettle_invitations_inviter ON mettle_invitations(inviter, "
      "created_at)",
      "CREATE INDEX IF NOT EXISTS mettle_invitations_expires ON mettle_invitations(expires_at)"};
}

std::string_view Invitation::state_at(Timestamp now) const {
  if (accepted_at) return "accepted";
  if (revoked_at) return "revoked";
  return expires_at > now ? "pending" : "expired";
}

Task<Result<IssuedInvitation>> issue_invitation(db::WriteTx& tx, Random& random,
                                                NewInvitation wanted, Timestamp now) {
  static const db::StatementRef insert_sql = db::Statement::make(
      "INSERT INTO mettle_invitations(id, email, roles, secret, inviter, created_at, expires_at) "
      "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)");
  Invitation made;
  made.id = new_credential_id(random);
  made.email = std::move(wanted.email);
  made.roles = std::move(wanted.roles);
  made.inviter = std::move(wanted.inviter);
  made.created_at = now;
  made.expires_at = Timestamp{now.us + wanted.life.us};
  const std::string secret = new_credential_secret(random);
  made.secret_hash = secret_hash(secret);
  const std::array<Value, 7> row{Value(made.id),
                                 Value(made.email),
                                 Value(stored_list(made.roles)),
                                 Value(Bytes{made.secret_hash}),
                                 Value(made.inviter),
                                 Value(now),
                                 Value(made.expires_at)};
  CO_TRY_VOID(co_await tx.run(insert_sql, row));
  std::string token = credential_text(kPrefix, made.id, secret);
  co_return IssuedInvitation{std::move(made), std::move(token)};
}

Task<Result<std::optional<Invitation>>> find_invitation(Context& ctx, db::Store& store,
                                                        std::string token) {
  const auto parsed = parse_credential(kPrefix, token);
  if (!parsed) co_return std::optional<Invitation>();
  InvitationRows rows;
  const Value id(parsed->id);
  CO_TRY_VOID(co_await store.read(ctx, by_id(), std::span(&id, 1), rows));
  co_return opened(std::move(rows.found), parsed->secret, ctx.seams().clock->now());
}

Task<Result<std::optional<Invitation>>> find_invitation(db::Tx& tx, std::string token,
                                                        Timestamp now) {
  const auto parsed = parse_credential(kPrefix, token);
  if (!parsed) co_return std::optional<Invitation>();
  InvitationRows rows;
  const Value id(parsed->id);
  CO_TRY_VOID(co_await tx.run(by_id(), std::span(&id, 1), &rows));
  co_return opened(std::move(rows.found), parsed->secret, now);
}

Task<Result<std::vector<Invitation>>> find_invitations_to(db::Tx& tx, std::string email,
                                                          Timestamp now) {
  static const db::StatementRef find_sql = db::Statement::make(
      fmt::format("SELECT {} FROM mettle_invitations WHERE email = ?1 AND accepted_at IS NULL AND "
                  "revoked_at IS NULL AND expires_at > ?2 ORDER BY created_at DESC LIMIT 10",
                  kColumns));
  InvitationRows rows;
  const std::array<Value, 2> values{Value(std::move(email)), Value(now)};
  CO_TRY_VOID(co_await tx.run(find_sql, values, &rows));
  co_return std::move(rows.found);
}

Task<Result<>> accept_invitation(db::WriteTx& tx, std::string id, Timestamp now) {
  static const db::StatementRef accept_sql =
      db::Statement::make("UPDATE mettle_invitations SET accepted_at = ?2 WHERE id = ?1");
  const std::array<Value, 2> values{Value(std::move(id)), Value(now)};
  CO_TRY_VOID(co_await tx.run(accept_sql, values));
  co_return Result<>();
}

Task<Result<std::vector<Invitation>>> list_invitations(Context& ctx, db::Store& store,
                                                       std::string inviter) {
  static const db::StatementRef all_sql = db::Statement::make(fmt::format(
      "SELECT {} FROM mettle_invitations ORDER BY created_at DESC, id LIMIT 1000", kColumns));
  static const db::StatementRef own_sql = db::Statement::make(
      fmt::format("SELECT {} FROM mettle_invitations WHERE inviter = ?1 ORDER BY created_at DESC, "
                  "id LIMIT 1000",
                  kColumns));
  InvitationRows rows;
  if (inviter.empty()) {
    const db::ReadHints all{.scan = true};
    CO_TRY_VOID(co_await store.read(ctx, all_sql, {}, rows, all));
  } else {
    const Value value(std::move(inviter));
    CO_TRY_VOID(co_await store.read(ctx, own_sql, std::span(&value, 1), rows));
  }
  co_return std::move(rows.found);
}

Task<Result<bool>> revoke_invitation(db::WriteTx& tx, std::string id, std::string inviter,
                                     Timestamp now) {
  static const db::StatementRef revoke_sql = db::Statement::make(
      "UPDATE mettle_invitations SET revoked_at = ?3 WHERE id = ?1 AND (?2 = '' OR inviter = ?2) "
      "AND accepted_at IS NULL AND revoked_at IS NULL");
  const std::array<Value, 3> values{Value(std::move(id)), Value(std::move(inviter)), Value(now)};
  CO_TRY(const int64_t changed, co_await tx.run(revoke_sql, values));
  co_return changed > 0;
}

}  // namespace mettle::auth

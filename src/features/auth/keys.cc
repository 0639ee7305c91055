#include "features/auth/keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/crypto.h"
#include "base/id.h"
#include "base/mutant.h"
#include "db/dialect.h"
#include "db/one_statement.h"
#include "features/auth/audit.h"
#include "features/auth/credential.h"
#include "features/auth/roles.h"
#include "features/auth/services.h"
#include "features/auth/stored_list.h"

namespace mettle::auth {

namespace {

std::optional<Timestamp> time_of_column(const db::Row& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return Timestamp{row.int64(column)};
}

constexpr std::string_view kColumns =
    "id, name, roles, scopes, user_id, created_at, expires_at, last_used_at, revoked_at, hash, "
    "service";

class KeyRows final : public db::RowSink {
 public:
  void restart() override {
    keys.clear();
    hash.clear();
  }
  Result<bool> on_row(const db::Row& row) override {
    Key key;
    key.id = row.text(0);
    key.name = row.text(1);
    key.roles = parse_stored_list(row.text(2));
    key.scopes = parse_stored_list(row.text(3));
    if (!row.is_null(4)) key.user_id = row.text(4);
    key.created_at = Timestamp{row.int64(5)};
    key.expires_at = time_of_column(row, 6);
    key.last_used_at = time_of_column(row, 7);
    key.revoked_at = time_of_column(row, 8);
    hash = row.blob(9);
    if (!row.is_null(10)) key.service = row.text(10);
    keys.push_back(std::move(key));
    return true;
  }
  std::vector<Key> keys;
  std::string hash;  // of the last one
};

std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out.empty() ? "none" : out;
}

Task<Result<>> note(db::WriteTx& tx, std::string_view event, Value user, std::string detail,
                    Timestamp now) {
  Origin origin;
  origin.actor = "cli";
  const AuditEvent made{.event = event, .user = std::move(user), .detail = std::move(detail)};
  co_return co_await audit(tx, made, origin, now);
}

// A key and, before it, a look whether there is whom it stands for.
class CreateUnit final : public db::WriteUnit {
 public:
  CreateUnit(std::string id, NewKey key, std::vector<Value> row, db::StatementRef find_user,
             Value user, Timestamp now)
      : id_(std::move(id)),
        key_(std::move(key)),
        row_(std::move(row)),
        find_user_(std::move(find_user)),
        user_(std::move(user)),
        now_(now) {}

  Task<Result<>> run(db::WriteTx& tx) override {
    static const db::StatementRef insert_sql = db::Statement::make(
        "INSERT INTO mettle_keys (id, name, hash, roles, scopes, user_id, created_at, expires_at, "
        "service) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    if (find_user_) {
      db::AnyRow user;
      CO_TRY_VOID(co_await tx.run(find_user_, std::span(&user_, 1), &user));
      if (!user.found) co_return fail(Code::kInvalid, "there is no such user");
    }
    if (!key_.service.empty()) {
      CO_TRY(const std::optional<Service> service, co_await find_service(tx, key_.service));
      if (!service) co_return fail(Code::kInvalid, "there is no service account " + key_.service);
      for (const std::string& role : key_.roles) {
        if (std::ranges::count(service->roles, role) > 0) continue;
        co_return fail(Code::kInvalid, fmt::format("{} has not the role {}; it has {}",
                                                   key_.service, role, listed(service->roles)));
      }
    }
    CO_TRY_VOID(co_await tx.run(insert_sql, row_));
    std::string whose;
    if (!key_.service.empty()) whose = " for service:" + key_.service;
    if (!key_.user_id.empty()) whose = " for user:" + key_.user_id;
    co_return co_await note(tx, "key_created", find_user_ ? user_ : Value(),
                            fmt::format("key:{}{}", id_, whose), now_);
  }

 private:
  const std::string id_;
  const NewKey key_;
  const std::vector<Value> row_;
  const db::StatementRef find_user_;
  const Value user_;
  const Timestamp now_;
};

class RevokeUnit final : public db::WriteUnit {
 public:
  RevokeUnit(std::string id, Timestamp now) : id_(std::move(id)), now_(now) {}
  Task<Result<>> run(db::WriteTx& tx) override {
    static const db::StatementRef revoke_sql = db::Statement::make(
        "UPDATE mettle_keys SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1");
    const std::vector<Value> values{Value(id_), Value(now_)};
    CO_TRY(const int64_t changed, co_await tx.run(revoke_sql, values));
    if (changed == 0) co_return fail(Code::kNotFound, "there is no key of that id");
    co_return co_await note(tx, "key_revoked", Value(), "key:" + id_, now_);
  }

 private:
  const std::string id_;
  const Timestamp now_;
};

// RFC 6749 section 3.3: scope tokens.
bool is_scope(std::string_view text) {
  return !text.empty() && text.size() <= 100 && std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '\\';
  });
}

Result<> check_new(const model::AppModel& app, const NewKey& key) {
  TRY_VOID(check_roles(app, key.roles));
  for (const std::string& scope : key.scopes) {
    if (is_scope(scope)) continue;
    return fail(Code::kInvalid, "a scope is printable ASCII without spaces, \" and \\");
  }
  if (!key.user_id.empty() && !key.service.empty()) {
    return fail(Code::kInvalid, "a key stands for a user or for a service account, not for both");
  }
  if (key.user_id.empty()) return {};
  if (app.auth.table < 0) {
    return fail(Code::kInvalid, "the app names no auth.table, so it has no users");
  }
  if (user_id_value(app, key.user_id).is_unknown()) {
    return fail(Code::kInvalid, fmt::format("{} cannot be the id of a row of {}", key.user_id,
                                            app.tables[static_cast<size_t>(app.auth.table)].name));
  }
  return {};
}

}  // namespace

bool Key::works_at(Timestamp now) const {
  if (revoked_at && !planted(Mutant::kRevokedKeyWorks)) return false;
  return !expires_at || *expires_at > now || planted(Mutant::kExpiredKeyWorks);
}

std::vector<std::string> key_tables() {
  return {
      "CREATE TABLE IF NOT EXISTS mettle_keys (id TEXT PRIMARY KEY, name TEXT NOT NULL, hash BLOB "
      "NOT NULL, roles TEXT NOT NULL, scopes TEXT NOT NULL, user_id TEXT, created_at INTEGER NOT "
      "NULL, expires_at INTEGER, last_used_at INTEGER, revoked_at INTEGER) STRICT, WITHOUT ROWID",
      "ALTER TABLE mettle_keys ADD COLUMN service TEXT"};
}

Value user_id_value(const model::AppModel& app, std::string_view text) {
  if (app.auth.table < 0 || text.empty()) return Unknown{};
  const model::Table& users = app.tables[static_cast<size_t>(app.auth.table)];
  if (users.id_type == model::IdType::kUuid) {
    const auto uuid = parse_uuid(text);
    return uuid ? Value(*uuid) : Value(Unknown{});
  }
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? Value(number) : Value(Unknown{});
}

Task<Result<std::string>> create_key(Context& ctx, db::Store& store, const model::AppModel& app,
                                     NewKey key) {
  CO_TRY_VOID(check_new(app, key));
  Random& random = *ctx.seams().random;
  const std::string id = new_credential_id(random);
  const std::string secret = new_credential_secret(random);
  const Timestamp now = ctx.seams().clock->now();
  std::vector<Value> row{Value(id),
                         Value(key.name),
                         Value(Bytes{secret_hash(secret)}),
                         Value(stored_list(key.roles)),
                         Value(stored_list(key.scopes)),
                         key.user_id.empty() ? Value() : Value(key.user_id),
                         Value(now),
                         Value(),
                         key.service.empty() ? Value() : Value(key.service)};
  if (key.expires_in) row[7] = Value(Timestamp{now.us + key.expires_in->us});
  db::StatementRef find_user;
  Value user;
  if (!key.user_id.empty()) {
    user = user_id_value(app, key.user_id);
    const db::Dialect& sql = db::sqlite_dialect();
    find_user = db::Statement::make(
        fmt::format("SELECT 1 FROM {} WHERE {} = {}",
                    sql.table(app.tables[static_cast<size_t>(app.auth.table)].name),
                    sql.identifier("id"), sql.parameter(1)));
  }
  const auto unit = std::make_shared<CreateUnit>(id, std::move(key), std::move(row),
                                                 std::move(find_user), std::move(user), now);
  CO_TRY_VOID(co_await store.write(ctx, unit));
  co_return credential_text(kKeyPrefix, id, secret);
}

Task<Result<std::vector<Key>>> list_keys(Context& ctx, db::Store& store) {
  static const db::StatementRef list_sql = db::Statement::make(
      fmt::format("SELECT {} FROM mettle_keys ORDER BY created_at, id", kColumns));
  KeyRows rows;
  CO_TRY_VOID(co_await store.read(ctx, list_sql, {}, rows));
  co_return std::move(rows.keys);
}

Task<Result<>> revoke_key(Context& ctx, db::Store& store, std::string id_or_key) {
  const auto parsed = parse_credential(kKeyPrefix, id_or_key);
  const auto unit = std::make_shared<RevokeUnit>(parsed ? std::string(parsed->id) : id_or_key,
                                                 ctx.seams().clock->now());
  co_return co_await store.write(ctx, unit);
}

Task<Result<>> revoke_keys_of(db::WriteTx& tx, std::string user_id, Timestamp now) {
  static const db::StatementRef revoke_sql = db::Statement::make(
      "UPDATE mettle_keys SET revoked_at = coalesce(revoked_at, ?2) WHERE user_id = ?1");
  const std::vector<Value> values{Value(std::move(user_id)), Value(now)};
  CO_TRY_VOID(co_await tx.run(revoke_sql, values));
  co_return Result<>();
}

Task<Result<std::optional<Key>>> find_key(Context& ctx, db::Store& store, std::string text) {
  static const db::StatementRef find_sql =
      db::Statement::make(fmt::format("SELECT {} FROM mettle_keys WHERE id = ?1", kColumns));
  const auto parsed = parse_credential(kKeyPrefix, text);
  if (!parsed) co_return std::optional<Key>();
  KeyRows rows;
  const Value id(parsed->id);
  CO_TRY_VOID(co_await store.read(ctx, find_sql, std::span(&id, 1), rows));
  if (rows.keys.empty()) co_return std::optional<Key>();
  const bool right = equal_in_constant_time(secret_hash(parsed->secret), rows.hash);
  if (!right || !rows.keys[0].works_at(ctx.seams().clock->now())) co_return std::optional<Key>();
  co_return std::move(rows.keys[0]);
}

Task<Result<>> touch_key(Context& ctx, db::Store& store, std::string id) {
  static const db::StatementRef touch_sql =
      db::Statement::make("UPDATE mettle_keys SET last_used_at = ?2 WHERE id = ?1");
  std::vector<Value> values{Value(std::move(id)), Value(ctx.seams().clock->now())};
  CO_TRY_VOID(co_await db::write_one(ctx, store, touch_sql, std::move(values)));
  co_return Result<>();
}

}  // namespace mettle::auth

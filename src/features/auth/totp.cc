#include "features/auth/totp.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/crypto.h"
#include "base/mutant.h"
#include "base/text.h"
#include "features/auth/credential.h"
#include "features/auth/stored_list.h"

namespace mettle::auth {
namespace {

constexpr int64_t kUsPerSecond = 1'000'000;
constexpr int64_t kDrift = 1;  // steps that a clock may be off, either way (RFC 6238 section 5.2)
// Without what looks alike: 0 o, 1 l i.
constexpr std::string_view kCodeLetters = "abcdefghjkmnpqrstuvwxyz23456789";
constexpr size_t kCodeLength = 10;

struct Stored final : db::RowSink {
  void restart() override { found = false; }
  Result<bool> on_row(const db::Row& row) override {
    found = true;
    secret = row.blob(0);
    confirmed = !row.is_null(1);
    last_step = row.int64(2);
    recovery = parse_stored_list(row.text(3));
    return false;
  }
  bool found = false, confirmed = false;
  std::string secret;
  int64_t last_step = 0;
  std::vector<std::string> recovery;  // hashes, in hex
};

const db::StatementRef& find_statement() {
  static const db::StatementRef find_sql = db::Statement::make(
      "SELECT secret, confirmed_at, last_step, recovery FROM mettle_totp WHERE user_id = ?1");
  return find_sql;
}

// The step that the code is of, if it is one that was not used.
std::optional<int64_t> step_of(const Stored& stored, std::string_view code, Timestamp now) {
  const int64_t current = now.us / kUsPerSecond / kTotpStepS;
  std::optional<int64_t> found;
  for (int64_t step = current - kDrift; step <= current + kDrift; ++step) {
    const std::string right = hotp_code(stored.secret, static_cast<uint64_t>(step));
    const bool fresh = step > stored.last_step || planted(Mutant::kOneTimeTokenStays);
    if (equal_in_constant_time(right, code) && fresh) found = step;
  }
  return found;
}

std::string recovery_hash(std::string_view code) {
  std::string plain;
  for (const char c : code) {
    if (c != '-' && c != ' ') plain += ascii_lower(c);
  }
  return sha256_hex(plain);
}

Task<Result<>> keep_step(db::WriteTx& tx, Value user, int64_t step) {
  static const db::StatementRef keep_sql =
      db::Statement::make("UPDATE mettle_totp SET last_step = ?2 WHERE user_id = ?1");
  const std::array<Value, 2> values{std::move(user), Value(step)};
  CO_TRY_VOID(co_await tx.run(keep_sql, values));
  co_return Result<>();
}

Task<Result<>> keep_recovery(db::WriteTx& tx, Value user, std::vector<std::string> left) {
  static const db::StatementRef keep_sql =
      db::Statement::make("UPDATE mettle_totp SET recovery = ?2 WHERE user_id = ?1");
  const std::array<Value, 2> values{std::move(user), Value(stored_list(left))};
  CO_TRY_VOID(co_await tx.run(keep_sql, values));
  co_return Result<>();
}

}  // namespace

std::vector<std::string> totp_tables() {
  return {
      "CREATE TABLE IF NOT EXISTS mettle_totp (user_id ANY PRIMARY KEY, secret BLOB NOT NULL, "
      "confirmed_at INTEGER, last_step INTEGER NOT NULL DEFAULT 0, recovery TEXT NOT NULL DEFAULT "
      "'[]') STRICT, WITHOUT ROWID"};
}

std::string hotp_code(std::string_view secret, uint64_t counter) {
  std::string message(8, '\0');
  for (size_t i = 0; i < 8; ++i) message[7 - i] = static_cast<char>(counter >> (8 * i));
  const Sha1 code = hmac_sha1(secret, message);
  const size_t offset = code[19] & 0x0fU;
  const uint32_t bits = (static_cast<uint32_t>(code[offset] & 0x7fU) << 24) |
                        (static_cast<uint32_t>(code[offset + 1]) << 16) |
                        (static_cast<uint32_t>(code[offset + 2]) << 8) | code[offset + 3];
  return fmt::format("{:06}", bits % 1'000'000);
}

std::string base32(std::string_view bytes) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string out;
  uint32_t held = 0;
  int bits = 0;
  for (const char byte : bytes) {
    held = (held << 8) | static_cast<uint8_t>(byte);
    for (bits += 8; bits >= 5; bits -= 5) out += kLetters[(held >> (bits - 5)) & 31U];
  }
  if (bits > 0) out += kLetters[(held << (5 - bits)) & 31U];
  return out;
}

std::string totp_url(std::string_view issuer, std::string_view account, std::string_view secret) {
  return fmt::format("otpauth://totp/{}:{}?secret={}&issuer={}", percent_encode(issuer),
                     percent_encode(account), base32(secret), percent_encode(issuer));
}

std::string new_recovery_code(Random& random) {
  std::string out;
  while (out.size() < kCodeLength + 1) {
    if (out.size() == kCodeLength / 2) out += '-';
    std::array<uint8_t, 1> byte{};
    random.fill(byte);
    // Each letter as likely as any other.
    constexpr size_t kFair = 256 / kCodeLetters.size() * kCodeLetters.size();
    if (byte[0] < kFair) out += kCodeLetters[byte[0] % kCodeLetters.size()];
  }
  return out;
}

Task<Result<bool>> has_totp(db::Tx& tx, Value user) {
  Stored stored;
  CO_TRY_VOID(co_await tx.run(find_statement(), std::span(&user, 1), &stored));
  co_return stored.found&& stored.confirmed;
}

Task<Result<TotpState>> totp_state(Context& ctx, db::Store& store, Value user) {
  Stored stored;
  CO_TRY_VOID(co_await store.read(ctx, find_statement(), std::span(&user, 1), stored));
  if (!stored.found || !stored.confirmed) co_return TotpState();
  co_return TotpState{true, stored.recovery.size()};
}

Task<Result<>> begin_totp(db::WriteTx& tx, Value user, std::string secret) {
  static const db::StatementRef begin_sql = db::Statement::make(
      "INSERT INTO mettle_totp(user_id, secret) VALUES(?1, ?2) ON CONFLICT(user_id) DO UPDATE SET "
      "secret = excluded.secret, last_step = 0 WHERE confirmed_at IS NULL");
  const std::array<Value, 2> values{std::move(user), Value(Bytes{std::move(secret)})};
  CO_TRY(const int64_t changed, co_await tx.run(begin_sql, values));
  if (changed == 0) {
    co_return fail(Code::kConflict, "an authenticator app is set up already; remove it first");
  }
  co_return Result<>();
}

Task<Result<bool>> confirm_totp(db::WriteTx& tx, Value user, std::string code,
                                const std::vector<std::string>& recovery, Timestamp now) {
  static const db::StatementRef confirm_sql = db::Statement::make(
      "UPDATE mettle_totp SET confirmed_at = ?2, last_step = ?3, recovery = ?4 WHERE user_id = ?1");
  Stored stored;
  CO_TRY_VOID(co_await tx.run(find_statement(), std::span(&user, 1), &stored));
  if (!stored.found || stored.confirmed) {
    co_return fail(Code::kConflict, "no authenticator app waits for its first code");
  }
  const auto step = step_of(stored, code, now);
  if (!step) co_return false;
  std::vector<std::string> hashes;
  for (const std::string& one : recovery) hashes.push_back(recovery_hash(one));
  const std::array<Value, 4> values{std::move(user), Value(now), Value(*step),
                                    Value(stored_list(hashes))};
  CO_TRY_VOID(co_await tx.run(confirm_sql, values));
  co_return true;
}

Task<Result<bool>> use_totp(db::WriteTx& tx, Value user, std::string code, Timestamp now) {
  Stored stored;
  CO_TRY_VOID(co_await tx.run(find_statement(), std::span(&user, 1), &stored));
  if (!stored.found || !stored.confirmed) co_return false;
  if (const auto step = step_of(stored, code, now)) {
    CO_TRY_VOID(co_await keep_step(tx, std::move(user), *step));
    co_return true;
  }
  const auto known = std::ranges::find(stored.recovery, recovery_hash(code));
  if (known == stored.recovery.end()) co_return false;
  stored.recovery.erase(known);
  CO_TRY_VOID(co_await keep_recovery(tx, std::move(user), std::move(stored.recovery)));
  co_return true;
}

Task<Result<>> remove_totp(db::WriteTx& tx, Value user) {
  static const db::StatementRef remove_sql =
      db::Statement::make("DELETE FROM mettle_totp WHERE user_id = ?1");
  CO_TRY_VOID(co_await tx.run(remove_sql, std::span(&user, 1)));
  co_return Result<>();
}

}  // namespace mettle::auth

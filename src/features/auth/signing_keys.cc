#include "features/auth/signing_keys.h"

#include <array>

namespace mettle::auth {
namespace {

constexpr int64_t kReadEveryUs = 1'000'000;

class KeyRows final : public db::RowSink {
 public:
  void restart() override { keys.clear(); }
  Result<bool> on_row(const db::Row& row) override {
    const auto algorithm = parse_signing_algorithm(row.text(1));
    if (!algorithm) return fail(internal_error("a signing key of no known algorithm"));
    TRY(SigningKey key, SigningKey::parse(*algorithm, row.blob(2)));
    keys.push_back(RingKey{std::string(row.text(0)), std::move(key), Timestamp{row.int64(3)}});
    return true;
  }
  std::vector<RingKey> keys;
};

const db::StatementRef& select_keys() {
  static const db::StatementRef select_sql = db::Statement::make(
      "SELECT kid, algorithm, private, signs_from FROM mettle_signing_keys WHERE revoked_at IS "
      "NULL ORDER BY signs_from, kid");
  return select_sql;
}

// Adds a key: always, or only where none of its algorithm is there (two nodes that start at once
// agree on the first).
class AddKey final : public db::WriteUnit {
 public:
  enum class When : uint8_t { kMissing, kAlways };
  AddKey(RingKey key, When when, bool revoke_others, Timestamp now)
      : key_(std::move(key)), when_(when), revoke_others_(revoke_others), now_(now) {}

  Task<Result<>> run(db::WriteTx& tx) override {
    static const db::StatementRef revoke_sql = db::Statement::make(
        "UPDATE mettle_signing_keys SET revoked_at = ?1 WHERE revoked_at IS NULL");
    static const db::StatementRef insert_sql = db::Statement::make(
        "INSERT INTO mettle_signing_keys(kid, algorithm, private, created_at, signs_from) "
        "VALUES(?1, ?2, ?3, ?4, ?5)");
    if (when_ == When::kMissing) {
      KeyRows known;
      CO_TRY_VOID(co_await tx.run(select_keys(), {}, &known));
      for (const RingKey& key : known.keys) {
        if (key.key.algorithm() == key_.key.algorithm()) co_return Result<>();
      }
    }
    if (revoke_others_) {
      const Value now(now_);
      CO_TRY_VOID(co_await tx.run(revoke_sql, std::span(&now, 1)));
    }
    const std::array<Value, 5> row{
        Value(key_.kid), Value(std::string(signing_algorithm_name(key_.key.algorithm()))),
        Value(Bytes{key_.key.private_form()}), Value(now_), Value(key_.signs_from)};
    CO_TRY_VOID(co_await tx.run(insert_sql, row));
    co_return Result<>();
  }

 private:
  const RingKey key_;
  const When when_;
  const bool revoke_others_;
  const Timestamp now_;
};

RingKey fresh_key(Seams& seams, SigningAlgorithm algorithm, Timestamp signs_from) {
  SigningKey key = SigningKey::generate(algorithm, *seams.random);
  std::string kid = new_kid(key, *seams.random);
  return RingKey{std::move(kid), std::move(key), signs_from};
}

}  // namespace

std::vector<std::string> signing_key_tables() {
  return {
      "CREATE TABLE IF NOT EXISTS mettle_signing_keys (kid TEXT PRIMARY KEY, algorithm TEXT NOT "
      "NULL, private BLOB NOT NULL, created_at INTEGER NOT NULL, signs_from INTEGER NOT NULL, "
      "revoked_at INTEGER) STRICT, WITHOUT ROWID"};
}

Task<Result<std::shared_ptr<const KeyRing>>> SigningKeys::ring(Context& ctx, db::Store& store,
                                                               SigningAlgorithm algorithm,
                                                               Duration token_life) {
  const int64_t now_us = ctx.seams().clock->monotonic_us();
  {
    const std::lock_guard lock(mutex_);
    const bool same = algorithm_ == algorithm && token_life_ == token_life;
    if (ring_ && same && now_us - read_at_us_ < kReadEveryUs) co_return ring_;
  }
  KeyRows rows;
  CO_TRY_VOID(co_await store.read(ctx, select_keys(), {}, rows));
  const auto is_ours = [algorithm](const RingKey& key) { return key.key.algorithm() == algorithm; };
  if (std::ranges::none_of(rows.keys, is_ours)) {
    const Timestamp now = ctx.seams().clock->now();
    const auto unit = std::make_shared<AddKey>(fresh_key(ctx.seams(), algorithm, now),
                                               AddKey::When::kMissing, false, now);
    CO_TRY_VOID(co_await store.write(ctx, unit));
    rows.restart();
    CO_TRY_VOID(co_await store.read(ctx, select_keys(), {}, rows));
  }
  auto made = std::make_shared<const KeyRing>(std::move(rows.keys), token_life, algorithm);
  const std::lock_guard lock(mutex_);
  ring_ = made;
  algorithm_ = algorithm;
  token_life_ = token_life;
  read_at_us_ = now_us;
  co_return made;
}

Task<Result<std::string>> rotate_signing_key(Context& ctx, db::Store& store,
                                             SigningAlgorithm algorithm, Rotate how) {
  const Timestamp now = ctx.seams().clock->now();
  const bool at_once = how == Rotate::kAtOnce;
  RingKey key =
      fresh_key(ctx.seams(), algorithm, at_once ? now : Timestamp{now.us + kKeyOverlapUs});
  std::string kid = key.kid;
  CO_TRY_VOID(co_await store.write(
      ctx, std::make_shared<AddKey>(std::move(key), AddKey::When::kAlways, at_once, now)));
  co_return kid;
}

}  // namespace mettle::auth

#include "features/oauth/flows.h"

#include <array>

#include "base/crypto.h"
#include "features/auth/auth.h"

namespace mettle::oauth {
namespace {

constexpr std::string_view kStatePrefix = "mtf_";
constexpr std::string_view kTicketPrefix = "mtp_";
constexpr int64_t kBegun = 0, kAnswered = 1, kProven = 2;
constexpr int64_t kSweptAtOnce = 20;

struct Stored {
  Flow flow;
  int64_t stage = 0;
  std::string secret_hash;
  Timestamp expires_at;
};

class FlowRow final : public db::RowSink {
 public:
  void restart() override { found.reset(); }
  Result<bool> on_row(const db::Row& row) override {
    Stored stored;
    stored.stage = row.int64(0);
    stored.secret_hash = row.blob(1);
    stored.flow.browser_hash = row.blob(2);
    stored.flow.provider = row.text(3);
    stored.flow.nonce = row.text(4);
    stored.flow.verifier = row.text(5);
    stored.flow.challenge = row.text(6);
    stored.flow.return_to = row.text(7);
    stored.flow.session = row.text(8);
    stored.flow.identity = row.text(9);
    stored.expires_at = Timestamp{row.int64(10)};
    found = std::move(stored);
    return false;
  }
  std::optional<Stored> found;
};

Error refused() {
  return make_error(Code::kInvalidCredentials,
                    "this sign-in is over, or was not begun here; begin again");
}

Task<Result<>> run(db::WriteTx& tx, const db::StatementRef& statement, std::vector<Value> values) {
  CO_TRY_VOID(co_await tx.run(statement, values));
  co_return Result<>();
}

// The flow that the text leads to, in that stage.
Task<Result<Flow>> find(db::Tx& tx, std::string_view prefix, std::string text, int64_t stage,
                        Timestamp now) {
  static const db::StatementRef find_sql = db::Statement::make(
      "SELECT stage, secret, browser, provider, nonce, verifier, challenge, return_to, session, "
      "identity, expires_at FROM mettle_oauth_flows WHERE id = ?1");
  const auto parsed = auth::parse_credential(prefix, text);
  if (!parsed) co_return fail(refused());
  const Value id(parsed->id);
  FlowRow row;
  CO_TRY_VOID(co_await tx.run(find_sql, std::span(&id, 1), &row));
  if (!row.found || row.found->stage != stage || row.found->expires_at <= now ||
      !equal_in_constant_time(auth::secret_hash(parsed->secret), row.found->secret_hash)) {
    co_return fail(refused());
  }
  row.found->flow.id = parsed->id;
  co_return std::move(row.found->flow);
}

}  // namespace

std::vector<std::string> flow_tables() {
  return {
      "CREATE TABLE IF NOT EXISTS mettle_oauth_flows (id TEXT PRIMARY KEY, stage INTEGER NOT NULL, "
      "secret BLOB NOT NULL, browser BLOB NOT NULL, provider TEXT NOT NULL, nonce TEXT NOT NULL, "
      "verifier TEXT NOT NULL, challenge TEXT NOT NULL, return_to TEXT NOT NULL, session TEXT NOT "
      "NULL, identity TEXT NOT NULL, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID",
      "CREATE INDEX IF NOT EXISTS mettle_oauth_flows_expires ON mettle_oauth_flows(expires_at)"};
}

Task<Result<std::string>> begin_flow(db::WriteTx& tx, Random& random, Flow flow, Timestamp now) {
  static const db::StatementRef insert_sql = db::Statement::make(
      "INSERT INTO mettle_oauth_flows(id, stage, secret, browser, provider, nonce, verifier, "
      "challenge, return_to, session, identity, expires_at) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, "
      "?9, ?10, '', ?11)");
  // Those that nobody finished; a few with each that begins, so that they are never many.
  static const db::StatementRef sweep_sql = db::Statement::make(
      "DELETE FROM mettle_oauth_flows WHERE id IN (SELECT id FROM mettle_oauth_flows WHERE "
      "expires_at < ?1 LIMIT ?2)");
  std::vector<Value> sweep{Value(now), Value(kSweptAtOnce)};
  CO_TRY_VOID(co_await run(tx, sweep_sql, std::move(sweep)));
  const std::string id = auth::new_credential_id(random);
  const std::string secret = auth::new_credential_secret(random);
  std::vector<Value> values{Value(id),
                            Value(kBegun),
                            Value(Bytes{auth::secret_hash(secret)}),
                            Value(Bytes{flow.browser_hash}),
                            Value(flow.provider),
                            Value(flow.nonce),
                            Value(flow.verifier),
                            Value(flow.challenge),
                            Value(flow.return_to),
                            Value(flow.session),
                            Value(Timestamp{now.us + kFlowLifeUs})};
  CO_TRY_VOID(co_await run(tx, insert_sql, std::move(values)));
  co_return auth::credential_text(kStatePrefix, id, secret);
}

Task<Result<Flow>> answer_flow(db::WriteTx& tx, std::string state, std::string provider,
                               std::string browser, Timestamp now) {
  static const db::StatementRef answer_sql =
      db::Statement::make("UPDATE mettle_oauth_flows SET stage = ?2 WHERE id = ?1");
  CO_TRY(Flow flow, co_await find(tx, kStatePrefix, std::move(state), kBegun, now));
  // Another browser, or another provider (mix-up), uses nothing up.
  const bool same_browser = flow.browser_hash.empty() ||
                            equal_in_constant_time(flow.browser_hash, auth::secret_hash(browser));
  if (!same_browser || flow.provider != provider) co_return fail(refused());
  std::vector<Value> values{Value(flow.id), Value(kAnswered)};
  CO_TRY_VOID(co_await run(tx, answer_sql, std::move(values)));
  co_return flow;
}

Task<Result<std::string>> prove_flow(db::WriteTx& tx, Random& random, std::string id,
                                     std::string identity, Timestamp now) {
  static const db::StatementRef prove_sql = db::Statement::make(
      "UPDATE mettle_oauth_flows SET stage = ?2, secret = ?3, identity = ?4, expires_at = ?5, "
      "nonce "
      "= '', verifier = '' WHERE id = ?1 AND stage = ?6");
  const std::string secret = auth::new_credential_secret(random);
  std::vector<Value> values{Value(id),
                            Value(kProven),
                            Value(Bytes{auth::secret_hash(secret)}),
                            Value(std::move(identity)),
                            Value(Timestamp{now.us + kTicketLifeUs}),
                            Value(kAnswered)};
  CO_TRY(const int64_t changed, co_await tx.run(prove_sql, values));
  if (changed != 1) co_return fail(refused());
  co_return auth::credential_text(kTicketPrefix, id, secret);
}

Task<Result<Flow>> find_proven(db::Tx& tx, std::string ticket, Timestamp now) {
  return find(tx, kTicketPrefix, std::move(ticket), kProven, now);
}

Task<Result<>> spend_ticket(db::WriteTx& tx, std::string ticket, Timestamp now) {
  static const db::StatementRef delete_sql =
      db::Statement::make("DELETE FROM mettle_oauth_flows WHERE id = ?1");
  CO_TRY(const Flow flow, co_await find(tx, kTicketPrefix, std::move(ticket), kProven, now));
  std::vector<Value> values{Value(flow.id)};
  co_return co_await run(tx, delete_sql, std::move(values));
}

std::optional<std::string> flow_id_of(std::string_view text) {
  for (const std::string_view prefix : {kStatePrefix, kTicketPrefix}) {
    const auto parsed = auth::parse_credential(prefix, text);
    if (parsed) return std::string(parsed->id);
  }
  return std::nullopt;
}

}  // namespace mettle::oauth

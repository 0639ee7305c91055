#include "features/mail/mail_store.h"

#include <array>

#include "base/crypto.h"
#include "base/mutant.h"
#include "db/one_statement.h"

namespace mettle::mail {
namespace {

Value or_null(const std::optional<Timestamp>& time) {
  return time ? Value(*time) : Value();
}
std::optional<Timestamp> time_of(const db::Row& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return Timestamp{row.int64(column)};
}
std::string text_of(const db::Row& row, int column) {
  return row.is_null(column) ? std::string() : std::string(row.text(column));
}

class StoreUnit final : public db::WriteUnit {
 public:
  explicit StoreUnit(Letter letter) : letter_(std::move(letter)) {}
  Task<Result<>> run(db::WriteTx& tx) override { co_return co_await insert_letter(tx, letter_); }

 private:
  const Letter letter_;
};

class ClaimedRows final : public db::RowSink {
 public:
  void restart() override { rows.clear(); }
  Result<bool> on_row(const db::Row& row) override {
    Claimed claimed;
    Letter& letter = claimed.letter;
    letter.id = row.text(0);
    letter.about = row.text(1);
    letter.to = row.text(2);
    letter.subject = row.text(3);
    letter.text = text_of(row, 4);
    letter.html = text_of(row, 5);
    letter.created_at = Timestamp{row.int64(6)};
    letter.good_until = time_of(row, 7);
    claimed.tries = row.int64(8);
    rows.push_back(std::move(claimed));
    return true;
  }
  std::vector<Claimed> rows;
};

class ClaimUnit final : public db::WriteUnit {
 public:
  ClaimUnit(std::string claim, Timestamp until, Timestamp now, size_t count)
      : claim_(std::move(claim)),
        values_{Value(claim_), Value(until), Value(now), Value(static_cast<int64_t>(count))} {}

  Task<Result<>> run(db::WriteTx& tx) override {
    static const db::StatementRef claim_sql = db::Statement::make(
        "UPDATE mettle_mail SET state = 'sending', claim = ?1, due_at = ?2, tries = tries + 1 "
        "WHERE id IN (SELECT id FROM mettle_mail WHERE due_at <= ?3 ORDER BY due_at LIMIT ?4)");
    static const db::StatementRef read_sql = db::Statement::make(
        "SELECT id, about, recipient, subject, text, html, created_at, good_until, tries "
        "FROM mettle_mail WHERE claim = ?1 AND due_at IS NOT NULL ORDER BY created_at, id");
    sink = {};
    CO_TRY(const int64_t changed, co_await tx.run(claim_sql, values_));
    if (changed == 0) co_return Result<>();
    CO_TRY_VOID(co_await tx.run(read_sql, std::span(values_).first(1), &sink));
    for (Claimed& each : sink.rows) each.claim = claim_;
    co_return Result<>();
  }
  ClaimedRows sink;

 private:
  const std::string claim_;
  const std::array<Value, 4> values_;
};

class StateRow final : public db::RowSink {
 public:
  void restart() override { state = {}; }
  Result<bool> on_row(const db::Row& row) override {
    state.waiting = row.int64(0);
    state.next_due = time_of(row, 1);
    state.oldest = time_of(row, 2);
    state.oldest_ended = time_of(row, 3);
    return true;
  }
  OutboxState state;
};

class ListRows final : public db::RowSink {
 public:
  void restart() override { rows.clear(); }
  Result<bool> on_row(const db::Row& row) override {
    ListedLetter letter;
    letter.id = row.text(0);
    letter.about = row.text(1);
    letter.to = row.text(2);
    letter.subject = row.text(3);
    letter.state = row.text(4);
    letter.problem = text_of(row, 5);
    letter.tries = row.int64(6);
    letter.created_at = Timestamp{row.int64(7)};
    letter.due_at = time_of(row, 8);
    rows.push_back(std::move(letter));
    return true;
  }
  std::vector<ListedLetter> rows;
};

}  // namespace

std::vector<std::string> mail_tables() {
  return {
      "CREATE TABLE IF NOT EXISTS mettle_mail (id TEXT PRIMARY KEY, about TEXT NOT NULL, "
      "recipient TEXT NOT NULL, subject TEXT NOT NULL, text TEXT, html TEXT, "
      "created_at INTEGER NOT NULL, good_until INTEGER, state TEXT NOT NULL "
      "CHECK (state IN ('waiting', 'sending', 'sent', 'failed')), tries INTEGER NOT NULL, "
      "due_at INTEGER, claim TEXT, problem TEXT, ended_at INTEGER) STRICT",
      "CREATE INDEX IF NOT EXISTS mettle_mail_due ON mettle_mail (due_at) "
      "WHERE due_at IS NOT NULL",
      "CREATE INDEX IF NOT EXISTS mettle_mail_ended ON mettle_mail (ended_at) "
      "WHERE ended_at IS NOT NULL",
      "CREATE INDEX IF NOT EXISTS mettle_mail_claim ON mettle_mail (claim) WHERE claim IS NOT "
      "NULL"};
}

Task<Result<>> insert_letter(db::WriteTx& tx, const Letter& letter) {
  static const db::StatementRef insert_sql = db::Statement::make(
      "INSERT INTO mettle_mail (id, about, recipient, subject, text, html, created_at, good_until, "
      "state, tries, due_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'waiting', 0, ?7)");
  const std::array<Value, 8> values{Value(letter.id),         Value(letter.about),
                                    Value(letter.to),         Value(letter.subject),
                                    Value(letter.text),       Value(letter.html),
                                    Value(letter.created_at), or_null(letter.good_until)};
  CO_TRY_VOID(co_await tx.run(insert_sql, values));
  co_return Result<>();
}

Task<Result<>> store_letter(Context& ctx, db::Store& store, Letter letter) {
  auto unit = std::make_shared<StoreUnit>(std::move(letter));
  co_return co_await store.write(ctx, std::move(unit));
}

Task<Result<std::vector<Claimed>>> claim_letters(Context& ctx, db::Store& store, size_t count,
                                                 Timestamp until) {
  auto unit = std::make_shared<ClaimUnit>(random_token(*ctx.seams().random, 16), until,
                                          ctx.seams().clock->now(), count);
  CO_TRY_VOID(co_await store.write(ctx, unit));
  co_return std::move(unit->sink.rows);
}

Task<Result<bool>> settle_letter(Context& ctx, db::Store& store, const Claimed& claimed,
                                 Settled settled) {
  static const db::StatementRef again_sql = db::Statement::make(
      "UPDATE mettle_mail SET state = 'waiting', claim = NULL, problem = ?3, due_at = ?4 "
      "WHERE id = ?1 AND claim = ?2");
  static const db::StatementRef stolen_sql = db::Statement::make(
      "UPDATE mettle_mail SET state = ?5, claim = ?2, problem = ?3, due_at = NULL, ended_at = ?4 "
      "WHERE id = ?1");
  // A failed one keeps its text for `mettle mail retry`; a sent one must not keep its secrets.
  static const db::StatementRef end_sql = db::Statement::make(
      "UPDATE mettle_mail SET state = ?5, claim = NULL, problem = ?3, due_at = NULL, "
      "ended_at = ?4, text = CASE ?5 WHEN 'sent' THEN NULL ELSE text END, "
      "html = CASE ?5 WHEN 'sent' THEN NULL ELSE html END WHERE id = ?1 AND claim = ?2");
  const bool again = settled.outcome == Outcome::kAgain;
  std::vector<Value> values{Value(claimed.letter.id), Value(claimed.claim),
                            settled.problem.empty() ? Value() : Value(settled.problem),
                            Value(again ? settled.due : ctx.seams().clock->now())};
  if (!again) values.emplace_back(settled.outcome == Outcome::kSent ? "sent" : "failed");
  CO_TRY(const int64_t changed,
         co_await db::write_one(ctx, store,
                                again                                ? again_sql
                                : planted(Mutant::kMailClaimNotHeld) ? stolen_sql
                                                                     : end_sql,
                                std::move(values)));
  co_return changed == 1;
}

Task<Result<OutboxState>> outbox_state(Context& ctx, db::Store& store) {
  static const db::StatementRef state_sql = db::Statement::make(
      "SELECT count(*), min(due_at), min(created_at), "
      "(SELECT min(ended_at) FROM mettle_mail WHERE ended_at IS NOT NULL) "
      "FROM mettle_mail WHERE due_at IS NOT NULL");
  StateRow sink;
  CO_TRY_VOID(co_await store.read(ctx, state_sql, {}, sink));
  co_return sink.state;
}

Task<Result<>> forget_letters(Context& ctx, db::Store& store, Timestamp before) {
  static const db::StatementRef forget_sql = db::Statement::make(
      "DELETE FROM mettle_mail WHERE id IN "
      "(SELECT id FROM mettle_mail WHERE ended_at < ?1 ORDER BY ended_at LIMIT 1000)");
  std::vector<Value> values{Value(before)};
  CO_TRY_VOID(co_await db::write_one(ctx, store, forget_sql, std::move(values)));
  co_return Result<>();
}

Task<Result<>> release_claims(Context& ctx, db::Store& store) {
  static const db::StatementRef claimed_sql =
      db::Statement::make("SELECT 1 FROM mettle_mail WHERE claim IS NOT NULL LIMIT 1");
  static const db::StatementRef release_sql = db::Statement::make(
      "UPDATE mettle_mail SET state = 'waiting', claim = NULL, due_at = ?1 WHERE claim IS NOT "
      "NULL");
  // Nearly every start finds none, and then commits nothing.
  db::AnyRow any;
  CO_TRY_VOID(co_await store.read(ctx, claimed_sql, {}, any));
  if (!any.found) co_return Result<>();
  std::vector<Value> values{Value(ctx.seams().clock->now())};
  CO_TRY_VOID(co_await db::write_one(ctx, store, release_sql, std::move(values)));
  co_return Result<>();
}

Task<Result<std::vector<ListedLetter>>> list_letters(Context& ctx, db::Store& store,
                                                     std::string state, int64_t count) {
  static const db::StatementRef list_sql = db::Statement::make(
      "SELECT id, about, recipient, subject, state, problem, tries, created_at, due_at "
      "FROM mettle_mail WHERE ?1 = '' OR state = ?1 ORDER BY created_at DESC, id DESC LIMIT ?2");
  const std::array<Value, 2> values{Value(std::move(state)), Value(count)};
  ListRows sink;
  const db::ReadHints hints{.scan = true};
  CO_TRY_VOID(co_await store.read(ctx, list_sql, values, sink, hints));
  co_return std::move(sink.rows);
}

Task<Result<int64_t>> retry_letters(Context& ctx, db::Store& store, std::string id) {
  // What it was good for may have ended meanwhile: who retries wants it sent all the same.
  static const db::StatementRef retry_sql = db::Statement::make(
      "UPDATE mettle_mail SET state = 'waiting', tries = 0, due_at = ?1, ended_at = NULL, "
      "good_until = NULL WHERE state = 'failed' AND (?2 = '' OR id = ?2)");
  std::vector<Value> values{Value(ctx.seams().clock->now()), Value(std::move(id))};
  co_return co_await db::write_one(ctx, store, retry_sql, std::move(values));
}

}  // namespace mettle::mail

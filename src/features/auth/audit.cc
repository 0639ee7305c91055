#include "features/auth/audit.h"

#include <array>

#include "features/auth/people.h"

namespace mettle::auth {
namespace {

Value text_or_null(std::string_view text) {
  return text.empty() ? Value() : Value(std::string(text));
}

class AuditUnit final : public db::WriteUnit {
 public:
  AuditUnit(AuditEvent event, Origin origin, Timestamp now)
      : event_(std::move(event)), origin_(std::move(origin)), now_(now) {}
  Task<Result<>> run(db::WriteTx& tx) override { return audit(tx, event_, origin_, now_); }

 private:
  const AuditEvent event_;
  const Origin origin_;
  const Timestamp now_;
};

class Records final : public db::RowSink {
 public:
  void restart() override { found.clear(); }
  Result<bool> on_row(const db::Row& row) override {
    AuditRecord record;
    record.seq = row.int64(0);
    record.at = Timestamp{row.int64(1)};
    std::array<std::string*, 8> texts{&record.event,      &record.outcome, &record.user,
                                      &record.actor,      &record.address, &record.user_agent,
                                      &record.request_id, &record.detail};
    for (int i = 0; i < 8; ++i) {
      if (!row.is_null(i + 2)) *texts[static_cast<size_t>(i)] = row.text(i + 2);
    }
    found.push_back(std::move(record));
    return true;
  }
  std::vector<AuditRecord> found;
};

}  // namespace

std::vector<std::string> audit_tables() {
  return {
      "CREATE TABLE IF NOT EXISTS mettle_audit (seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER "
      "NOT NULL, event TEXT NOT NULL, outcome TEXT NOT NULL, user_id TEXT, actor TEXT, address "
      "TEXT, user_agent TEXT, request_id TEXT, detail TEXT) STRICT",
      "CREATE INDEX IF NOT EXISTS mettle_audit_user ON mettle_audit(user_id, seq)",
      "CREATE INDEX IF NOT EXISTS mettle_audit_at ON mettle_audit(at)",
      "CREATE TRIGGER IF NOT EXISTS mettle_audit_is_kept BEFORE UPDATE ON mettle_audit BEGIN "
      "SELECT RAISE(ABORT, 'the audit log is only added to'); END"};
}

Task<Result<>> audit(db::WriteTx& tx, const AuditEvent& event, const Origin& origin,
                     Timestamp now) {
  static const db::StatementRef insert_sql = db::Statement::make(
      "INSERT INTO mettle_audit(at, event, outcome, user_id, actor, address, user_agent, "
      "request_id, detail) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
  const std::array<Value, 9> row{Value(now),
                                 Value(std::string(event.event)),
                                 Value(std::string(event.outcome)),
                                 event.user.is_null() ? Value() : Value(id_text(event.user)),
                                 text_or_null(origin.actor),
                                 text_or_null(origin.address),
                                 text_or_null(origin.user_agent),
                                 text_or_null(origin.request_id),
                                 text_or_null(event.detail)};
  CO_TRY_VOID(co_await tx.run(insert_sql, row));
  co_return Result<>();
}

Task<Result<>> audit(Context& ctx, db::Store& store, AuditEvent event, Origin origin) {
  const Timestamp now = ctx.seams().clock->now();
  co_return co_await store.write(
      ctx, std::make_shared<AuditUnit>(std::move(event), std::move(origin), now));
}

Task<Result<std::vector<AuditRecord>>> read_audit(Context& ctx, db::Store& store,
                                                  AuditQuery query) {
  static const db::StatementRef read_sql = db::Statement::make(
      "SELECT seq, at, event, outcome, user_id, actor, address, user_agent, request_id, detail "
      "FROM mettle_audit WHERE seq < ?1 AND (?2 IS NULL OR event = ?2) AND (?3 IS NULL OR user_id "
      "= ?3) AND (?4 IS NULL OR at >= ?4) ORDER BY seq DESC LIMIT ?5");
  const std::array<Value, 5> values{
      Value(query.before_seq), text_or_null(query.event), text_or_null(query.user),
      query.since ? Value(*query.since) : Value(), Value(query.limit)};
  Records records;
  const db::ReadHints all{.scan = true};
  CO_TRY_VOID(co_await store.read(ctx, read_sql, values, records, all));
  co_return std::move(records.found);
}

}  // namespace mettle::auth

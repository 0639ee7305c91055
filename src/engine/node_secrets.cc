#include "engine/node_secrets.h"

#include <array>

namespace mettle::engine {
namespace {

constexpr size_t kBytes = 32;

class FirstBlob final : public db::RowSink {
 public:
  Result<bool> on_row(const db::Row& row) override {
    found = std::string(row.blob(0));
    return false;
  }
  void restart() override { found.clear(); }
  std::string found;
};

// Keeps what is there, so that two nodes that start at once agree.
class KeepSecret final : public db::WriteUnit {
 public:
  KeepSecret(std::string name, Bytes fresh, Timestamp now)
      : name_(std::move(name)), fresh_(std::move(fresh)), now_(now) {}
  Task<Result<>> run(db::WriteTx& tx) override {
    static const db::StatementRef kTable = db::Statement::make(
        "CREATE TABLE IF NOT EXISTS mettle_secrets"
        "(name TEXT PRIMARY KEY, value BLOB NOT NULL, created_at INTEGER NOT NULL) STRICT");
    static const db::StatementRef kInsert = db::Statement::make(
        "INSERT INTO mettle_secrets(name, value, created_at) VALUES(?1, ?2, ?3) "
        "ON CONFLICT DO NOTHING");
    static const db::StatementRef kSelect =
        db::Statement::make("SELECT value FROM mettle_secrets WHERE name = ?1");
    CO_TRY_VOID(co_await tx.run(kTable, {}));
    const std::array<Value, 3> row{Value(name_), Value(fresh_), Value(now_)};
    CO_TRY_VOID(co_await tx.run(kInsert, row));
    FirstBlob sink;
    CO_TRY_VOID(co_await tx.run(kSelect, std::span(row).first(1), &sink));
    secret = std::move(sink.found);
    co_return Result<>();
  }
  std::string secret;

 private:
  const std::string name_;
  const Bytes fresh_;
  const Timestamp now_;
};

}  // namespace

Task<Result<std::string>> node_secret(Context& ctx, db::Store& store, std::string name) {
  Bytes fresh{std::string(kBytes, '\0')};
  ctx.seams().random->fill({reinterpret_cast<uint8_t*>(fresh.data.data()), kBytes});
  auto unit =
      std::make_shared<KeepSecret>(std::move(name), std::move(fresh), ctx.seams().clock->now());
  CO_TRY_VOID(co_await store.write(ctx, unit));
  if (unit->secret.size() != kBytes) {
    co_return fail(internal_error("mettle_secrets holds a secret of the wrong length"));
  }
  co_return unit->secret;
}

}  // namespace mettle::engine

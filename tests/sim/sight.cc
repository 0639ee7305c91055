#include "sim/sight.h"

namespace mettle::sim {
namespace {

class EntriesSink final : public db::RowSink {
 public:
  explicit EntriesSink(Sight& sight) : sight_(sight) {}
  Result<bool> on_row(const db::Row& row) override {
    sight_.entries.push_back({row.int64(0), row.int64(1), row.int64(2)});
    return true;
  }
  void restart() override { sight_.entries.clear(); }

 private:
  Sight& sight_;
};

class HitsSink final : public db::RowSink {
 public:
  explicit HitsSink(Sight& sight) : sight_(sight) {}
  Result<bool> on_row(const db::Row& row) override {
    sight_.hits[row.int64(0)] = row.int64(1);
    return true;
  }
  void restart() override { sight_.hits.clear(); }

 private:
  Sight& sight_;
};

// The parts' texts are read too: rows that lost their overflow pages would show.
const db::StatementRef& entries_statement() {
  static const db::StatementRef statement = db::Statement::make(
      "SELECT op, count(*), count(DISTINCT part), sum(length(filler)) FROM entries GROUP BY op "
      "ORDER BY op");
  return statement;
}
const db::StatementRef& hits_statement() {
  static const db::StatementRef statement =
      db::Statement::make("SELECT n, hits FROM counters ORDER BY n");
  return statement;
}

}  // namespace

Task<Result<>> SightUnit::run(db::Tx& tx) {
  EntriesSink entries(sight);
  HitsSink hits(sight);
  CO_TRY_VOID(co_await tx.run(entries_statement(), {}, &entries));
  CO_TRY_VOID(co_await tx.run(hits_statement(), {}, &hits));
  co_return Result<>();
}

Result<Sight> read_sight(db::Connection& connection) {
  Sight sight;
  EntriesSink entries(sight);
  HitsSink hits(sight);
  TRY(db::CachedStatement * first, connection.prepare(entries_statement()));
  TRY_VOID(connection.run(*first, {}, &entries));
  TRY(db::CachedStatement * second, connection.prepare(hits_statement()));
  TRY_VOID(connection.run(*second, {}, &hits));
  return sight;
}

}  // namespace mettle::sim

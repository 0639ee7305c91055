#include "db/one_statement.h"

#include <utility>

namespace mettle::db {
namespace {

class OneStatement final : public WriteUnit {
 public:
  OneStatement(StatementRef statement, std::vector<Value> values)
      : statement_(std::move(statement)), values_(std::move(values)) {}
  Task<Result<>> run(WriteTx& tx) override {
    CO_TRY(changed, co_await tx.run(statement_, values_));
    co_return Result<>();
  }
  int64_t changed = 0;

 private:
  const StatementRef statement_;
  const std::vector<Value> values_;
};

}  // namespace

Task<Result<int64_t>> write_one(Context& ctx, Store& store, StatementRef statement,
                                std::vector<Value> values) {
  const auto unit = std::make_shared<OneStatement>(std::move(statement), std::move(values));
  CO_TRY_VOID(co_await store.write(ctx, unit));
  co_return unit->changed;
}

}  // namespace mettle::db

#include "records/tenant.h"

#include <array>

#include "base/mutant.h"

namespace mettle::records {

namespace {

class Found final : public db::RowSink {
 public:
  void restart() override { any = false; }
  Result<bool> on_row(const db::Row& /*row*/) override {
    any = true;
    return false;
  }
  bool any = false;
};

bool same(const Value& a, const Value& b) {
  return a.storage() == b.storage();
}

// Whether the row that `column` leads to has to be looked for.
bool is_asked(const Catalog& catalog, const TableInfo& table, const ColumnInfo& column,
              const StoredRow* before, const StoredRow& after) {
  const model::Shape& shape = column.column->shape;
  if (shape.type != model::Type::kReference || column.index == table.tenant()) return false;
  const TableInfo& target = catalog.table(shape.references);
  const Value& value = after[column.index];
  if (target.tenant() < 0 || value.is_null()) return false;
  if (target.index == table.index && same(value, after[0])) return false;  // itself
  return before == nullptr || !same(value, (*before)[column.index]) ||
         !same((*before)[table.tenant()], after[table.tenant()]);
}

}  // namespace

Result<> within_tenant(const WriteScope& scope, const TableInfo& table, const StoredRow& row,
                       Authority authority, std::string_view action) {
  if (table.tenant() < 0 || authority != Authority::kApp) return {};
  const Value& tenant = scope.who().tenant;
  if (!tenant.is_unknown() && same(tenant, row[table.tenant()])) return {};
  if (planted(Mutant::kTenantNotInStepWrites)) return {};
  return fail(refused(scope.who(), action, table.table->name));
}

db::StatementRef find_in_tenant(const Catalog& catalog, const TableInfo& table) {
  return catalog.cached<db::Statement>(fmt::format("T{}", table.index), [&] {
    const auto name = [&table](int column) -> const std::string& {
      return table.columns[static_cast<size_t>(column)].sql_name;
    };
    const db::Dialect& dialect = catalog.dialect();
    return db::Statement::make(
        fmt::format("SELECT 1 FROM {} WHERE {} = {} AND {} = {}", table.sql_name, name(0),
                    dialect.parameter(1), name(table.tenant()), dialect.parameter(2)),
        {{Kind::kInt, 0}});
  });
}

Task<Result<>> references_within(WriteScope& scope, const TableInfo& table, const StoredRow* before,
                                 const StoredRow& after, const std::string& pointer) {
  if (table.tenant() < 0 || planted(Mutant::kTenantNotInReferences)) co_return Result<>();
  const Catalog& catalog = scope.catalog();
  std::vector<Fault> faults;
  for (const ColumnInfo& column : table.columns) {
    if (!is_asked(catalog, table, column, before, after)) continue;
    const TableInfo& target = catalog.table(column.column->shape.references);
    const std::array<Value, 2> values{after[column.index], after[table.tenant()]};
    Found found;
    CO_TRY_VOID(co_await scope.tx().run(find_in_tenant(catalog, target), values, &found));
    if (found.any) continue;
    faults.push_back({pointer_to(pointer, column.name()), Code::kReferenceMissing,
                      fmt::format("there is no such row in {}", target.table->name)});
  }
  if (faults.empty()) co_return Result<>();
  co_return fail(invalid(std::move(faults)));
}

}  // namespace mettle::records

// What the caller is shown of rows: those just written, and those that commands hand out.
#include "base/json_write.h"
#include "base/mutant.h"
#include "records/change.h"
#include "records/plan.h"

namespace mettle::records {

namespace {

class RowText final : public db::RowSink {
 public:
  explicit RowText(const Shape& shape) : shape_(shape) {}
  void restart() override { json.reset(); }
  Result<bool> on_row(const db::Row& row) override {
    render(shape_, row, json.emplace());
    return false;
  }
  std::optional<std::string> json;

 private:
  const Shape& shape_;
};

bool is_plain(const Select& select) {
  return select.all && select.items.empty();
}

// Whether the row in memory tells all: the read rule and each column's.
bool tells_all(const ResolvedSelect& top) {
  if (top.rule && top.rule->needs_sql()) return false;
  for (const ResolvedItem& item : top.items) {
    if (item.guard) return false;
  }
  return true;
}

std::shared_ptr<const Shape> memory_shape(const Catalog& catalog, const Resolved& resolved) {
  return catalog.cached<Shape>("R" + resolved.shape_key, [&] {
    auto made = std::make_shared<Shape>();
    for (const ResolvedItem& item : resolved.top.items) {
      made->fields.push_back(
          {item.key, item.path.column, item.path.kind.kind, item.path.kind.scale, false, -1});
    }
    return made;
  });
}

}  // namespace

Result<Representation> WriteScope::representation(const TableInfo& table,
                                                  const Select& select) const {
  Representation made;
  made.table = &table;
  Resolver resolver(catalog_, who_, bindings_, limits_);
  const std::vector<Value> no_key(table.key.size());  // each row's is put in its place
  auto resolved = resolver.one(table.index, no_key, select);
  if (!resolved) {
    const Code code = resolved.error().code;
    made.refused = code == Code::kForbidden || code == Code::kUnauthenticated;
    if (made.refused && is_plain(select)) return made;
    return fail(std::move(resolved.error()));
  }
  made.resolved = std::move(*resolved);
  if (is_plain(select) && tells_all(made.resolved.top)) {
    made.in_memory = memory_shape(catalog_, made.resolved);
  } else {
    made.plan = catalog_.cached<Plan>(made.resolved.shape_key,
                                      [&] { return make_plan(catalog_, made.resolved, limits_); });
  }
  return made;
}

Task<Result<std::optional<std::string>>> WriteScope::represent(const Representation& how,
                                                               const StoredRow& row) {
  if (how.refused) co_return std::optional<std::string>();
  if (how.in_memory) {
    if (how.resolved.top.rule) {
      const rules::Bindings bindings = row_bindings(*how.table, &row, nullptr);
      const Value verdict = rules::evaluate(*how.resolved.top.rule, bindings);
      if (!verdict.is_true()) co_return std::optional<std::string>();
    }
    std::string json;
    render(*how.in_memory, MemoryRow(row.values), json);
    co_return std::optional<std::string>(std::move(json));
  }
  std::vector<Value> operands = how.resolved.operands;
  for (size_t i = 0; i < how.table->key.size(); ++i) operands[i] = row[how.table->key[i]];
  const std::vector<Value> values = bind_params(how.plan->params, operands, bindings_);
  RowText sink(*how.plan->shape);
  CO_TRY_VOID(co_await tx_.run(how.plan->statement, values, &sink));
  co_return std::move(sink.json);
}

Task<Result<std::string>> WriteScope::shown(const TableInfo& table, const Value& row) {
  if (row.kind() != Kind::kMap) co_return std::string("null");
  rules::Bindings bindings = bindings_;
  if (table.has_row_dependent_columns) bindings.bind("row", row);
  std::string json;
  JsonWriter writer(json);
  writer.begin_object();
  for (const ColumnInfo& column : table.columns) {
    if (column.column->hidden) continue;
    if (column.read && !planted(Mutant::kRuleSkippedInCommand)) {
      if (!column.read->expr) continue;
      CO_TRY(const Value verdict, co_await evaluate(column.read->expr, bindings));
      if (!verdict.is_true()) continue;
    }
    const Value* value = row.find(column.name());
    writer.key_fragment(column.json_key);
    if (value == nullptr) {
      writer.null();
    } else {
      writer.value(*value);
    }
  }
  writer.end_object();
  co_return json;
}

}  // namespace mettle::records

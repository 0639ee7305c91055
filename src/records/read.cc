// Door's reads: resolve → plan (cached by shape) → one statement → rendered rows.
#include "base/crypto.h"
#include "base/json_write.h"
#include "base/mutant.h"
#include "base/text.h"
#include "records/door.h"
#include "records/etag.h"
#include "records/known_list.h"
#include "records/plan.h"

namespace mettle::records {

namespace {

// Renders a page: at most `limit` rows; one more says that there is a next page.
class PageSink final : public db::RowSink {
 public:
  PageSink(const Plan& plan, int64_t limit) : plan_(plan), limit_(limit) { restart(); }

  void restart() override {
    items_.clear();
    items_.reserve(std::min(static_cast<size_t>(limit_) * plan_.row_bytes.load(kRelaxed) + kAround,
                            kReservedMax));
    items_ += '[';
    rows_ = 0;
    more_ = false;
    last_.clear();
  }

  Result<bool> on_row(const db::Row& row) override {
    if (rows_ == limit_) {
      more_ = true;
      return false;
    }
    if (rows_ > 0) items_ += ',';
    render(*plan_.shape, row, items_);
    if (++rows_ == limit_ - (planted(Mutant::kCursorOffByOne) ? 1 : 0)) return keep_keys(row);
    return true;
  }

  Page finish() {
    items_ += ']';
    const auto row_bytes =
        static_cast<uint32_t>(items_.size() / static_cast<size_t>(std::max<int64_t>(rows_, 1))) + 1;
    if (row_bytes > plan_.row_bytes.load(kRelaxed)) plan_.row_bytes.store(row_bytes, kRelaxed);
    Page page;
    page.items = std::move(items_);
    page.rows = rows_;
    return page;
  }
  bool more() const { return more_; }
  const std::vector<std::optional<Value>>& last() const { return last_; }

 private:
  Result<bool> keep_keys(const db::Row& row) {
    for (const Plan::Key& key : plan_.keys) {
      if (row.is_null(key.column)) {
        last_.emplace_back(std::nullopt);
      } else {
        Value value = row.value(key.column, key.kind);
        if (value.is_unknown()) {
          return fail(internal_error("a sort key holds what is not of its column's kind in: " +
                                     plan_.statement->sql));
        }
        last_.emplace_back(std::move(value));
      }
    }
    return true;
  }

  static constexpr auto kRelaxed = std::memory_order_relaxed;
  static constexpr size_t kAround = 256;  // what the answer has beside its rows
  static constexpr size_t kReservedMax = 64 * 1024;
  const Plan& plan_;
  const int64_t limit_;
  std::string items_;
  int64_t rows_ = 0;
  bool more_ = false;
  std::vector<std::optional<Value>> last_;
};

class NumberSink final : public db::RowSink {
 public:
  void restart() override { value = 0; }
  Result<bool> on_row(const db::Row& row) override {
    value = row.int64(0);
    return true;
  }
  int64_t value = 0;
};

// A page and its count, in one snapshot.
class CountedPage final : public db::ReadUnit {
 public:
  CountedPage(const Plan& plan, std::vector<Value> values, std::vector<Value> count_values,
              int64_t limit)
      : sink(plan, limit),
        plan_(plan),
        values_(std::move(values)),
        count_values_(std::move(count_values)) {}

  Task<Result<>> run(db::Tx& tx) override {
    CO_TRY_VOID(co_await tx.run(plan_.statement, values_, &sink));
    CO_TRY_VOID(co_await tx.run(plan_.count, count_values_, &count));
    co_return Result<>();
  }
  void restart() override {
    sink.restart();
    count.restart();
  }

  PageSink sink;
  NumberSink count;

 private:
  const Plan& plan_;
  const std::vector<Value> values_, count_values_;
};

class RowOfOne final : public db::RowSink {
 public:
  explicit RowOfOne(const Plan& plan) : plan_(plan) {}
  void restart() override {
    found = false;
    json.clear();
  }
  Result<bool> on_row(const db::Row& row) override {
    found = true;
    json.reserve(kBytesUsual);
    render(*plan_.shape, row, json);
    version = row.int64(plan_.keys[0].column);
    created_at = row.int64(plan_.keys[1].column);
    return false;
  }
  bool found = false;
  std::string json;
  int64_t version = 0;
  int64_t created_at = 0;

 private:
  static constexpr size_t kBytesUsual = 512;
  const Plan& plan_;
};

}  // namespace

std::shared_ptr<const Plan> Door::known_plan(const Resolved& resolved) const {
  return std::static_pointer_cast<const Plan>(catalog_->find_cached(resolved.shape_key));
}

std::shared_ptr<const Plan> Door::plan(const Resolved& resolved) const {
  return catalog_->cached<Plan>(resolved.shape_key,
                                [&] { return make_plan(*catalog_, resolved, options_.limits); });
}

// The cursor's place is part of the plan's form (which keys are null), not of the cursor's own.
Result<> Door::place(Resolved& resolved, const CursorShape& shape,
                     const std::vector<db::ColumnKind>& keys, std::string_view cursor) const {
  TRY(resolved.after, decode_cursor(options_.cursor_key, shape, keys, cursor));
  resolved.after_operand = static_cast<int>(resolved.operands.size());
  resolved.shape_key += '^';
  for (const std::optional<Value>& value : resolved.after) {
    resolved.shape_key += value ? 'v' : 'n';
    resolved.operands.push_back(value.value_or(Value()));
  }
  return {};
}

Result<ListRead> Door::prepare(const Query& query, const Principal& who,
                               const rules::Bindings& bindings,
                               std::shared_ptr<const KnownList>* learned) const {
  auto known = learned == nullptr ? nullptr : std::make_shared<KnownList>();
  Resolver resolver(*catalog_, who, bindings, options_.limits, Resolver::Want::kShape,
                    known ? &known->learned : nullptr);
  TRY(Resolved resolved, resolver.list(query));
  ListRead read;
  // Whether this page is counted is part of the plan's form, too, and not of the cursor's.
  read.cursor_shape = CursorShape(resolved.shape_key);
  read.limit = resolved.limit;
  read.count = resolved.count;
  if (resolved.count) resolved.shape_key += '#';
  std::vector<db::ColumnKind> keys;
  for (const ResolvedOrder& order : resolved.top.order) keys.push_back(order.path.kind);
  if (known) {
    known->shape_key = resolved.shape_key;
    known->operands = resolved.operands;
    known->keys = keys;
  }
  if (!query.cursor.empty()) {
    TRY_VOID(place(resolved, read.cursor_shape, keys, query.cursor));
  }
  read.plan = known_plan(resolved);
  if (!read.plan) {
    TRY(Resolved all, Resolver(*catalog_, who, bindings, options_.limits).list(query));
    resolved.top = std::move(all.top);
    read.plan = plan(resolved);
  }
  read.values = bind_params(read.plan->params, resolved.operands, bindings);
  if (read.count) {
    read.count_values = bind_params(read.plan->count_params, resolved.operands, bindings);
  }
  if (known) {
    known->cursor_shape = read.cursor_shape;
    known->limit = read.limit;
    known->count = read.count;
    if (query.cursor.empty()) known->plan = read.plan;
    *learned = std::move(known);
  }
  return read;
}

std::optional<ListRead> Door::recall(const Principal& who, Timestamp now, const KnownList& known,
                                     std::span<const std::string_view> texts,
                                     std::string_view cursor) const {
  if (who.watch != nullptr) return std::nullopt;  // hears of every rule, the plain ones too
  const rules::Bindings bindings = base_bindings(who, now);
  for (const Learned::Asked& asked : known.learned.asked) {
    const Judged made = catalog_->judge(*asked.rule, bindings);
    if (made.grant != asked.grant || made.outcomes != asked.outcomes) return std::nullopt;
  }
  Resolved resolved;
  resolved.operands = known.operands;
  for (const Learned::Text& text : known.learned.texts) {
    auto value = value_from_text(*text.shape, texts[static_cast<size_t>(text.text)]);
    if (!value) return std::nullopt;
    resolved.operands[static_cast<size_t>(text.operand)] = std::move(*value);
  }
  ListRead read;
  read.plan = known.plan;
  if (!cursor.empty()) {
    resolved.shape_key = known.shape_key;
    if (!place(resolved, known.cursor_shape, known.keys, cursor)) return std::nullopt;
    read.plan = known_plan(resolved);
  }
  if (!read.plan) return std::nullopt;
  read.values = bind_params(read.plan->params, resolved.operands, bindings);
  if (known.count) {
    read.count_values = bind_params(read.plan->count_params, resolved.operands, bindings);
  }
  read.cursor_shape = known.cursor_shape;
  read.limit = known.limit;
  read.count = known.count;
  return read;
}

Task<Result<Page>> Door::list(Context& ctx, const Principal& who, const Query& query,
                              std::shared_ptr<const KnownList>* learned) {
  const rules::Bindings bindings = base_bindings(who, ctx.seams().clock->now());
  CO_TRY(ListRead read, prepare(query, who, bindings, learned));
  co_return co_await list(ctx, std::move(read));
}

Task<Result<Page>> Door::list(Context& ctx, ListRead read) {
  const auto next = [&](const PageSink& sink, Page& page) {
    if (sink.more() && !read.plan->keys.empty()) {
      page.next_cursor = encode_cursor(options_.cursor_key, read.cursor_shape, sink.last());
    }
  };
  if (!read.count) {
    PageSink sink(*read.plan, read.limit);
    CO_TRY_VOID(co_await store_->read(ctx, read.plan->statement, read.values, sink));
    Page page = sink.finish();
    next(sink, page);
    ctx.rows += static_cast<uint32_t>(page.rows);
    co_return page;
  }
  CountedPage unit(*read.plan, std::move(read.values), std::move(read.count_values), read.limit);
  CO_TRY_VOID(co_await store_->read(ctx, unit));
  Page page = unit.sink.finish();
  next(unit.sink, page);
  page.total_is_bound = unit.count.value > options_.limits.count_max;
  page.total = std::min(unit.count.value, options_.limits.count_max);
  ctx.rows += static_cast<uint32_t>(page.rows);
  co_return page;
}

Task<Result<std::string>> Door::own(Context& ctx, const Principal& who) {
  Query query;
  query.table = catalog_->model().auth.table;
  query.own = true;
  query.limit = 1;
  Filter is_own;
  is_own.form = Filter::Form::kCompare;
  is_own.path.column = "id";
  std::string id = to_json(who.id);
  if (id.starts_with('"')) id = id.substr(1, id.size() - 2);
  is_own.operands.push_back(std::move(id));
  query.filter.children.push_back(std::move(is_own));
  CO_TRY(const Page page, co_await list(ctx, who, query));
  if (page.rows == 0) co_return fail(Code::kNotFound, "this user is gone");
  co_return page.items.substr(1, page.items.size() - 2);
}

namespace {

class OneValue final : public db::RowSink {
 public:
  explicit OneValue(db::ColumnKind kind) : kind_(kind) {}
  void restart() override { value = Unknown{}; }
  Result<bool> on_row(const db::Row& row) override {
    if (!row.is_null(0)) value = row.value(0, kind_);
    return false;
  }
  Value value = Unknown{};

 private:
  const db::ColumnKind kind_;
};

}  // namespace

Task<Result<Value>> Door::tenant_of(Context& ctx, const Value& user) const {
  const model::Auth& auth = catalog_->model().auth;
  const TableInfo& people = catalog_->table(auth.table);
  const ColumnInfo& tenant = people.columns[static_cast<size_t>(auth.tenant)];
  const auto statement = catalog_->cached<db::Statement>("tenant", [&] {
    return db::Statement::make(
        fmt::format("SELECT {} FROM {} WHERE {} = {}", tenant.sql_name, people.sql_name,
                    people.columns[0].sql_name, catalog_->dialect().parameter(1)),
        {tenant.shape.kind});
  });
  OneValue found(tenant.shape.kind);
  CO_TRY_VOID(co_await store_->read(ctx, statement, std::span(&user, 1), found));
  co_return std::move(found.value);
}

Result<std::vector<Value>> Door::parse_key(int table_index, const RowKey& key) const {
  const TableInfo& table = catalog_->table(table_index);
  std::vector<Value> values;
  values.reserve(table.key.size());
  for (size_t i = 0; i < table.key.size(); ++i) {
    const ColumnInfo& column = table.columns[static_cast<size_t>(table.key[i])];
    auto value = i < key.values.size() ? value_from_text(column.shape, key.values[i])
                                       : Result<Value>(fail(Code::kNotFound, ""));
    if (!value) {
      return fail(Code::kNotFound, fmt::format("there is no such row in {}", table.table->name));
    }
    values.push_back(std::move(*value));
  }
  return values;
}

Task<Result<OneRow>> Door::get(Context& ctx, const Principal& who, int table, const RowKey& key,
                               const Select& select) {
  const rules::Bindings bindings = base_bindings(who, ctx.seams().clock->now());
  Resolver resolver(*catalog_, who, bindings, options_.limits, Resolver::Want::kShape);
  auto key_values = parse_key(table, key);
  // Whether one may read at all comes before whether the address makes sense.
  std::vector<Value> wanted;
  if (key_values) wanted = std::move(*key_values);
  CO_TRY(Resolved resolved, resolver.one(table, std::move(wanted), select));
  if (!key_values) co_return fail(std::move(key_values.error()));
  std::shared_ptr<const Plan> made = known_plan(resolved);
  if (!made) {
    // The key's values come first among the operands.
    const auto key_end = resolved.operands.begin() + std::ssize(catalog_->table(table).key);
    std::vector<Value> again(resolved.operands.begin(), key_end);
    Resolver all(*catalog_, who, bindings, options_.limits);
    CO_TRY(resolved, all.one(table, std::move(again), select));
    made = plan(resolved);
  }
  const std::vector<Value> values = bind_params(made->params, resolved.operands, bindings);
  RowOfOne sink(*made);
  CO_TRY_VOID(co_await store_->read(ctx, made->statement, values, sink));
  if (!sink.found) {
    co_return fail(Code::kNotFound,
                   fmt::format("there is no such row in {}", catalog_->table(table).table->name));
  }
  ctx.rows += 1;
  OneRow row;
  row.json = std::move(sink.json);
  const bool plain = select.all && select.items.empty();
  row.etag = plain ? row_etag(sink.version, sink.created_at) : body_etag(row.json);
  co_return row;
}

}  // namespace mettle::records

// For tests of the door: an app file compiled to a catalogue over a SQLite store in a folder of its
// own, and the door's verbs with JSON in and out. The tables are made in their plainest form;
// features/migrate has the real ones. Header-only.
#pragma once

#include <fmt/format.h>

#include <functional>

#include "db/sqlite/store_fixture.h"
#include "model/load.h"
#include "model/print.h"
#include "records/change.h"
#include "records/door.h"
#include "records/idempotency.h"
#include "records/sqlite_functions.h"
#include "records/sqlite_plain_tables.h"

namespace mettle::records {

class DoorTest : public db::StoreTest {
 protected:
  using Work = std::function<Task<Result<Answer>>(WriteScope&)>;

  // What loading or compiling the text says; empty for a good file.
  std::string compile(const std::string& text) {
    model::Faults faults;
    const auto app = model::load_text(text, "test.yaml", {}, faults);
    if (app) catalog_ = Catalog::compile(app, db::sqlite_dialect(), faults);
    if (!faults.has_errors()) return {};
    return model::print_faults(faults.sorted(), "test.yaml", text);
  }

  void serve(const std::string& text) {
    const std::string faults = compile(text);
    ASSERT_EQ(faults, "");
    serve_compiled();
  }
  void serve_compiled() {
    db::SqliteOptions o = options();
    o.functions.push_back(&register_sqlite_functions);
    open(std::move(o));
    std::vector<std::string> ddl = idempotency_tables();
    for (std::string& table : plain_tables(catalog_->model())) ddl.push_back(std::move(table));
    ddl.push_back(
        "CREATE TABLE mettle_columns (id INTEGER PRIMARY KEY, table_name TEXT, column_name TEXT)");
    must(migrate(ddl));
    open_door({});
  }
  void open_door(QueryLimits limits) {
    DoorOptions door_options;
    door_options.seams = &system_seams();
    door_options.limits = limits;
    door_options.cursor_key = std::string(32, 'k');
    door_ = std::make_unique<Door>(*store_, catalog_, std::move(door_options));
  }

  const TableInfo& table(std::string_view name) const {
    return catalog_->table(catalog_->model().find_table(name));
  }

  // From now on the caller.
  void sign_in(int number, std::vector<std::string> roles = {}) {
    who_ = Principal();
    who_.kind = Principal::Kind::kUser;
    who_.id = Value(user_id(number));
    who_.name = fmt::format("user:{}", number);
    who_.roles = std::move(roles);
  }
  void sign_out() { who_ = Principal(); }
  static Uuid user_id(int number) {
    Uuid id;
    id.bytes[6] = 0x70;
    id.bytes[8] = 0x80;
    id.bytes[15] = static_cast<uint8_t>(number);
    return id;
  }

  Result<Answer> commit(Work work, const std::optional<Idempotency>& idempotency = std::nullopt,
                        Seams& seams = system_seams()) {
    class Job final : public Mutation {
     public:
      explicit Job(Work work) : work_(std::move(work)) {}
      Task<Result<Answer>> run(WriteScope& scope) override { return work_(scope); }

     private:
      const Work work_;
    };
    Context ctx(core_, seams, INT64_MAX);
    auto job = std::make_shared<Job>(std::move(work));
    return run_task(core_, door_->commit(ctx, who_, job, idempotency, "/test"));
  }

  // The row's representation, or the error.
  Result<Answer> insert(std::string_view into, std::string json,
                        Authority authority = Authority::kCaller) {
    const TableInfo& t = table(into);
    return commit([&](WriteScope& scope) { return insert_row(scope, t, json, authority); });
  }
  Result<Answer> patch(std::string_view in, Uuid id, std::string json,
                       Authority authority = Authority::kCaller) {
    const TableInfo& t = table(in);
    return commit([&](WriteScope& scope) { return patch_row(scope, t, id, json, authority); });
  }
  Result<Answer> remove(std::string_view from, Uuid id, Authority authority = Authority::kCaller) {
    const TableInfo& t = table(from);
    return commit([&](WriteScope& scope) { return remove_row(scope, t, id, authority); });
  }
  Result<Page> list(const Query& query) {
    Context ctx = context();
    return run_task(core_, door_->list(ctx, who_, query));
  }
  Result<OneRow> get(std::string_view from, const RowKey& key) {
    Context ctx = context();
    const Select everything;
    return run_task(core_, door_->get(ctx, who_, table(from).index, key, everything));
  }

  static Task<Result<Answer>> insert_row(WriteScope& scope, const TableInfo& table,
                                         std::string json, Authority authority) {
    CO_TRY(const JsonDocument document, JsonDocument::parse(json));
    std::vector<Fault> faults;
    CO_TRY(RowInput input, read_row(scope.catalog(), table, document.root(), RowMode::kCreate,
                                    scope.bindings(), "", faults, authority));
    if (!faults.empty()) co_return fail(invalid(std::move(faults)));
    CO_TRY(const StoredRow row, co_await scope.insert(table, std::move(input), authority, ""));
    co_return co_await shown(scope, table, row);
  }
  static Task<Result<Answer>> patch_row(WriteScope& scope, const TableInfo& table, Uuid id,
                                        std::string json, Authority authority) {
    CO_TRY(const JsonDocument document, JsonDocument::parse(json));
    std::vector<Fault> faults;
    CO_TRY(const RowInput input, read_row(scope.catalog(), table, document.root(), RowMode::kPatch,
                                          scope.bindings(), "", faults, authority));
    if (!faults.empty()) co_return fail(invalid(std::move(faults)));
    const std::vector<int> by_id(1, 0);
    std::vector<Value> key(1, Value(id));
    CO_TRY(const auto before, co_await scope.find(table, by_id, std::move(key), authority));
    if (!before) co_return fail(Code::kNotFound, "no row");
    CO_TRY(const StoredRow row, co_await scope.update(table, *before, input, authority, ""));
    co_return co_await shown(scope, table, row);
  }
  static Task<Result<Answer>> remove_row(WriteScope& scope, const TableInfo& table, Uuid id,
                                         Authority authority) {
    const std::vector<int> by_id(1, 0);
    std::vector<Value> key(1, Value(id));
    CO_TRY(const auto before, co_await scope.find(table, by_id, std::move(key), authority));
    if (!before) co_return fail(Code::kNotFound, "no row");
    CO_TRY_VOID(co_await scope.remove(table, *before, authority));
    co_return Answer();
  }
  static Task<Result<Answer>> shown(WriteScope& scope, const TableInfo& table,
                                    const StoredRow& row) {
    const Select everything;
    CO_TRY(const Representation how, scope.representation(table, everything));
    CO_TRY(std::optional<std::string> json, co_await scope.represent(how, row));
    Answer answer;
    answer.body = json.value_or("hidden");
    co_return answer;
  }

  // "forbidden", or the body.
  static std::string told(const Result<Answer>& answer) {
    if (answer) return answer->body;
    std::string text(answer.error().name());
    for (const Fault& fault : answer.error().faults) {
      text += fmt::format(" {}:{}", fault.pointer, code_name(fault.code));
    }
    return text + (answer.error().code == Code::kInternal ? answer.error().inside : "");
  }

  std::shared_ptr<const Catalog> catalog_;
  std::unique_ptr<Door> door_;
  Principal who_;
};

}  // namespace mettle::records

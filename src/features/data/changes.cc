// The changes of data.h, inside a transaction.
#include "base/json_write.h"
#include "base/mutant.h"
#include "base/text.h"
#include "features/data/data.h"
#include "features/data/merge_patch.h"
#include "records/etag.h"

namespace mettle::data {

using records::Answer;
using records::ColumnInfo;
using records::RowInput;
using records::StoredRow;
using records::TableInfo;
using records::WriteScope;

namespace {

std::string key_text(const Value& value) {
  std::string json = to_json(value);
  if (json.size() >= 2 && json.front() == '"') json = json.substr(1, json.size() - 2);
  return value.kind() == Kind::kText ? value.text() : json;
}

std::string location(const TableInfo& table, const StoredRow& row, const std::string& path) {
  std::string made = path;
  for (const int column : table.key) made += "/" + percent_encode(key_text(row[column]));
  return made;
}

std::string tag(const TableInfo& table, const StoredRow& row) {
  return records::row_etag(row[table.find("version")].integer(),
                           row[table.find("created_at")].timestamp().us);
}

bool is_plain(const records::Select& select) {
  return select.all && select.items.empty();
}

Error failed_precondition(const TableInfo& table) {
  return make_error(
      Code::kPreconditionFailed,
      fmt::format("the row of {} has changed since: read it again and try with its new ETag",
                  table.table->name));
}

// What is shown of rows; the app's own work is answered with the rows as they are.
class Shown {
 public:
  static Result<Shown> make(WriteScope& scope, const TableInfo& table,
                            const ChangeOptions& options) {
    Shown made(scope, table, options);
    if (options.authority == records::Authority::kCaller && !options.minimal) {
      TRY(made.how_, scope.representation(table, options.select));
    }
    return made;
  }

  // nullopt: the row may not be read.
  Task<Result<std::optional<std::string>>> json(const StoredRow& row) const {
    if (options_->authority == records::Authority::kCaller) {
      co_return co_await scope_->represent(how_, row);
    }
    co_return std::optional<std::string>(to_json(scope_->as_value(*table_, row)));
  }

 private:
  Shown(WriteScope& scope, const TableInfo& table, const ChangeOptions& options)
      : scope_(&scope), table_(&table), options_(&options) {}

  WriteScope* scope_;
  const TableInfo* table_;
  const ChangeOptions* options_;
  records::Representation how_;
};

// The answer about one row: its representation, unless less was asked or it may not be read.
Task<Result<Answer>> answer_row(WriteScope& scope, const TableInfo& table, const StoredRow& row,
                                int status, const ChangeOptions& options) {
  Answer answer;
  answer.status = status;
  if (status == 201) answer.headers.emplace_back("Location", location(table, row, options.path));
  if (options.minimal) {
    answer.headers.emplace_back("ETag", tag(table, row));
    if (status == 200) answer.status = 204;
    co_return answer;
  }
  CO_TRY(const Shown shown, Shown::make(scope, table, options));
  CO_TRY(std::optional<std::string> json, co_await shown.json(row));
  if (!json) {
    if (status == 200) answer.status = 204;
    co_return answer;
  }
  answer.headers.emplace_back(
      "ETag", is_plain(options.select) ? tag(table, row) : records::body_etag(*json));
  answer.content_type = "application/json";
  answer.body = std::move(*json);
  co_return answer;
}

Task<Result<Answer>> answer_rows(WriteScope& scope, const TableInfo& table,
                                 const std::vector<StoredRow>& rows, int status,
                                 const ChangeOptions& options) {
  Answer answer;
  answer.status = status;
  if (options.minimal) {
    if (status == 200) answer.status = 204;
    co_return answer;
  }
  CO_TRY(const Shown shown, Shown::make(scope, table, options));
  answer.content_type = "application/json";
  answer.body = "{\"items\":[";
  bool first = true;
  for (const StoredRow& row : rows) {
    CO_TRY(std::optional<std::string> json, co_await shown.json(row));
    if (!json) continue;
    if (!first) answer.body += ',';
    first = false;
    answer.body += *json;
  }
  answer.body += "]}";
  co_return answer;
}

Result<> matches(const TableInfo& table, const std::optional<StoredRow>& row,
                 const ChangeOptions& options) {
  if (options.if_match &&
      (!row || !records::etag_matches(*options.if_match, tag(table, *row),
                                      planted(Mutant::kEtagComparedWeakly))) &&
      !planted(Mutant::kVersionNotCompared)) {
    return fail(failed_precondition(table));
  }
  if (options.if_none_match_any && row) {
    return fail(Code::kPreconditionFailed,
                fmt::format("the row of {} is there already", table.table->name));
  }
  return {};
}

Error no_such_row(const TableInfo& table) {
  return make_error(Code::kNotFound, fmt::format("there is no such row in {}", table.table->name));
}

// RFC 7396 goes on inside json columns: members are merged, null removes one.
void merge_json(const TableInfo& table, const StoredRow& before, RowInput& changes) {
  for (const ColumnInfo& column : table.columns) {
    std::optional<Value>& sent = changes.values[static_cast<size_t>(column.index)];
    if (!sent || sent->kind() != Kind::kJson) continue;
    const Value& old = before[column.index];
    sent = Value(Json{merge_patch(old.kind() == Kind::kJson ? old.json() : "null", sent->json())});
  }
}

// Looking for a row by a column tells its value: as in filters it must be readable whoever the row
// belongs to.
Result<> may_look_by(const WriteScope& scope, const TableInfo& table,
                     const std::vector<int>& columns) {
  for (const int index : columns) {
    const ColumnInfo& column = table.columns[static_cast<size_t>(index)];
    const bool open = !column.read || scope.catalog().grant(*column.read, scope.bindings()) ==
                                          records::Grant::kAlways;
    if (open) continue;
    return fail(
        scope.who().signed_in() ? Code::kForbidden : Code::kUnauthenticated,
        fmt::format("you may not look for rows by {}.{}", table.table->name, column.column->name));
  }
  return {};
}

// The columns by which an upsert finds the row that is there already.
Result<std::vector<int>> conflict_columns(const WriteScope& scope, const TableInfo& table,
                                          const ChangeOptions& options) {
  std::vector<int> columns;
  for (const std::string& name : options.on_conflict) columns.push_back(table.find(name));
  if (columns.empty()) columns = table.key;
  if (options.authority == records::Authority::kCaller) {
    TRY_VOID(may_look_by(scope, table, columns));
  }
  // A row is looked for in the caller's tenant, so the index goes without that column.
  const auto without_tenant = [&table](std::vector<int>& list) {
    if (list.size() > 1) std::erase(list, table.tenant());
  };
  without_tenant(columns);
  std::vector<int> sorted = columns;
  std::sort(sorted.begin(), sorted.end());
  const auto is_same = [&](std::vector<int> other) {
    without_tenant(other);
    std::sort(other.begin(), other.end());
    return other == sorted;
  };
  bool unique = is_same({0}) || is_same(table.table->key);
  if (columns.size() == 1)
    unique = unique || table.table->columns[static_cast<size_t>(columns[0])].unique;
  for (const model::Index& index : table.table->indexes) {
    unique = unique || (index.unique && is_same(index.columns));
  }
  if (unique) return columns;
  Error error =
      make_error(Code::kInvalidParameter,
                 "on_conflict names columns that no unique index of the table covers exactly");
  error.parameter = "on_conflict";
  return fail(std::move(error));
}

// The key of a row that is put stands in its address; the body may repeat it.
Result<> take_key(const TableInfo& table, const std::vector<Value>& key, RowInput& input,
                  const std::string& pointer) {
  std::vector<Fault> faults;
  for (size_t i = 0; i < table.key.size(); ++i) {
    const ColumnInfo& column = table.columns[static_cast<size_t>(table.key[i])];
    const std::string at = records::pointer_to(pointer, column.name());
    std::optional<Value>& sent = input.values[static_cast<size_t>(column.index)];
    if (sent && sent->storage() != key[i].storage()) {
      faults.push_back({at, Code::kNotWritable, "is not what the address says"});
    }
    sent = records::value_from_value(column.shape, key[i], at, faults);
  }
  if (!faults.empty()) return fail(records::invalid(std::move(faults)));
  return {};
}

struct Upserted {
  StoredRow row;
  bool created = false;
  bool ignored = false;
};

Task<Result<Upserted>> insert_or_update(WriteScope& scope, const TableInfo& table, RowInput input,
                                        const ChangeOptions& options, std::string pointer) {
  Upserted made;
  if (options.resolution != Resolution::kNone) {
    CO_TRY(const std::vector<int> columns, conflict_columns(scope, table, options));
    std::vector<Value> values;
    bool whole = true;
    for (const int column : columns) {
      const auto& sent = input.values[static_cast<size_t>(column)];
      whole = whole && sent && !sent->is_null();
      if (whole) values.push_back(*sent);
    }
    std::optional<StoredRow> there;
    if (whole) {
      CO_TRY(there, co_await scope.find(table, columns, std::move(values), options.authority));
    }
    if (there) {
      made.row = std::move(*there);
      made.ignored = options.resolution == Resolution::kIgnore;
      if (made.ignored) co_return made;
      CO_TRY_VOID(matches(table, made.row, options));
      for (const int column : columns) input.values[static_cast<size_t>(column)].reset();
      const records::Authority authority =
          planted(Mutant::kUpsertSkipsUpdateRule) ? records::Authority::kApp : options.authority;
      CO_TRY(made.row,
             co_await scope.update(table, made.row, input, authority, std::move(pointer)));
      co_return made;
    }
  }
  made.created = true;
  CO_TRY(made.row,
         co_await scope.insert(table, std::move(input), options.authority, std::move(pointer)));
  co_return made;
}

}  // namespace

Result<> may_start(const records::Catalog& catalog, const records::Rule& rule,
                   const records::Principal& who, const rules::Bindings& bindings,
                   const TableInfo& table, std::string_view action) {
  if (catalog.grant(rule, bindings) != records::Grant::kNever) return {};
  return fail(records::refused(who, action, table.table->name));
}

Result<> precondition_given(const TableInfo& table, ChangeOf what, const ChangeOptions& options) {
  if (options.if_match && what != ChangeOf::kOneRow) {
    // To pass over it would change what the client has asked to be spared.
    Error error = make_error(Code::kInvalidHeader,
                             "If-Match holds the ETag of one row and goes with that row's address");
    error.parameter = "If-Match";
    return fail(std::move(error));
  }
  if (!table.table->require_if_match || options.if_match) return {};
  if (what == ChangeOf::kOneRow && options.if_none_match_any) return {};
  if (what == ChangeOf::kNewRows && options.resolution != Resolution::kMerge) return {};
  return fail(
      Code::kPreconditionRequired,
      what == ChangeOf::kOneRow
          ? "send If-Match with the row's ETag, so that nobody's change is lost"
          : fmt::format("{} is changed row by row, with If-Match and the row's ETag, so that "
                        "nobody's change is lost",
                        table.table->name));
}

Task<Result<Answer>> create_row(WriteScope& scope, const TableInfo& table, RowInput input,
                                const ChangeOptions& options) {
  CO_TRY(const Upserted made,
         co_await insert_or_update(scope, table, std::move(input), options, options.pointer));
  co_return co_await answer_row(scope, table, made.row, made.created ? 201 : 200, options);
}

Task<Result<Answer>> create_rows(WriteScope& scope, const TableInfo& table,
                                 std::vector<RowInput> inputs, const ChangeOptions& options) {
  std::vector<StoredRow> rows;
  rows.reserve(inputs.size());
  bool created = inputs.empty();
  for (size_t i = 0; i < inputs.size(); ++i) {
    CO_TRY(Upserted made, co_await insert_or_update(scope, table, std::move(inputs[i]), options,
                                                    records::pointer_to(options.pointer, i)));
    created = created || made.created;
    if (!made.ignored) rows.push_back(std::move(made.row));
  }
  co_return co_await answer_rows(scope, table, rows, created ? 201 : 200, options);
}

namespace {

// What a column is without being sent.
Task<Result<Value>> default_of(WriteScope& scope, const ColumnInfo& column,
                               const std::string& pointer) {
  const model::Shape& shape = column.column->shape;
  if (!shape.default_value) co_return Value();
  if (!shape.default_value->is_expression) co_return shape.default_value->literal;
  CO_TRY(const Value made, co_await scope.evaluate(column.shape.default_expr, scope.bindings()));
  std::vector<Fault> faults;
  Value value = records::value_from_value(column.shape, made, pointer, faults);
  if (!faults.empty()) co_return fail(records::invalid(std::move(faults)));
  co_return value;
}

// What was not sent goes back to its default, except what the caller may not write: that stays, as
// does the owner.
Task<Result<>> put_defaults(WriteScope& scope, const TableInfo& table, const StoredRow& before,
                            RowInput& input, const ChangeOptions& options) {
  for (const ColumnInfo& column : table.columns) {
    std::optional<Value>& sent = input.values[static_cast<size_t>(column.index)];
    const bool kept = column.column->system || column.column->hidden ||
                      column.index == table.table->owner || column.index == table.tenant();
    if (sent || kept) continue;
    CO_TRY(Value value,
           co_await default_of(scope, column, records::pointer_to(options.pointer, column.name())));
    if (options.authority == records::Authority::kCaller) {
      StoredRow after = before;
      after.values[static_cast<size_t>(column.index)] = value;
      CO_TRY(const bool writable, co_await scope.may_write(table, column, &before, after));
      if (!writable) continue;
    }
    sent = std::move(value);
  }
  co_return Result<>();
}

}  // namespace

Task<Result<Answer>> replace_row(WriteScope& scope, const TableInfo& table, std::vector<Value> key,
                                 RowInput input, const ChangeOptions& options) {
  CO_TRY_VOID(take_key(table, key, input, options.pointer));
  CO_TRY(const std::optional<StoredRow> before,
         co_await scope.find(table, table.key, key, options.authority));
  CO_TRY_VOID(matches(table, before, options));
  if (!before) {
    for (const ColumnInfo& column : table.columns) {
      std::optional<Value>& sent = input.values[static_cast<size_t>(column.index)];
      if (column.column->system && column.index != 0) sent.reset();
    }
    CO_TRY(const StoredRow row,
           co_await scope.insert(table, std::move(input), options.authority, options.pointer));
    co_return co_await answer_row(scope, table, row, 201, options);
  }
  CO_TRY_VOID(co_await put_defaults(scope, table, *before, input, options));
  CO_TRY(const StoredRow row,
         co_await scope.update(table, *before, input, options.authority, options.pointer));
  co_return co_await answer_row(scope, table, row, 200, options);
}

Task<Result<Answer>> patch_row(WriteScope& scope, const TableInfo& table, std::vector<Value> key,
                               RowInput changes, const ChangeOptions& options) {
  CO_TRY(const std::optional<StoredRow> before,
         co_await scope.find(table, table.key, std::move(key), options.authority));
  if (!before) co_return fail(no_such_row(table));
  CO_TRY_VOID(matches(table, before, options));
  merge_json(table, *before, changes);
  CO_TRY(const StoredRow row,
         co_await scope.update(table, *before, changes, options.authority, options.pointer));
  co_return co_await answer_row(scope, table, row, 200, options);
}

Task<Result<Answer>> delete_row(WriteScope& scope, const TableInfo& table, std::vector<Value> key,
                                const ChangeOptions& options) {
  CO_TRY(const std::optional<StoredRow> before,
         co_await scope.find(table, table.key, std::move(key), options.authority));
  if (!before) co_return fail(no_such_row(table));
  CO_TRY_VOID(matches(table, before, options));
  Answer answer;
  answer.status = 204;
  if (options.represent_deleted) {
    CO_TRY(answer, co_await answer_row(scope, table, *before, 200, options));
  }
  CO_TRY_VOID(co_await scope.remove(table, *before, options.authority));
  co_return answer;
}

namespace {

int64_t rows_allowed(const ChangeOptions& options) {
  return options.max_affected && !planted(Mutant::kMaxAffectedIgnored)
             ? std::min(*options.max_affected, options.rows_max)
             : options.rows_max;
}

}  // namespace

Task<Result<Answer>> patch_rows(WriteScope& scope, const TableInfo& table,
                                const records::Filter& filter, RowInput changes,
                                const ChangeOptions& options) {
  CO_TRY(const std::vector<StoredRow> before,
         co_await scope.matching(table, filter, rows_allowed(options), options.authority));
  std::vector<StoredRow> after;
  after.reserve(before.size());
  for (const StoredRow& row : before) {
    RowInput merged = changes;
    merge_json(table, row, merged);
    CO_TRY(StoredRow updated,
           co_await scope.update(table, row, merged, options.authority, options.pointer));
    after.push_back(std::move(updated));
  }
  co_return co_await answer_rows(scope, table, after, 200, options);
}

Task<Result<Answer>> delete_rows(WriteScope& scope, const TableInfo& table,
                                 const records::Filter& filter, const ChangeOptions& options) {
  CO_TRY(const std::vector<StoredRow> before,
         co_await scope.matching(table, filter, rows_allowed(options), options.authority));
  Answer answer;
  answer.status = 204;
  if (options.represent_deleted) {
    CO_TRY(answer, co_await answer_rows(scope, table, before, 200, options));
  }
  for (const StoredRow& row : before) {
    CO_TRY_VOID(co_await scope.remove(table, row, options.authority));
  }
  co_return answer;
}

}  // namespace mettle::data

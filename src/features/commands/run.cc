#include "features/commands/run.h"

#include <fmt/format.h>

namespace mettle::commands {
namespace {

using records::StoredRow;
using Verb = model::Step::Verb;

}  // namespace

Task<Result<>> Run::run(const Program& program) {
  authority_ = program.authority;
  for (const auto& [name, value] : program.let) {
    CO_TRY(Value made, co_await evaluate(scope_, value, bindings_));
    bindings_.bind(name, std::move(made));
  }
  co_return co_await steps(program.steps);
}

Task<Result<>> Run::steps(const std::vector<StepCode>& steps) {
  for (const StepCode& one : steps) {
    if (--steps_left_ < 0) {
      co_return fail(Code::kTooManyRows,
                     fmt::format("this takes more than {} steps; send less at once", kStepsMax));
    }
    if (one.when) {
      CO_TRY(const Value verdict, co_await scope_.evaluate(one.when, bindings_));
      if (!verdict.is_true()) {
        // The name is there, but nothing stands behind it.
        if (!one.as_name.empty() && bindings_.find(one.as_name) == nullptr) {
          bindings_.bind(one.as_name, one.as == As::kRows ? Value(List()) : Value());
        }
        continue;
      }
    }
    CO_TRY_VOID(co_await step(one));
  }
  co_return Result<>();
}

Task<Result<>> Run::step(const StepCode& step) {
  switch (step.verb) {
    case Verb::kInsert:
      return insert(step);
    case Verb::kUpdate:
      return update(step);
    case Verb::kDelete:
      return remove(step);
    case Verb::kGet:
      return get(step);
    case Verb::kCheck:
      return check(step);
    case Verb::kEach:
      return each(step);
    case Verb::kSet:
      return set(step);
    case Verb::kSql:
      return sql(step);
  }
  return check(step);
}

Task<Result<>> Run::insert(const StepCode& step) {
  CO_TRY_VOID(count_rows(1));
  CO_TRY(records::RowInput input, co_await row_input(step));
  auto row = co_await scope_.insert(*step.table, std::move(input), authority_, "");
  if (!row) {
    Error error = about_input(step, std::move(row.error()));
    if (error.status() >= 500) co_return fail(std::move(error));
    co_return fail(co_await otherwise(step, std::move(error)));
  }
  if (!step.as_name.empty()) bindings_.bind(step.as_name, scope_.as_value(*step.table, *row));
  co_return Result<>();
}

Task<Result<>> Run::update(const StepCode& step) {
  CO_TRY(const std::vector<StoredRow> rows, co_await find(step, kStepRowsMax));
  CO_TRY_VOID(co_await expect(step, static_cast<int64_t>(rows.size())));
  std::vector<StoredRow> changed;
  for (const StoredRow& row : rows) {
    bindings_.bind("row", scope_.as_value(*step.table, row));
    CO_TRY(const records::RowInput input, co_await row_input(step));
    auto after = co_await scope_.update(*step.table, row, input, authority_, "");
    if (!after) co_return fail(about_input(step, std::move(after.error())));
    if (!step.as_name.empty()) changed.push_back(std::move(*after));
  }
  keep(step, changed);
  co_return Result<>();
}

Task<Result<>> Run::remove(const StepCode& step) {
  CO_TRY(const std::vector<StoredRow> rows, co_await find(step, kStepRowsMax));
  CO_TRY_VOID(co_await expect(step, static_cast<int64_t>(rows.size())));
  for (const StoredRow& row : rows) {
    CO_TRY_VOID(co_await scope_.remove(*step.table, row, authority_));
  }
  keep(step, rows);
  co_return Result<>();
}

Task<Result<>> Run::get(const StepCode& step) {
  CO_TRY(const std::vector<StoredRow> rows, co_await find(step, 1));
  if (step.expect_rows == 0) {
    CO_TRY_VOID(co_await expect(step, static_cast<int64_t>(rows.size())));
  } else if (rows.empty()) {
    Error none = make_error(Code::kNotFound,
                            fmt::format("there is no such row in {}", step.table->table->name));
    co_return fail(co_await otherwise(step, std::move(none)));
  }
  keep(step, rows);
  co_return Result<>();
}

Task<Result<>> Run::check(const StepCode& step) {
  CO_TRY(const Value verdict, co_await scope_.evaluate(step.condition, bindings_));
  if (verdict.is_true()) co_return Result<>();
  Error error = make_error(Code::kCheckFailed, "a check of this operation does not hold");
  co_return fail(co_await otherwise(step, std::move(error)));
}

Task<Result<>> Run::each(const StepCode& step) {
  CO_TRY(const Value list, co_await scope_.evaluate(step.list, bindings_));
  if (list.is_null()) co_return Result<>();  // an optional list that was not sent
  if (list.kind() != Kind::kList) {
    co_return fail(
        internal_error("the list of an each could not be computed: " + step.list->source().text));
  }
  if (static_cast<int64_t>(list.list().size()) > kStepRowsMax) {
    co_return fail(Code::kTooManyRows,
                   fmt::format("a list may have at most {} elements here", kStepRowsMax));
  }
  const std::optional<std::string> base = pointer(step.list_path);
  size_t index = 0;
  for (const Value& element : list.list()) {
    bindings_.bind(step.item, element);
    if (base) pointers_[step.item] = records::pointer_to(*base, index);
    for (const std::string& name : step.inner_names) bindings_.bind(name, Value());
    CO_TRY_VOID(co_await steps(step.steps));
    ++index;
  }
  co_return Result<>();
}

Task<Result<>> Run::set(const StepCode& step) {
  for (const auto& [name, value] : step.assign) {
    CO_TRY(Value made, co_await evaluate(scope_, value, bindings_));
    bindings_.bind(name, std::move(made));
  }
  co_return Result<>();
}

Task<Result<>> Run::sql(const StepCode& step) {
  SqlRows sink(*step.sql, static_cast<size_t>(kStepRowsMax));
  const std::vector<Value> values = bind_sql(*step.sql, bindings_);
  CO_TRY(const int64_t changed, co_await scope_.tx().run(step.sql->statement, values, &sink));
  const size_t rows = step.sql->read_only ? sink.rows.size() : static_cast<size_t>(changed);
  CO_TRY_VOID(count_rows(rows));
  CO_TRY_VOID(co_await expect(step, static_cast<int64_t>(rows)));
  if (!step.as_name.empty()) bindings_.bind(step.as_name, Value(std::move(sink.rows)));
  co_return Result<>();
}

Task<Result<std::vector<StoredRow>>> Run::find(const StepCode& step, int64_t rows_max) {
  auto rows = co_await scope_.where(*step.table, step.where, bindings_, rows_max);
  if (!rows) {
    if (rows.error().code == Code::kTooManyRows && rows_max == 1) {
      Error many = make_error(Code::kUnexpectedRows, fmt::format("more than one row of {} matches",
                                                                 step.table->table->name));
      const bool none_wanted = step.expect_rows == 0;
      co_return fail(none_wanted ? co_await otherwise(step, std::move(many)) : std::move(many));
    }
    co_return fail(std::move(rows.error()));
  }
  CO_TRY_VOID(count_rows(rows->size()));
  co_return std::move(*rows);
}

// The values of an insert, or of an update of the row that `row` is bound to.
Task<Result<records::RowInput>> Run::row_input(const StepCode& step) {
  records::RowInput input(*step.table);
  std::vector<Fault> faults;
  for (const Assignment& assignment : step.values) {
    const records::ColumnInfo& column = *assignment.column;
    CO_TRY(const Value value, co_await evaluate(scope_, assignment.value, bindings_));
    input.values[static_cast<size_t>(column.index)] = records::value_from_value(
        column.shape, value, records::pointer_to("", column.name()), faults);
  }
  if (!faults.empty()) {
    co_return fail(about_input(step, records::invalid(std::move(faults))));
  }
  co_return input;
}

Task<Result<>> Run::expect(const StepCode& step, int64_t rows) {
  if (!step.expect_rows || *step.expect_rows == rows) co_return Result<>();
  Error error = make_error(Code::kUnexpectedRows,
                           fmt::format("a step of this operation expects {} rows and found {}",
                                       *step.expect_rows, rows));
  co_return fail(co_await otherwise(step, std::move(error)));
}

// What the app says instead of `error`.
Task<Error> Run::otherwise(const StepCode& step, Error error) {
  if (!step.otherwise) co_return error;
  const ElseCode& said = *step.otherwise;
  Error out = make_error(error.code, "");
  out.app_status = said.status;
  out.app_code = said.code;
  out.inside = std::move(error.inside);
  if (said.detail) {
    const auto detail = co_await evaluate(scope_, *said.detail, bindings_);
    if (!detail) co_return detail.error();
    out.detail = text_of(*detail);
  }
  if (!said.pointer.empty()) {
    out.faults.push_back({pointer(said.pointer).value_or(""), Code::kInvalid, out.detail});
  }
  co_return out;
}

// Faults of columns as faults of the members of the input that they were given; those that the
// steps computed say which column it is.
Error Run::about_input(const StepCode& step, Error error) const {
  for (Fault& fault : error.faults) {
    const Assignment* found = nullptr;
    for (const Assignment& assignment : step.values) {
      if (fault.pointer == records::pointer_to("", assignment.column->name())) found = &assignment;
    }
    const auto at = found != nullptr ? pointer(found->value.path) : std::nullopt;
    if (at) {
      fault.pointer = *at;
    } else {
      fault.detail =
          fmt::format("{}{} {}", step.table->table->name,
                      fault.pointer.empty() ? "" : "." + fault.pointer.substr(1), fault.detail);
      fault.pointer.clear();
    }
  }
  if (error.code == Code::kInvalid && error.faults.size() == 1) {
    error.detail = error.faults[0].pointer.empty()
                       ? error.faults[0].detail
                       : error.faults[0].pointer + ": " + error.faults[0].detail;
  }
  return error;
}

std::optional<std::string> Run::pointer(const std::vector<std::string>& path) const {
  if (path.empty()) return std::nullopt;
  std::string out;
  if (path[0] != "input") {
    const auto it = pointers_.find(path[0]);
    if (it == pointers_.end()) return std::nullopt;
    out = it->second;
  }
  for (size_t i = 1; i < path.size(); ++i) out = records::pointer_to(out, path[i]);
  return out;
}

Result<> Run::count_rows(size_t rows) {
  rows_left_ -= static_cast<int64_t>(rows);
  if (rows_left_ >= 0) return {};
  return fail(Code::kTooManyRows,
              fmt::format("this touches more than {} rows; send less at once", kRowsMax));
}

void Run::keep(const StepCode& step, const std::vector<StoredRow>& rows) {
  if (step.as_name.empty()) return;
  if (step.as == As::kRow) {
    bindings_.bind(step.as_name, rows.empty() ? Value() : scope_.as_value(*step.table, rows[0]));
    return;
  }
  List list;
  for (const StoredRow& row : rows) list.push_back(scope_.as_value(*step.table, row));
  bindings_.bind(step.as_name, Value(std::move(list)));
}

}  // namespace mettle::commands

#include "features/batch/operation.h"

#include "base/limits.h"
#include "base/mutant.h"
#include "base/pattern.h"
#include "base/text.h"
#include "features/data/data.h"
#include "records/codec.h"

namespace mettle::batch {

using records::Answer;
using records::RowInput;
using records::RowMode;
using records::TableInfo;
using records::WriteScope;

namespace {

Error not_found(std::string_view path) {
  return make_error(
      Code::kNotFound,
      fmt::format("`{}` leads nowhere: an operation's path is /table or /table/key, below the "
                  "API's prefix",
                  path));
}

// "/orders/$o.id" → table and key texts.
struct Address {
  const TableInfo* table = nullptr;
  std::vector<std::string> key;
  std::string query;
};

Result<Address> parse_address(const records::Catalog& catalog, std::string_view path,
                              const Results& results) {
  Address made;
  const auto [place, query] = split_once(path, '?');
  made.query = query.value_or("");
  if (!place.starts_with('/')) return fail(not_found(path));
  std::vector<std::string_view> segments = split(place.substr(1), '/');
  const int table = catalog.model().find_table(segments[0]);
  if (table < 0) return fail(not_found(path));
  made.table = &catalog.table(table);
  for (size_t i = 1; i < segments.size(); ++i) {
    std::string segment(segments[i]);
    if (segment.starts_with("$") && !segment.starts_with("$$")) {
      TRY(const JsonNode found, results.find(std::string_view(segment).substr(1)));
      segment = found.is_string() ? found.text() : found.minified();
    } else {
      const auto decoded = percent_decode(segment);
      if (!decoded) return fail(not_found(path));
      segment = *decoded;
      if (segment.starts_with("$$")) segment.erase(0, 1);
    }
    made.key.push_back(std::move(segment));
  }
  if (!made.key.empty() && made.key.size() != made.table->key.size()) return fail(not_found(path));
  return made;
}

Result<std::vector<Value>> key_values(const TableInfo& table,
                                      const std::vector<std::string>& texts) {
  std::vector<Value> values;
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto column = static_cast<size_t>(table.key[i]);
    auto value = records::value_from_text(table.columns[column].shape, texts[i]);
    if (!value) {
      return fail(Code::kNotFound, fmt::format("there is no such row in {}", table.table->name));
    }
    values.push_back(std::move(*value));
  }
  return values;
}

Task<Result<Answer>> create(WriteScope& scope, const TableInfo& table, JsonNode body,
                            const data::ChangeOptions& options) {
  std::vector<Fault> faults;
  if (!body.is_array()) {
    CO_TRY(RowInput row, records::read_row(scope.catalog(), table, body, RowMode::kCreate,
                                           scope.bindings(), "", faults, options.authority));
    if (!faults.empty()) co_return fail(records::invalid(std::move(faults)));
    co_return co_await data::create_row(scope, table, std::move(row), options);
  }
  if (static_cast<int64_t>(body.size()) > options.rows_max) {
    co_return fail(Code::kPayloadTooLarge,
                   fmt::format("the array has {} rows; at most {} go into one operation",
                               body.size(), options.rows_max));
  }
  std::vector<RowInput> rows;
  size_t index = 0;
  for (const JsonNode element : body.elements()) {
    const std::string pointer = records::pointer_to("", index++);
    CO_TRY(RowInput row, records::read_row(scope.catalog(), table, element, RowMode::kCreate,
                                           scope.bindings(), pointer, faults, options.authority));
    rows.push_back(std::move(row));
    if (faults.size() >= records::kFaultsMax) break;
  }
  if (!faults.empty()) co_return fail(records::invalid(std::move(faults)));
  co_return co_await data::create_rows(scope, table, std::move(rows), options);
}

Task<Result<Answer>> change(WriteScope& scope, const Address& address, std::string_view method,
                            const std::optional<JsonNode>& body, const data::ChangeOptions& options,
                            const records::Filter& filter) {
  const TableInfo& table = *address.table;
  CO_TRY(std::vector<Value> key, key_values(table, address.key));
  if (method == "DELETE") {
    if (address.key.empty()) co_return co_await data::delete_rows(scope, table, filter, options);
    co_return co_await data::delete_row(scope, table, std::move(key), options);
  }
  if (!body) {
    co_return fail(Code::kInvalid, fmt::format("{} needs a body", method));
  }
  std::vector<Fault> faults;
  const RowMode mode = method == "PUT" ? RowMode::kReplace : RowMode::kPatch;
  CO_TRY(RowInput row, records::read_row(scope.catalog(), table, *body, mode, scope.bindings(), "",
                                         faults, options.authority));
  if (!faults.empty()) co_return fail(records::invalid(std::move(faults)));
  if (method == "PUT") {
    co_return co_await data::replace_row(scope, table, std::move(key), std::move(row), options);
  }
  if (address.key.empty()) {
    co_return co_await data::patch_rows(scope, table, filter, std::move(row), options);
  }
  co_return co_await data::patch_row(scope, table, std::move(key), std::move(row), options);
}

// As for a request by itself: what is refused whatever the row is, before the body is looked at.
Result<> may_start(WriteScope& scope, const TableInfo& table, std::string_view method,
                   const BatchOptions& options) {
  if (options.authority == records::Authority::kApp) return {};
  const auto may = [&](const records::Rule& rule, std::string_view action) {
    return data::may_start(scope.catalog(), rule, scope.who(), scope.bindings(), table, action);
  };
  if (method == "POST") return may(table.create, "create");
  if (method == "DELETE") return may(table.delete_, "delete");
  if (method == "PUT" && may(table.create, "create")) return {};
  return may(table.update, "update");
}

// `as`: the name by which later operations refer to this one.
void check_name(JsonNode operation, const std::string& pointer, std::set<std::string>& names,
                std::vector<Fault>& faults) {
  const auto name = operation.find("as");
  if (!name || !name->is_string()) return;
  static const auto kName = Pattern::compile("^[a-z][a-z0-9_]*$");
  const std::string text = name->text();
  const std::string at = records::pointer_to(pointer, "as");
  if (!(*kName)->found_in(text)) {
    faults.push_back({at, Code::kNoMatch, "must match ^[a-z][a-z0-9_]*$"});
  } else if (!names.insert(text).second) {
    faults.push_back({at, Code::kInvalid, "an operation before this one has this name"});
  }
}

void check_operation(JsonNode operation, const std::string& pointer, std::set<std::string>& names,
                     std::vector<Fault>& faults) {
  if (!operation.is_object()) {
    faults.push_back({pointer, Code::kWrongType, "an operation is an object"});
    return;
  }
  for (const auto member : operation.members()) {
    const std::string name = member.key.text();
    const std::string at = records::pointer_to(pointer, name);
    if (name != "method" && name != "path" && name != "body" && name != "if_match" &&
        name != "as") {
      faults.push_back({at, Code::kUnknownColumn,
                        "is not known; an operation has method, path, body, if_match, as"});
    } else if (name != "body" && !member.value.is_string()) {
      faults.push_back({at, Code::kWrongType, "must be text"});
    }
  }
  for (const std::string_view name : {"method", "path"}) {
    if (!operation.find(name)) {
      faults.push_back({records::pointer_to(pointer, name), Code::kRequired, "is required"});
    }
  }
  check_name(operation, pointer, names, faults);
  const auto method = operation.find("method");
  if (!method || !method->is_string()) return;
  const std::string verb = method->text();
  if (verb != "POST" && verb != "PUT" && verb != "PATCH" && verb != "DELETE") {
    faults.push_back({records::pointer_to(pointer, "method"), Code::kNotInEnum,
                      "must be one of POST, PUT, PATCH, DELETE; reads need no transaction"});
  }
}

}  // namespace

Result<> check_operations(JsonNode body) {
  std::vector<Fault> faults;
  const auto operations = body.find("operations");
  if (!body.is_object() || !operations) {
    faults.push_back({"/operations", Code::kRequired, "is required: the array of operations"});
  } else if (!operations->is_array() || operations->size() == 0) {
    faults.push_back(
        {"/operations", Code::kWrongType, "must be an array of at least one operation"});
  }
  for (const auto member : body.members()) {
    if (!member.key.text_equals("operations")) {
      faults.push_back({records::pointer_to("", member.key.text()), Code::kUnknownColumn,
                        "is not known; a batch has operations"});
    }
  }
  if (!faults.empty()) return fail(records::invalid(std::move(faults)));
  if (operations->size() > limits::kBatchOperations) {
    return fail(Code::kPayloadTooLarge,
                fmt::format("the batch has {} operations; at most {} go into one",
                            operations->size(), limits::kBatchOperations));
  }
  size_t index = 0;
  std::set<std::string> names;
  for (const JsonNode operation : operations->elements()) {
    check_operation(operation, records::pointer_to("/operations", index++), names, faults);
    if (faults.size() >= records::kFaultsMax) break;
  }
  if (!faults.empty()) return fail(records::invalid(std::move(faults)));
  return {};
}

Task<Result<Answer>> run_operation(WriteScope& scope, JsonNode operation, const Results& results,
                                   const BatchOptions& options) {
  const std::string method = operation.find("method")->text();
  const std::string path = operation.find("path")->text();
  CO_TRY(const Address address, parse_address(scope.catalog(), path, results));
  CO_TRY_VOID(may_start(scope, *address.table, method, options));
  const bool by_filter = address.key.empty() && method != "POST";
  const data::ChangeOf what = method == "POST" ? data::ChangeOf::kNewRows
                              : by_filter      ? data::ChangeOf::kManyRows
                                               : data::ChangeOf::kOneRow;
  CO_TRY(data::ChangeQuery parsed,
         data::parse_change_query(scope.catalog(), address.table->index, address.query, what));
  if (method == "PUT" && by_filter) co_return fail(not_found(path));
  if (by_filter && !parsed.filtered) {
    co_return fail(
        Code::kInvalidParameter,
        fmt::format("`{}`: a filter is required to change many rows, such as `?id=eq.…`", path));
  }
  data::ChangeOptions change_options;
  change_options.select = std::move(parsed.select);
  change_options.max_affected = parsed.max_affected;
  change_options.rows_max = options.rows_max;
  change_options.path = fmt::format("{}/{}", options.api_prefix, address.table->table->name);
  change_options.authority =
      planted(Mutant::kRuleSkippedInBatch) ? records::Authority::kApp : options.authority;
  if (const auto tag = operation.find("if_match")) {
    if (what != data::ChangeOf::kOneRow) {
      co_return fail(Code::kInvalid, "if_match goes with an operation on one row, /table/key");
    }
    change_options.if_match = tag->text();
  }
  if (options.authority == records::Authority::kCaller) {
    CO_TRY_VOID(data::precondition_given(*address.table, what, change_options));
  }
  std::string body_text;
  std::optional<JsonDocument> body;
  if (const auto sent = operation.find("body")) {
    CO_TRY(body_text, with_references(*sent, results));
    CO_TRY(body, JsonDocument::parse(body_text));
  }
  if (method == "POST") {
    if (!address.key.empty()) co_return fail(not_found(path));
    if (!body) co_return fail(Code::kInvalid, "POST needs a body");
    co_return co_await create(scope, *address.table, body->root(), change_options);
  }
  const std::optional<JsonNode> root = body ? std::optional<JsonNode>(body->root()) : std::nullopt;
  co_return co_await change(scope, address, method, root, change_options, parsed.filter);
}

}  // namespace mettle::batch

// POST, PUT, PATCH and DELETE: what can be told without the database is told first, all of it; the
// rest happens in one transaction.
#include "engine/idempotency.h"
#include "engine/snapshot.h"
#include "features/data/api.h"
#include "features/data/request.h"
#include "records/door.h"

namespace mettle::data {

using records::Answer;
using records::RowInput;
using records::RowMode;
using records::TableInfo;
using records::WriteScope;

namespace {

// A change with everything it needs, run on the writer.
class Change final : public records::Mutation {
 public:
  enum class Verb : uint8_t {
    kCreate,
    kCreateMany,
    kReplace,
    kPatch,
    kDelete,
    kPatchMany,
    kDeleteMany
  };

  Change(Verb verb, const TableInfo& table) : verb_(verb), table_(table) {}

  Task<Result<Answer>> run(WriteScope& scope) override {
    // Copies: the unit may be run again.
    switch (verb_) {
      case Verb::kCreate:
        co_return co_await create_row(scope, table_, rows[0], options);
      case Verb::kCreateMany:
        co_return co_await create_rows(scope, table_, rows, options);
      case Verb::kReplace:
        co_return co_await replace_row(scope, table_, key, rows[0], options);
      case Verb::kPatch:
        co_return co_await patch_row(scope, table_, key, rows[0], options);
      case Verb::kDelete:
        co_return co_await delete_row(scope, table_, key, options);
      case Verb::kPatchMany:
        co_return co_await patch_rows(scope, table_, filter, rows[0], options);
      case Verb::kDeleteMany:
        co_return co_await delete_rows(scope, table_, filter, options);
    }
    co_return fail(internal_error("no such verb"));
  }

  std::vector<RowInput> rows;
  std::vector<Value> key;
  records::Filter filter;
  ChangeOptions options;

 private:
  const Verb verb_;
  const TableInfo& table_;
};

class WriteEndpoint final : public engine::Endpoint {
 public:
  using Verb = Change::Verb;
  WriteEndpoint(Verb verb, TableApiRef api) : verb_(verb), api_(std::move(api)) {}

  Task<Result<net::Response>> call(engine::Call& call) const override {
    records::Door& door = call.app.door();
    const TableInfo& table = door.catalog().table(api_->table);
    const rules::Bindings bindings =
        records::base_bindings(call.principal, call.ctx.seams().clock->now());
    CO_TRY_VOID(allowed(door, table, call.principal, bindings));
    CO_TRY(const Preferences preferred, preferences(call.request));
    auto change = std::make_shared<Change>(verb_, table);
    CO_TRY_VOID(options(call, door, preferred, *change));
    if (one_row() && verb_ != Verb::kCreate) {
      CO_TRY(change->key, door.parse_key(api_->table, records::RowKey{call.path}));
    }
    const Verb verb = verb_;
    if (verb != Verb::kDelete && verb != Verb::kDeleteMany) {
      CO_TRY(change, body(call, door, table, bindings, std::move(change)));
    }
    auto committed = co_await door.commit(call.ctx, call.principal, change,
                                          engine::idempotency_of(call), call.request.path);
    if (!committed) co_return fail(std::move(committed.error()));
    net::Response response = to_response(std::move(*committed));
    if (!preferred.applied.empty()) response.set("Preference-Applied", preferred.applied);
    co_return response;
  }

 private:
  bool one_row() const { return verb_ != Verb::kPatchMany && verb_ != Verb::kDeleteMany; }

  Result<> allowed(records::Door& door, const TableInfo& table, const records::Principal& who,
                   const rules::Bindings& bindings) const {
    switch (verb_) {
      case Verb::kCreate:
      case Verb::kCreateMany:
        return may_start(door.catalog(), table.create, who, bindings, table, "create");
      case Verb::kDelete:
      case Verb::kDeleteMany:
        return may_start(door.catalog(), table.delete_, who, bindings, table, "delete");
      case Verb::kReplace: {
        // Either may do: which one is needed depends on whether the row is there.
        if (may_start(door.catalog(), table.create, who, bindings, table, "create")) return {};
        return may_start(door.catalog(), table.update, who, bindings, table, "update");
      }
      default:
        return may_start(door.catalog(), table.update, who, bindings, table, "update");
    }
  }

  Result<> options(engine::Call& call, records::Door& door, const Preferences& preferred,
                   Change& change) const {
    const Allowed parameters = verb_ == Verb::kCreate ? Allowed::kCreate
                               : one_row()            ? Allowed::kRow
                                                      : Allowed::kChange;
    TRY(const Pairs pairs, query_pairs(call.request.query));
    TRY(Parsed parsed, parse_query(door.catalog(), api_->table, pairs, parameters, api_->limits));
    if (!one_row() && !parsed.filtered) {
      return fail(Code::kInvalidParameter,
                  "a filter is required to change many rows, such as `?id=eq.…`");
    }
    ChangeOptions& options = change.options;
    options.select = std::move(parsed.query.select);
    options.minimal = preferred.minimal;
    options.represent_deleted = preferred.representation;
    options.resolution = preferred.resolution;
    options.on_conflict = std::move(parsed.on_conflict);
    if (!options.on_conflict.empty() && options.resolution == Resolution::kNone) {
      Error error = make_error(Code::kInvalidParameter,
                               "on_conflict goes with `Prefer: resolution=merge-duplicates` or "
                               "`resolution=ignore-duplicates`");
      error.parameter = "on_conflict";
      return fail(std::move(error));
    }
    options.max_affected = parsed.max_affected ? parsed.max_affected : preferred.max_affected;
    options.rows_max = api_->affected_max;
    options.path = api_->path;
    change.filter = std::move(parsed.query.filter);
    if (const auto tag = call.request.header("If-Match")) options.if_match = std::string(*tag);
    options.if_none_match_any = call.request.header("If-None-Match") == std::string_view("*");
    return precondition_given(door.catalog().table(api_->table),
                              verb_ == Verb::kCreate ? ChangeOf::kNewRows
                              : one_row()            ? ChangeOf::kOneRow
                                                     : ChangeOf::kManyRows,
                              options);
  }

  // Parses and checks the body; an array makes of a create a create of many.
  Result<std::shared_ptr<Change>> body(engine::Call& call, records::Door& door,
                                       const TableInfo& table, const rules::Bindings& bindings,
                                       std::shared_ptr<Change> change) const {
    TRY(const JsonDocument document, JsonDocument::parse(call.request.body));
    const JsonNode root = document.root();
    const RowMode mode = verb_ == Verb::kCreate    ? RowMode::kCreate
                         : verb_ == Verb::kReplace ? RowMode::kReplace
                                                   : RowMode::kPatch;
    std::vector<Fault> faults;
    if (verb_ != Verb::kCreate || !root.is_array()) {
      TRY(RowInput row, records::read_row(door.catalog(), table, root, mode, bindings, "", faults));
      if (!faults.empty()) return fail(records::invalid(std::move(faults)));
      change->rows.push_back(std::move(row));
      return change;
    }
    if (static_cast<int64_t>(root.size()) > api_->array_max) {
      return fail(Code::kPayloadTooLarge,
                  fmt::format("the array has {} rows; at most {} go into one request", root.size(),
                              api_->array_max));
    }
    auto many = std::make_shared<Change>(Verb::kCreateMany, table);
    many->options = std::move(change->options);
    size_t index = 0;
    for (const JsonNode element : root.elements()) {
      const std::string pointer = records::pointer_to("", index++);
      TRY(RowInput row,
          records::read_row(door.catalog(), table, element, mode, bindings, pointer, faults));
      many->rows.push_back(std::move(row));
      if (faults.size() >= records::kFaultsMax) break;
    }
    if (!faults.empty()) return fail(records::invalid(std::move(faults)));
    return many;
  }

  const Verb verb_;
  const TableApiRef api_;
};

std::shared_ptr<const engine::Endpoint> make(Change::Verb verb, TableApiRef api) {
  return std::make_shared<WriteEndpoint>(verb, std::move(api));
}

}  // namespace

std::shared_ptr<const engine::Endpoint> create_endpoint(TableApiRef api) {
  return make(Change::Verb::kCreate, std::move(api));
}
std::shared_ptr<const engine::Endpoint> replace_endpoint(TableApiRef api) {
  return make(Change::Verb::kReplace, std::move(api));
}
std::shared_ptr<const engine::Endpoint> patch_endpoint(TableApiRef api) {
  return make(Change::Verb::kPatch, std::move(api));
}
std::shared_ptr<const engine::Endpoint> delete_endpoint(TableApiRef api) {
  return make(Change::Verb::kDelete, std::move(api));
}
std::shared_ptr<const engine::Endpoint> patch_many_endpoint(TableApiRef api) {
  return make(Change::Verb::kPatchMany, std::move(api));
}
std::shared_ptr<const engine::Endpoint> delete_many_endpoint(TableApiRef api) {
  return make(Change::Verb::kDeleteMany, std::move(api));
}

}  // namespace mettle::data

// Registration: each table's routes, and the tables that this feature keeps for itself.
#include "features/data/data.h"

#include "features/data/api.h"
#include "features/data/describe.h"
#include "records/door.h"
#include "records/idempotency.h"

namespace mettle::data {

namespace {

using engine::Policy;
using engine::Route;
using net::Method;

const std::vector<std::string> kJson = {"application/json"};
const std::vector<std::string> kPatch = {"application/merge-patch+json", "application/json"};

void add(engine::SnapshotBuilder& builder, Method method, const std::string& path,
         std::shared_ptr<const engine::Endpoint> endpoint, engine::Operation operation) {
  Route route(method, path, Policy::kRules, std::move(endpoint));
  route.idempotent_key = method == Method::kPost || method == Method::kPatch ||
                         method == Method::kPut || method == Method::kDelete;
  if (method == Method::kPost || method == Method::kPut) route.consumes = kJson;
  if (method == Method::kPatch) route.consumes = kPatch;
  route.operation = std::move(operation);
  builder.add(std::move(route));
}

void add_table(engine::SnapshotBuilder& builder, const records::TableInfo& table) {
  auto api = std::make_shared<TableApi>();
  api->table = table.index;
  api->path = fmt::format("{}/{}", builder.api_prefix(), table.table->name);
  api->limits.limit_default = builder.config().page_rows;
  api->limits.limit_max = builder.config().page_rows_max;
  api->array_max = builder.config().array_rows_max;
  api->affected_max = builder.config().array_rows_max;
  std::string row = api->path;
  for (const int column : table.key) {
    row += fmt::format("/{{{}}}", table.columns[static_cast<size_t>(column)].name());
  }
  describe_table(builder, table);
  add(builder, Method::kGet, api->path, list_endpoint(api), describe_list(builder, table));
  add(builder, Method::kPost, api->path, create_endpoint(api), describe_create(table));
  add(builder, Method::kPatch, api->path, patch_many_endpoint(api), describe_patch_many(table));
  add(builder, Method::kDelete, api->path, delete_many_endpoint(api), describe_delete_many(table));
  add(builder, Method::kGet, row, get_endpoint(api), describe_get(table));
  add(builder, Method::kPut, row, replace_endpoint(api), describe_replace(table));
  add(builder, Method::kPatch, row, patch_endpoint(api), describe_patch(table));
  add(builder, Method::kDelete, row, delete_endpoint(api), describe_delete(table));
}

class DataFeature final : public engine::Feature {
 public:
  std::string_view name() const override { return "data"; }
  std::vector<std::string> own_tables() const override { return records::idempotency_tables(); }
  void build(engine::SnapshotBuilder& builder) override {
    for (const records::TableInfo& table : builder.door().catalog().tables()) {
      add_table(builder, table);
    }
  }
};

}  // namespace

std::unique_ptr<engine::Feature> make_feature() {
  return std::make_unique<DataFeature>();
}

}  // namespace mettle::data

#include "features/queries/queries.h"

#include "base/json_write.h"
#include "engine/shape_schema.h"
#include "features/queries/queries_api.h"
#include "records/door.h"

namespace mettle::queries {
namespace {

std::shared_ptr<const QueryCode> compile_query(const model::Query& query,
                                               const std::shared_ptr<const model::AppModel>& app,
                                               const commands::Compiling& compiling) {
  const std::string path = "queries." + query.name;
  auto code = std::make_shared<QueryCode>();
  code->query = &query;
  code->app = app;
  code->input = records::compile_input(*app, query.input, path + ".input", compiling.faults);
  rules::Environment environment = rules::Environment::base(*app);
  environment.declare("input", rules::object_type(*app, query.input));
  code->access = commands::compile_access(query.access, environment, path, compiling.faults);
  const commands::SqlText text{.sqlite = query.sql.sqlite,
                               .postgres = query.sql.postgres,
                               .pos = query.pos,
                               .returns = query.returns,
                               .input = query.input,
                               .must_read_only = true};
  auto sql = commands::compile_sql(text, environment, path + ".sql", compiling);
  if (!sql || !code->access.rule) return nullptr;
  code->sql = std::move(*sql);
  for (const std::string& name : code->sql.names) code->keys.push_back(json_key_fragment(name));
  return code;
}

// A column of a statement may be null whatever its table says: joins and aggregates make it so.
std::string row_schema(const QueryCode& code) {
  std::string text;
  JsonWriter writer(text);
  writer.begin_object();
  writer.key("type");
  writer.string("object");
  writer.key("properties");
  writer.begin_object();
  for (const model::Member& member : code.query->returns) {
    writer.key(member.name);
    writer.raw(engine::shape_schema(*code.app, member.shape, engine::Wire::kOut, true));
  }
  writer.end_object();
  writer.key("required");
  writer.begin_array();
  for (const model::Member& member : code.query->returns) writer.string(member.name);
  writer.end_array();
  writer.key("additionalProperties");
  writer.boolean(false);
  writer.end_object();
  return text;
}

std::string answer_schema(const QueryCode& code) {
  return R"({"type":"object","required":["items"],"properties":{"items":{"type":"array","items":)" +
         row_schema(code) + R"(}},"additionalProperties":false})";
}

engine::Route route_of(const std::shared_ptr<const QueryCode>& code, const std::string& prefix) {
  const model::Query& query = *code->query;
  engine::Route route(net::Method::kGet, prefix + "/queries/" + query.name, engine::Policy::kRules,
                      query_endpoint(code));
  engine::Operation& operation = route.operation;
  operation.id = "query_" + query.name;
  operation.summary = query.doc.empty() ? "The query " + query.name : query.doc;
  operation.tag = "queries";
  commands::add_query_parameters(*code->app, query.input, operation);
  operation.replies.push_back({200,
                               "The rows",
                               "application/json",
                               answer_schema(*code),
                               {{"ETag", "A hash of the answer, for If-None-Match"}}});
  return route;
}

class Queries final : public engine::Feature {
 public:
  std::string_view name() const override { return "queries"; }
  void build(engine::SnapshotBuilder& builder) override;
};

void Queries::build(engine::SnapshotBuilder& builder) {
  const model::AppModel& app = builder.model();
  if (app.queries.empty()) return;
  const records::Catalog& catalog = builder.door().catalog();
  auto checks = commands::sql_checks(app, catalog.dialect());
  if (!checks) {
    builder.faults().error({}, "queries", "sql_check", checks.error().inside);
    return;
  }
  const commands::Compiling compiling{app, catalog, builder.faults(), checks->get()};
  for (const model::Query& query : app.queries) {
    const auto code = compile_query(query, builder.model_ref(), compiling);
    if (code) builder.add(route_of(code, builder.api_prefix()));
  }
}

}  // namespace

std::unique_ptr<engine::Feature> make_feature() {
  return std::make_unique<Queries>();
}

}  // namespace mettle::queries

#include "features/routes/routes.h"

#include <set>

#include "engine/engine.h"
#include "engine/shape_schema.h"
#include "features/routes/feature.h"
#include "features/routes/routes_api.h"
#include "records/door.h"

namespace mettle::routes {
namespace {

constexpr std::string_view kText = R"({"type":"string"})";

bool has_sql(const std::vector<model::Step>& steps) {
  return std::ranges::any_of(steps, [](const model::Step& step) {
    return step.verb == model::Step::Verb::kSql || has_sql(step.steps);
  });
}

// "GET /s/{code}" → "route_get_s_code"
std::string operation_id(const model::Route& route) {
  const std::string id = route.method + route.path;
  std::string out = "route_";
  for (const char c : id) {
    if (c >= 'A' && c <= 'Z') {
      out += static_cast<char>(c - 'A' + 'a');
    } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      out += c;
    } else if (!out.ends_with('_')) {
      out += '_';
    }
  }
  while (out.ends_with('_')) out.pop_back();
  return out;
}

engine::Reply good_reply(const RouteCode& code) {
  engine::Reply reply;
  reply.status = code.route->respond.status;
  reply.description = "The answer";
  for (const auto& [name, value] : code.headers) {
    if (name == "Content-Type") {
      reply.content_type = commands::text_of(value.literal);
    } else {
      reply.headers.emplace_back(name, "");
    }
  }
  if (!code.body) {
    reply.content_type.clear();
    return reply;
  }
  if (reply.content_type.empty()) {
    reply.content_type = code.body_is_text ? "text/plain" : "application/json";
  }
  reply.content_type = reply.content_type.substr(0, reply.content_type.find(';'));
  reply.schema =
      code.body_is_text ? std::string(kText) : commands::returns_schema(*code.app, *code.body);
  return reply;
}

engine::Route route_of(const RouteRef& code, std::shared_ptr<AfterWork> after) {
  const model::Route& route = *code->route;
  engine::Route out(*net::parse_method(route.method), route.path, engine::Policy::kRules,
                    route_endpoint(code, std::move(after)));
  engine::Operation& operation = out.operation;
  operation.id = operation_id(route);
  operation.summary = route.doc.empty() ? route.method + " " + route.path : route.doc;
  operation.tag = "routes";
  for (const std::string& name : route.path_names) {
    operation.parameters.push_back({name, "path", "", true, std::string(kText)});
  }
  if (code->input_in_query) {
    commands::add_query_parameters(*code->app, route.input, operation);
  } else {
    out.consumes = {"application/json"};
    if (!route.input.empty()) {
      operation.request_types = {"application/json"};
      operation.request_schema = engine::object_schema(*code->app, route.input, engine::Wire::kIn);
    }
  }
  out.idempotent_key = route.method != "GET" && code->program.writes;
  operation.replies.push_back(good_reply(*code));
  commands::add_declared_problems(code->program.steps, operation);
  return out;
}

}  // namespace

Routes::Routes() : after_(std::make_shared<AfterWork>()) {}

void Routes::build(engine::SnapshotBuilder& builder) {
  const model::AppModel& app = builder.model();
  const std::shared_ptr<const records::Catalog>& catalog = builder.door().catalog_ref();
  std::unique_ptr<commands::SqlChecks> checks;
  const bool sql = std::ranges::any_of(app.routes, [](const model::Route& route) {
    return has_sql(route.steps) || has_sql(route.after);
  });
  if (sql) {
    auto made = commands::sql_checks(app, catalog->dialect());
    if (!made) {
      builder.faults().error({}, "routes", "sql_check", made.error().inside);
      return;
    }
    checks = std::move(*made);
  }
  const commands::Compiling compiling{app, *catalog, builder.faults(), checks.get()};
  std::set<std::string> ids;
  for (const model::Route& route : app.routes) {
    const RouteRef code = compile_route(route, builder.model_ref(), compiling, catalog);
    if (!code->access.rule) continue;
    engine::Route made = route_of(code, after_);
    // "/a-b" and "/a_b" are two addresses with one id.
    const std::string id = made.operation.id;
    for (int n = 2; !ids.insert(made.operation.id).second; ++n) {
      made.operation.id = id + "_" + std::to_string(n);
    }
    builder.add(std::move(made));
  }
}

Result<> Routes::start(engine::Engine& engine) {
  records::QueryLimits limits;
  limits.limit_max = engine.config().page_rows_max;
  for (size_t i = 0; i < engine.cores().size(); ++i) {
    after_->attach(engine.cores().at(i), engine.store(), limits);
  }
  return {};
}

void Routes::stop(engine::Engine&) {
  after_->finish();
}

std::unique_ptr<engine::Feature> make_feature() {
  return std::make_unique<Routes>();
}

}  // namespace mettle::routes

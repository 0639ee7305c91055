#include <set>

#include "base/json_write.h"
#include "features/openapi/openapi.h"

namespace mettle::openapi {

namespace {

constexpr std::string_view kProblemSchema =
    R"({"type":"object","description":"RFC 9457","required":["type","title","status","code"],)"
    R"("properties":{"type":{"type":"string"},"title":{"type":"string"},)"
    R"("status":{"type":"integer"},"detail":{"type":"string"},"instance":{"type":"string"},)"
    R"("code":{"type":"string","description":"see /docs/errors"},)"
    R"("request_id":{"type":"string"},)"
    R"("parameter":{"type":"string",)"
    R"("description":"the query parameter or header at fault"},)"
    R"("offset":{"type":"integer","description":"byte offset of malformed JSON"},)"
    R"("errors":{"type":"array","items":{"type":"object","required":["pointer","code"],)"
    R"("properties":{"pointer":{"type":"string","description":"RFC 6901"},)"
    R"("code":{"type":"string"},"detail":{"type":"string"}}}}}})";

std::string_view lower_method(net::Method method) {
  switch (method) {
    case net::Method::kGet:
      return "get";
    case net::Method::kHead:
      return "head";
    case net::Method::kPost:
      return "post";
    case net::Method::kPut:
      return "put";
    case net::Method::kPatch:
      return "patch";
    case net::Method::kDelete:
      return "delete";
    default:
      return "options";
  }
}

class DocumentWriter {
 public:
  DocumentWriter(const engine::Snapshot& app, std::string& out) : app_(app), json_(out) {}
  void write();

 private:
  void text(std::string_view name, std::string_view value) {
    json_.key(name);
    json_.string(value);
  }
  void info();
  void tags();
  void paths();
  void operation(const engine::Route& route);
  void parameters(const engine::Route& route);
  void parameter(const engine::Parameter& parameter);
  void request(const engine::Operation& operation);
  void replies(const engine::Operation& operation);
  void components();

  static bool is_shown(const engine::Route& route) {
    return !route.operation.hidden && !route.operation.id.empty() &&
           route.policy != engine::Policy::kOperator;
  }

  const engine::Snapshot& app_;
  JsonWriter json_;
};

void DocumentWriter::info() {
  json_.key("info");
  json_.begin_object();
  text("title", app_.model().app);
  text("version", fmt::format("{}", app_.model().api));
  text("description",
       "Errors are problem documents (RFC 9457); their codes are listed at /docs/errors.");
  json_.end_object();
  json_.key("servers");
  json_.begin_array();
  json_.begin_object();
  text("url", "/");
  json_.end_object();
  json_.end_array();
  json_.key("security");
  json_.raw(R"([{"key":[]},{}])");
}

void DocumentWriter::tags() {
  std::vector<std::string> names;
  for (const engine::Route& route : app_.routes()) {
    const std::string& tag = route.operation.tag;
    if (is_shown(route) && !tag.empty() &&
        std::find(names.begin(), names.end(), tag) == names.end()) {
      names.push_back(tag);
    }
  }
  json_.key("tags");
  json_.begin_array();
  for (const std::string& name : names) {
    json_.begin_object();
    text("name", name);
    json_.end_object();
  }
  json_.end_array();
}

void DocumentWriter::parameter(const engine::Parameter& parameter) {
  json_.begin_object();
  text("name", parameter.name);
  text("in", parameter.in);
  if (!parameter.description.empty()) text("description", parameter.description);
  if (parameter.required) {
    json_.key("required");
    json_.boolean(true);
  }
  json_.key("schema");
  json_.raw(parameter.schema);
  json_.end_object();
}

void DocumentWriter::parameters(const engine::Route& route) {
  std::vector<engine::Parameter> all = route.operation.parameters;
  if (route.idempotent_key) {
    all.push_back({"Idempotency-Key", "header",
                   "a key of your own: a retry with it has the effect once", false,
                   R"({"type":"string","minLength":1,"maxLength":255})"});
  }
  if (all.empty()) return;
  json_.key("parameters");
  json_.begin_array();
  for (const engine::Parameter& each : all) parameter(each);
  json_.end_array();
}

void DocumentWriter::request(const engine::Operation& operation) {
  if (operation.request_schema.empty()) return;
  json_.key("requestBody");
  json_.begin_object();
  json_.key("required");
  json_.boolean(operation.request_required);
  json_.key("content");
  json_.begin_object();
  for (const std::string& type : operation.request_types) {
    json_.key(type);
    json_.begin_object();
    json_.key("schema");
    json_.raw(operation.request_schema);
    json_.end_object();
  }
  json_.end_object();
  json_.end_object();
}

void DocumentWriter::replies(const engine::Operation& operation) {
  json_.key("responses");
  json_.begin_object();
  std::set<int> seen;
  for (const engine::Reply& reply : operation.replies) {
    if (!seen.insert(reply.status).second) continue;
    json_.key(std::to_string(reply.status));
    json_.begin_object();
    text("description", reply.description);
    if (!reply.headers.empty()) {
      json_.key("headers");
      json_.begin_object();
      for (const auto& [name, description] : reply.headers) {
        json_.key(name);
        json_.begin_object();
        text("description", description);
        json_.key("schema");
        json_.raw(R"({"type":"string"})");
        json_.end_object();
      }
      json_.end_object();
    }
    if (!reply.content_type.empty()) {
      json_.key("content");
      json_.begin_object();
      json_.key(reply.content_type);
      json_.begin_object();
      json_.key("schema");
      json_.raw(reply.schema.empty() ? "{}" : reply.schema);
      json_.end_object();
      json_.end_object();
    }
    json_.end_object();
  }
  json_.key("4XX");
  json_.raw(R"({"$ref":"#/components/responses/problem"})");
  json_.key("5XX");
  json_.raw(R"({"$ref":"#/components/responses/problem"})");
  json_.end_object();
}

void DocumentWriter::operation(const engine::Route& route) {
  const engine::Operation& operation = route.operation;
  json_.key(lower_method(route.method));
  json_.begin_object();
  text("operationId", operation.id);
  if (!operation.summary.empty()) text("summary", operation.summary);
  if (!operation.tag.empty()) {
    json_.key("tags");
    json_.begin_array();
    json_.string(operation.tag);
    json_.end_array();
  }
  parameters(route);
  request(operation);
  replies(operation);
  json_.end_object();
}

void DocumentWriter::paths() {
  std::vector<std::string> order;
  std::map<std::string, std::vector<const engine::Route*>> by_path;
  for (const engine::Route& route : app_.routes()) {
    if (!is_shown(route)) continue;
    std::vector<const engine::Route*>& routes = by_path[route.path];
    if (routes.empty()) order.push_back(route.path);
    routes.push_back(&route);
  }
  json_.key("paths");
  json_.begin_object();
  for (const std::string& path : order) {
    json_.key(path);
    json_.begin_object();
    for (const engine::Route* route : by_path[path]) operation(*route);
    json_.end_object();
  }
  json_.end_object();
}

void DocumentWriter::components() {
  json_.key("components");
  json_.begin_object();
  json_.key("securitySchemes");
  json_.raw(R"({"key":{"type":"http","scheme":"bearer",)"
            R"("description":"a key made by `mettle key create`"}})");
  json_.key("responses");
  json_.raw(R"({"problem":{"description":"what was wrong and what to change",)"
            R"("content":{"application/problem+json":)"
            R"({"schema":{"$ref":"#/components/schemas/Problem"}}}}})");
  json_.key("schemas");
  json_.begin_object();
  json_.key("Problem");  // capital: no table can be called so
  json_.raw(kProblemSchema);
  for (const auto& [name, schema] : app_.schemas()) {
    json_.key(name);
    json_.raw(schema);
  }
  json_.end_object();
  json_.end_object();
}

void DocumentWriter::write() {
  json_.begin_object();
  text("openapi", "3.1.0");
  info();
  tags();
  paths();
  components();
  json_.end_object();
}

}  // namespace

std::string document(const engine::Snapshot& app) {
  std::string text;
  DocumentWriter(app, text).write();
  return text;
}

}  // namespace mettle::openapi

#include "features/batch/batch.h"

#include "base/json_write.h"
#include "base/limits.h"
#include "base/mutant.h"
#include "engine/idempotency.h"
#include "engine/snapshot.h"
#include "features/batch/operation.h"
#include "records/codec.h"
#include "records/door.h"

namespace mettle::batch {

using records::Answer;
using records::WriteScope;

namespace {

void append_result(std::string& out, const Answer& answer) {
  JsonWriter writer(out);
  writer.begin_object();
  writer.key("status");
  writer.integer(answer.status);
  writer.key("headers");
  writer.begin_object();
  for (const auto& [name, value] : answer.headers) {
    writer.key(name);
    writer.string(value);
  }
  writer.end_object();
  writer.key("body");
  writer.raw(answer.body.empty() ? "null" : answer.body);
  writer.end_object();
}

// The error with its faults below the operation's place.
Error placed(Error error, const std::string& pointer) {
  for (Fault& fault : error.faults) fault.pointer = pointer + "/body" + fault.pointer;
  if (error.faults.empty()) {
    // A parameter at fault stands in the path's query string.
    error.faults.push_back({error.parameter.empty() ? pointer : pointer + "/path",
                            error.app_code.empty() ? error.code : Code::kConflict, error.detail});
  }
  return error;
}

// The body outlives the request: the unit may run after the client has gone.
class BatchMutation final : public records::Mutation {
 public:
  BatchMutation(std::string body, BatchOptions options)
      : body_(std::move(body)), options_(std::move(options)) {}

  Task<Result<Answer>> run(WriteScope& scope) override {
    CO_TRY(const JsonDocument document, JsonDocument::parse(body_));
    const auto operations = document.root().find("operations");
    CO_TRY(std::string results, co_await run_operations(scope, *operations, options_));
    Answer answer;
    answer.content_type = "application/json";
    answer.body = fmt::format("{{\"results\":{}}}", results);
    co_return answer;
  }

 private:
  const std::string body_;
  const BatchOptions options_;
};

// Each operation is counted by the limits of the request that it stands for. One that leads to no
// address is counted as the batch itself.
Task<Result<>> count_operations(engine::Call& call, JsonNode operations,
                                const std::string& api_prefix) {
  const engine::RequestLimits* limits = call.app.limits();
  if (limits == nullptr || call.limits == nullptr) co_return Result<>();
  if (planted(Mutant::kBatchLimitedAsOne)) co_return Result<>();
  struct Named {
    std::string method, path;
    engine::Snapshot::Found found;
  };
  std::vector<Named> named;
  for (const JsonNode operation : operations.elements()) {
    Named one{operation.find("method")->text(), api_prefix + operation.find("path")->text(), {}};
    one.path.resize(std::min(one.path.size(), one.path.find('?')));
    const auto method = net::parse_method(one.method).value_or(net::Method::kOther);
    if (auto found = call.app.find(method, one.path)) one.found = std::move(*found);
    named.push_back(std::move(one));
  }
  const engine::LimitAsk batch{.route = *call.route,
                               .method = call.request.method_text,
                               .path = call.request.path,
                               .values = call.path,
                               .principal = call.principal,
                               .client = call.client};
  std::vector<engine::LimitAsk> asks;
  for (const Named& one : named) {
    if (one.found.route == nullptr) {
      asks.push_back(batch);
    } else {
      asks.push_back({.route = *one.found.route,
                      .method = one.method,
                      .path = one.path,
                      .values = one.found.path,
                      .principal = call.principal,
                      .client = call.client});
    }
  }
  co_return co_await limits->count_operations(call.ctx, batch, asks, *call.limits);
}

class BatchEndpoint final : public engine::Endpoint {
 public:
  explicit BatchEndpoint(BatchOptions options) : options_(std::move(options)) {}

  Task<Result<net::Response>> call(engine::Call& call) const override {
    CO_TRY(const JsonDocument document, JsonDocument::parse(call.request.body));
    CO_TRY_VOID(check_operations(document.root()));
    CO_TRY_VOID(
        co_await count_operations(call, *document.root().find("operations"), options_.api_prefix));
    auto mutation = std::make_shared<BatchMutation>(std::string(call.request.body), options_);
    CO_TRY(Answer answer,
           co_await call.app.door().commit(call.ctx, call.principal, std::move(mutation),
                                           engine::idempotency_of(call), call.request.path));
    net::Response response;
    response.status = answer.status;
    response.content_type =
        answer.status < 400 ? std::string_view("application/json") : "application/problem+json";
    if (answer.replayed) response.add("Idempotent-Replayed", "true");
    response.body = std::move(answer.body);
    co_return response;
  }

 private:
  const BatchOptions options_;
};

class BatchFeature final : public engine::Feature {
 public:
  std::string_view name() const override { return "batch"; }
  void build(engine::SnapshotBuilder& builder) override;
};

constexpr std::string_view kRequestSchema =
    R"({"type":"object","required":["operations"],"additionalProperties":false,"properties":{)"
    R"("operations":{"type":"array","minItems":1,"items":{"type":"object",)"
    R"("required":["method","path"],"additionalProperties":false,)"
    R"("properties":{"method":{"type":"string","enum":["POST","PUT","PATCH","DELETE"]},)"
    R"("path":{"type":"string",)"
    R"("description":"below the API's prefix, such as /orders or /orders/$o.id"},)"
    R"("body":{},"if_match":{"type":"string"},)"
    R"("as":{"type":"string","pattern":"^[a-z][a-z0-9_]*$"}}}}}})";
constexpr std::string_view kReplySchema =
    R"({"type":"object","required":["results"],"properties":{"results":{"type":"array",)"
    R"("items":{"type":"object","required":["status","headers","body"],)"
    R"("properties":{"status":{"type":"integer"},)"
    R"("headers":{"type":"object","additionalProperties":{"type":"string"}},"body":{}}}}}})";

void BatchFeature::build(engine::SnapshotBuilder& builder) {
  BatchOptions options;
  options.api_prefix = builder.api_prefix();
  options.rows_max = builder.config().array_rows_max;
  engine::Route route(net::Method::kPost, builder.api_prefix() + "/batch", engine::Policy::kRules,
                      std::make_shared<BatchEndpoint>(std::move(options)));
  route.consumes = {"application/json"};
  route.idempotent_key = true;
  engine::Operation& operation = route.operation;
  operation.id = "batch";
  operation.summary = "Many operations on tables in one transaction: all of them or none";
  operation.tag = "batch";
  operation.request_types = {"application/json"};
  operation.request_schema = kRequestSchema;
  operation.replies.push_back(
      {200, "what each operation answered", "application/json", std::string(kReplySchema), {}});
  builder.add(std::move(route));
}

}  // namespace

Task<Result<std::string>> run_operations(WriteScope& scope, JsonNode operations,
                                         const BatchOptions& options) {
  Results results;
  std::string all = "[";
  size_t index = 0;
  for (const JsonNode operation : operations.elements()) {
    const std::string pointer = records::pointer_to(options.pointer, index++);
    auto answer = co_await run_operation(scope, operation, results, options);
    if (!answer) co_return fail(placed(std::move(answer.error()), pointer));
    if (all.size() > 1) all += ',';
    append_result(all, *answer);
    if (const auto name = operation.find("as")) {
      results.add(name->text(), std::move(answer->body));
    }
  }
  all += ']';
  co_return all;
}

std::unique_ptr<engine::Feature> make_feature() {
  return std::make_unique<BatchFeature>();
}

}  // namespace mettle::batch

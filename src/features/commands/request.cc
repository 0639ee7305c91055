#include "features/commands/request.h"

#include <fmt/format.h>

#include <mutex>
#include <set>

#include "base/json_read.h"
#include "base/problem.h"
#include "engine/shape_schema.h"
#include "net/query.h"
#include "rules/watch.h"

namespace mettle::commands {

Value request_value(const engine::Call& call) {
  Map map;
  map.emplace_back("method", Value(call.request.method_text));
  map.emplace_back("path", Value(call.request.path));
  map.emplace_back("id", Value(call.ctx.request_id));
  return Value(std::move(map));
}

rules::Bindings request_bindings(const engine::Call& call) {
  const Seams& seams = call.ctx.seams();
  rules::Bindings bindings = records::base_bindings(call.principal, seams.clock->now());
  bindings.set_random(seams.random);
  bindings.bind("request", request_value(call));
  return bindings;
}

rules::Bindings bound(rules::Bindings base, const Names& names) {
  for (const auto& [name, value] : names) base.bind(name, value);
  return base;
}

Result<> may_call(const Access& access, const records::Principal& who,
                  const rules::Bindings& bindings, std::string_view what) {
  const Value verdict = rules::evaluate(*access.rule, bindings);
  if (bindings.watch() != nullptr) {
    rules::RuleAsked asked;
    asked.stage = rules::RuleAsked::Stage::kCall;
    asked.expr = access.rule;
    asked.value = verdict;
    asked.subject = what;
    asked.parts = rules::parts_asked(*access.rule, bindings, true);
    bindings.watch()->asked(std::move(asked));
  }
  if (verdict.is_true()) return {};
  if (!who.signed_in()) {
    return fail(Code::kUnauthenticated, fmt::format("sign in to call {}", what));
  }
  return fail(Code::kForbidden,
              fmt::format("you may not call {}: its access rule refuses it", what));
}

Result<Value> read_json_input(const records::InputInfo& input, std::string_view body,
                              const rules::Bindings& bindings) {
  TRY(const JsonDocument document, JsonDocument::parse(body.empty() ? "{}" : body));
  return records::read_input(input, document.root(), bindings);
}

Result<Value> read_query_input(const records::InputInfo& input, std::string_view query,
                               const rules::Bindings& bindings) {
  TRY(auto parameters, net::parse_query(query));
  std::vector<std::pair<std::string, std::string>> pairs;
  for (net::QueryParameter& parameter : parameters) {
    pairs.emplace_back(std::move(parameter.name), std::move(parameter.value));
  }
  return records::read_input(input, pairs, bindings);
}

net::Response to_response(records::Answer answer) {
  net::Response response;
  response.status = answer.status;
  for (auto& [name, value] : answer.headers) response.add(kept_text(name), std::move(value));
  if (answer.replayed) response.add("Idempotent-Replayed", "true");
  if (!answer.content_type.empty()) response.content_type = kept_text(answer.content_type);
  response.body = std::move(answer.body);
  return response;
}

std::string_view kept_text(std::string_view text) {
  static std::mutex mutex;
  static std::set<std::string, std::less<>> texts;
  const std::lock_guard lock(mutex);
  const auto it = texts.find(text);
  return it != texts.end() ? *it : *texts.emplace(text).first;
}

Result<std::unique_ptr<SqlChecks>> sql_checks(const model::AppModel& app,
                                              const db::Dialect& dialect) {
  if (dialect.name() == "sqlite") return sqlite_sql_checks(app);
  return std::unique_ptr<SqlChecks>();
}

void add_query_parameters(const model::AppModel& app, const std::vector<model::Member>& input,
                          engine::Operation& operation) {
  for (const model::Member& member : input) {
    engine::Parameter parameter;
    parameter.name = member.name;
    parameter.in = "query";
    parameter.description = member.doc;
    parameter.required = !member.shape.optional && !member.shape.default_value;
    parameter.schema = engine::shape_schema(app, member.shape, engine::Wire::kIn, false);
    operation.parameters.push_back(std::move(parameter));
  }
}

void add_declared_problems(const std::vector<StepCode>& steps, engine::Operation& operation) {
  for (auto& [status, codes] : declared_problems(steps)) {
    operation.replies.push_back(
        {status, codes, std::string(kProblemContentType), engine::schema_ref("Problem"), {}});
  }
}

}  // namespace mettle::commands

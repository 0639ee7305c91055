#include "features/commands/commands_api.h"

#include "engine/idempotency.h"
#include "engine/snapshot.h"
#include "features/commands/request.h"
#include "features/commands/run.h"
#include "records/door.h"

namespace mettle::commands {
namespace {

class StepsMutation final : public records::Mutation {
 public:
  StepsMutation(CommandRef code, Names names) : code_(std::move(code)), names_(std::move(names)) {}

  Task<Result<records::Answer>> run(records::WriteScope& scope) override {
    Run run(scope, bound(scope.bindings(), names_));
    CO_TRY_VOID(co_await run.run(code_->program));
    records::Answer answer;
    if (!code_->returns) {
      answer.status = 204;
      co_return answer;
    }
    CO_TRY(answer.body, co_await render(scope, *code_->returns, run.bindings()));
    answer.content_type = "application/json";
    co_return answer;
  }

 private:
  const CommandRef code_;
  const Names names_;
};

class StepsEndpoint final : public engine::Endpoint {
 public:
  explicit StepsEndpoint(CommandRef code) : code_(std::move(code)) {}

  Task<Result<net::Response>> call(engine::Call& call) const override {
    CO_TRY(Value input, accept(*code_, call));
    Names names;
    names.emplace_back("request", request_value(call));
    names.emplace_back("input", std::move(input));
    auto mutation = std::make_shared<StepsMutation>(code_, std::move(names));
    const auto idempotency = engine::idempotency_of(call);
    CO_TRY(records::Answer answer,
           co_await call.app.door().commit(call.ctx, call.principal, std::move(mutation),
                                           idempotency, call.request.path));
    co_return to_response(std::move(answer));
  }

 private:
  const CommandRef code_;
};

}  // namespace

Result<Value> accept(const CommandCode& code, const engine::Call& call) {
  rules::Bindings bindings = request_bindings(call);
  const std::string what = "the command " + code.command->name;
  if (!code.access.names_input) {
    TRY_VOID(may_call(code.access, call.principal, bindings, what));
  }
  TRY(Value input, read_json_input(code.input, call.request.body, bindings));
  if (code.access.names_input) {
    bindings.bind("input", input);
    TRY_VOID(may_call(code.access, call.principal, bindings, what));
  }
  return input;
}

std::shared_ptr<const engine::Endpoint> steps_endpoint(CommandRef code) {
  return std::make_shared<StepsEndpoint>(std::move(code));
}

}  // namespace mettle::commands

#include "features/routes/routes_api.h"

#include <algorithm>

#include "engine/idempotency.h"
#include "engine/snapshot.h"
#include "records/door.h"

namespace mettle::routes {
namespace {

// A read-only transaction where a WriteScope is wanted: the steps only read.
class ReadingTx final : public db::WriteTx {
 public:
  explicit ReadingTx(db::Tx& tx) : tx_(tx) {}
  Task<Result<int64_t>> run(const db::StatementRef& statement, std::span<const Value> values,
                            db::RowSink* sink) override {
    return tx_.run(statement, values, sink);
  }
  Task<Result<>> savepoint() override { return refuse(); }
  Task<Result<>> rollback_to() override { return refuse(); }
  Task<Result<>> release() override { return refuse(); }

 private:
  static Task<Result<>> refuse() {
    co_return fail(internal_error("a savepoint in a transaction that only reads"));
  }
  db::Tx& tx_;
};

// A line end in a header would begin another one (response splitting).
bool is_header_text(std::string_view text) {
  return std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Task<Result<records::Answer>> respond(records::WriteScope& scope, const RouteCode& code,
                                      const rules::Bindings& bindings) {
  records::Answer answer;
  answer.status = code.route->respond.status;
  if (code.body) {
    if (code.body_is_text) {
      CO_TRY(const Value text, co_await commands::evaluate(scope, *code.body, bindings));
      answer.body = commands::text_of(text);
      answer.content_type = "text/plain; charset=utf-8";
    } else {
      CO_TRY(answer.body, co_await commands::render(scope, *code.body, bindings));
      answer.content_type = "application/json";
    }
  }
  for (const auto& [name, value] : code.headers) {
    CO_TRY(const Value made, co_await commands::evaluate(scope, value, bindings));
    std::string text = commands::text_of(made);
    if (!is_header_text(text)) {
      co_return fail(internal_error("the header " + name + " of " + code.route->path +
                                    " has a control character in its value"));
    }
    if (name == "Content-Type") {
      answer.content_type = std::move(text);
    } else {
      answer.headers.emplace_back(name, std::move(text));
    }
  }
  co_return answer;
}

// What the steps leave behind for those that run after the answer.
struct Left {
  rules::Bindings names;
  Timestamp at;
};

class RouteMutation final : public records::Mutation {
 public:
  RouteMutation(RouteRef code, commands::Names names)
      : code_(std::move(code)), names_(std::move(names)) {}

  Task<Result<records::Answer>> run(records::WriteScope& scope) override {
    commands::Run run(scope, commands::bound(scope.bindings(), names_));
    CO_TRY_VOID(co_await run.run(code_->program));
    CO_TRY(records::Answer answer, co_await respond(scope, *code_, run.bindings()));
    left = Left{run.bindings(), scope.now()};
    co_return answer;
  }
  std::optional<Left> left;

 private:
  const RouteRef code_;
  const commands::Names names_;
};

class RouteRead final : public db::ReadUnit {
 public:
  RouteRead(const RouteCode& code, const records::Door& door, const records::Principal& who,
            const commands::Names& names)
      : code_(code),
        door_(door),
        who_(who),
        names_(names),
        ids_(*door.options().seams),
        now_(door.options().seams->clock->now()) {}

  Task<Result<>> run(db::Tx& tx) override {
    ReadingTx reading(tx);
    records::WriteScope scope(door_.catalog(), reading, who_, ids_, now_, door_.options().limits);
    commands::Run run(scope, commands::bound(scope.bindings(), names_));
    CO_TRY_VOID(co_await run.run(code_.program));
    CO_TRY(answer, co_await respond(scope, code_, run.bindings()));
    left = Left{run.bindings(), now_};
    co_return Result<>();
  }
  void restart() override {
    answer = {};
    left.reset();
  }
  records::Answer answer;
  std::optional<Left> left;

 private:
  const RouteCode& code_;
  const records::Door& door_;
  const records::Principal& who_;
  const commands::Names& names_;
  records::SharedIds ids_;
  const Timestamp now_;
};

class RouteEndpoint final : public engine::Endpoint {
 public:
  RouteEndpoint(RouteRef code, std::shared_ptr<AfterWork> after)
      : code_(std::move(code)), after_(std::move(after)) {}

  Task<Result<net::Response>> call(engine::Call& call) const override {
    CO_TRY(commands::Names names, accept(call));
    records::Door& door = call.app.door();
    if (!code_->program.writes) {
      RouteRead unit(*code_, door, call.principal, names);
      CO_TRY_VOID(co_await door.store().read(call.ctx, unit));
      later(call, std::move(unit.left));
      co_return commands::to_response(std::move(unit.answer));
    }
    auto mutation = std::make_shared<RouteMutation>(code_, std::move(names));
    const auto idempotency = engine::idempotency_of(call);
    CO_TRY(records::Answer answer, co_await door.commit(call.ctx, call.principal, mutation,
                                                        idempotency, call.request.path));
    // A replayed answer has had its steps.
    if (!answer.replayed && answer.status < 400) later(call, std::move(mutation->left));
    co_return commands::to_response(std::move(answer));
  }

 private:
  Result<commands::Names> accept(const engine::Call& call) const {
    commands::Names names;
    names.emplace_back("request", commands::request_value(call));
    Map path;
    for (size_t i = 0; i < code_->route->path_names.size(); ++i) {
      path.emplace_back(code_->route->path_names[i], Value(call.path[i]));
    }
    names.emplace_back("path", Value(std::move(path)));
    rules::Bindings bindings = commands::bound(commands::request_bindings(call), names);
    const std::string what = code_->route->method + " " + code_->route->path;
    // The path is known before the body is read, the input is not.
    const bool after_input = code_->access.rule->uses_name("input");
    if (!after_input) {
      TRY_VOID(commands::may_call(code_->access, call.principal, bindings, what));
    }
    TRY(Value input, code_->input_in_query
                         ? commands::read_query_input(code_->input, call.request.query, bindings)
                         : commands::read_json_input(code_->input, call.request.body, bindings));
    bindings.bind("input", input);
    names.emplace_back("input", std::move(input));
    if (after_input) {
      TRY_VOID(commands::may_call(code_->access, call.principal, bindings, what));
    }
    return names;
  }

  void later(const engine::Call& call, std::optional<Left> left) const {
    if (code_->after.steps.empty() || !left) return;
    after_->of(call.ctx.core())
        .put({code_, call.principal, std::move(left->names), left->at, call.ctx.request_id});
  }

  const RouteRef code_;
  const std::shared_ptr<AfterWork> after_;
};

}  // namespace

std::shared_ptr<const engine::Endpoint> route_endpoint(RouteRef code,
                                                       std::shared_ptr<AfterWork> after) {
  return std::make_shared<RouteEndpoint>(std::move(code), std::move(after));
}

}  // namespace mettle::routes

#include "features/commands/handler.h"

#include <fmt/format.h>

#include "async/timers.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/idempotency.h"
#include "engine/node_secrets.h"
#include "engine/snapshot.h"
#include "features/batch/batch.h"
#include "features/commands/claim.h"
#include "features/commands/request.h"
#include "features/commands/webhook.h"
#include "records/door.h"

namespace mettle::commands {
namespace {

constexpr int64_t kFirstPauseUs = 100'000;
constexpr int64_t kPauseMaxUs = 1'000'000;
// Beyond the handler's own time: for the commit.
constexpr int64_t kLeaseMarginUs = 15'000'000;

Error handler_failed(const std::string& command, std::string inside) {
  Error error = make_error(Code::kHandlerFailed,
                           "the handler of the command " + command + " did not answer as it must");
  error.inside = std::move(inside);
  return error;
}

int64_t longest_us(const model::Handler& handler) {
  const int64_t tries = handler.retries + 1;
  return tries * handler.timeout_us + tries * kPauseMaxUs + kLeaseMarginUs;
}

std::string call_body(const engine::Call& call, const Value& input) {
  std::string body;
  JsonWriter writer(body);
  writer.begin_object();
  writer.key("input");
  writer.value(input);
  writer.key("auth");
  writer.value(call.principal.as_value());
  writer.key("request_id");
  writer.string(call.ctx.request_id);
  writer.end_object();
  return body;
}

// The same for every try of a request, and for its retries under the same key: by it a handler
// knows what it has seen.
std::string message_id(const engine::Call& call,
                       const std::optional<records::Idempotency>& idempotency) {
  if (idempotency) {
    return "msg_" + sha256_hex(idempotency->scope + "\n" + idempotency->key).substr(0, 32);
  }
  IdGenerator ids(call.ctx.seams());
  return "msg_" + format_uuid(ids.next());
}

// A problem of the handler's as our error: RFC 9457 with our `code`.
std::optional<Error> decided_problem(const net::HttpAnswer& answer) {
  const auto type = answer.header("Content-Type").value_or("");
  // 401 is said to us, whose signature did not please, and not to the caller.
  if (answer.status < 400 || answer.status > 499 || answer.status == 401) return std::nullopt;
  if (!istarts_with(type, "application/problem+json")) return std::nullopt;
  const auto document = JsonDocument::parse(answer.body);
  if (!document || !document->root().is_object()) return std::nullopt;
  const auto text = [&](JsonNode node, std::string_view name) {
    const auto member = node.find(name);
    return member && member->is_string() ? member->text() : std::string();
  };
  const JsonNode root = document->root();
  Error error = make_error(Code::kConflict, text(root, "detail"));
  error.app_status = answer.status;
  error.app_code = text(root, "code");
  if (error.app_code.empty()) error.app_code = "handler_refused";
  if (const auto errors = root.find("errors")) {
    for (const JsonNode each : errors->elements()) {
      error.faults.push_back({text(each, "pointer"), Code::kInvalid, text(each, "detail")});
    }
  }
  return error;
}

struct Decided {
  std::string body;              // {"operations":…,"returns":…}
  std::optional<Error> refusal;  // a problem, instead
};

// An answer without a body does nothing and returns nothing.
std::string_view json_of(const std::string& body) {
  return body.empty() ? std::string_view("{}") : std::string_view(body);
}

// Checks the form of a good answer.
Result<> check_answer(const std::string& command, const std::string& body) {
  const auto document = JsonDocument::parse(json_of(body));
  if (!document) return fail(handler_failed(command, "no JSON: " + document.error().detail));
  if (!document->root().is_object()) return fail(handler_failed(command, "no JSON object"));
  for (const auto member : document->root().members()) {
    const std::string name = member.key.text();
    const bool known = (name == "operations" && member.value.is_array()) || name == "returns";
    if (known) continue;
    return fail(
        handler_failed(command, "the member " + name + " is not known, or of another kind"));
  }
  return {};
}

// The operations of an answer, and what it returns.
class HandlerMutation final : public records::Mutation {
 public:
  HandlerMutation(std::string command, Decided decided, batch::BatchOptions options)
      : command_(std::move(command)), decided_(std::move(decided)), options_(std::move(options)) {}

  Task<Result<records::Answer>> run(records::WriteScope& scope) override {
    if (decided_.refusal) co_return fail(*decided_.refusal);
    CO_TRY(const JsonDocument document, JsonDocument::parse(json_of(decided_.body)));
    if (const auto operations = document.root().find("operations")) {
      auto done = co_await batch::run_operations(scope, *operations, options_);
      if (!done) co_return fail(of_operations(std::move(done.error())));
    }
    records::Answer answer;
    const auto returns = document.root().find("returns");
    if (!returns) {
      answer.status = 204;
      co_return answer;
    }
    answer.content_type = "application/json";
    answer.body = returns->minified();
    co_return answer;
  }

 private:
  // That the data changed meanwhile is the caller's to know; anything else is the handler's fault.
  Error of_operations(Error error) const {
    const int status = error.status();
    if (status >= 500) return error;
    if (status == 409 || status == 412) {
      error.faults.clear();
      return error;
    }
    std::string inside = fmt::format("its operations: {} {}", error.name(), error.detail);
    for (const Fault& fault : error.faults)
      inside += fmt::format("; {} {}", fault.pointer, fault.detail);
    return handler_failed(command_, std::move(inside));
  }

  const std::string command_;
  const Decided decided_;
  const batch::BatchOptions options_;
};

class HandlerEndpoint final : public engine::Endpoint {
 public:
  HandlerEndpoint(CommandRef code, std::shared_ptr<Handlers> handlers)
      : code_(std::move(code)), handlers_(std::move(handlers)) {}

  Task<Result<net::Response>> call(engine::Call& call) const override {
    CO_TRY(const Value input, accept(*code_, call));
    auto idempotency = engine::idempotency_of(call);
    records::Door& door = call.app.door();
    if (!idempotency) {
      co_return co_await ask_and_commit(call, input, idempotency);
    }
    CO_TRY(Claimed claimed,
           co_await claim_key(call.ctx, door.store(), *idempotency, longest_us(handler())));
    if (claimed.answer) co_return to_response(std::move(*claimed.answer));
    idempotency->claimed_until = claimed.until;
    auto response = co_await ask_and_commit(call, input, idempotency);
    // What was not kept must not keep the next one waiting.
    if (!response) co_await give_back(call.ctx, door.store(), *idempotency);
    co_return response;
  }

 private:
  const model::Handler& handler() const { return *code_->command->handler; }

  Task<Result<net::Response>> ask_and_commit(
      engine::Call& call, const Value& input,
      const std::optional<records::Idempotency>& idempotency) const {
    CO_TRY(Decided decided, co_await ask(call, input, message_id(call, idempotency)));
    batch::BatchOptions options;
    options.api_prefix = fmt::format("/api/v{}", call.app.model().api);
    options.authority = records::Authority::kApp;
    auto mutation = std::make_shared<HandlerMutation>(code_->command->name, std::move(decided),
                                                      std::move(options));
    CO_TRY(records::Answer answer,
           co_await call.app.door().commit(call.ctx, call.principal, std::move(mutation),
                                           idempotency, call.request.path));
    co_return to_response(std::move(answer));
  }

  // Asks until there is an answer that decides, or the tries are used up.
  Task<Result<Decided>> ask(engine::Call& call, const Value& input, std::string id) const {
    CO_TRY(const std::string secret, co_await handlers_->secret(call.ctx, call.app.door().store()));
    const std::string body = call_body(call, input);
    int64_t pause_us = kFirstPauseUs;
    for (int left = handler().retries;; --left) {
      auto decided = co_await ask_once(call, secret, id, body);
      if (decided || left <= 0) co_return decided;
      const Code code = decided.error().code;
      if (code != Code::kHandlerFailed && code != Code::kHandlerTimeout) co_return decided;
      CO_TRY_VOID(co_await sleep_for(call.ctx, std::chrono::microseconds(pause_us)));
      pause_us = std::min(pause_us * 2, kPauseMaxUs);
    }
  }

  Task<Result<Decided>> ask_once(engine::Call& call, const std::string& secret,
                                 const std::string& id, const std::string& body) const {
    const std::string& name = code_->command->name;
    net::HttpCall out =
        signed_call(secret, handler().url, id, call.ctx.seams().clock->now().us / 1'000'000, body);
    out.timeout = std::chrono::milliseconds((handler().timeout_us + 999) / 1000);
    auto answer = co_await handlers_->client().send(call.ctx, std::move(out));
    if (!answer) {
      Error error = std::move(answer.error());
      if (error.code == Code::kHandlerFailed) error = handler_failed(name, error.detail);
      if (error.code == Code::kHandlerTimeout || error.code == Code::kDeadlineExceeded) {
        error = make_error(Code::kHandlerTimeout,
                           "the handler of the command " + name + " took too long");
      }
      // The caller need not know where the handler lives.
      if (error.code == Code::kUnavailable && error.retry_after_s > 0) {
        error.inside = std::exchange(
            error.detail, fmt::format("the handler of the command {} failed again and again and is "
                                      "left alone for {} s",
                                      name, error.retry_after_s));
      }
      co_return fail(std::move(error));
    }
    if (auto refusal = decided_problem(*answer)) co_return Decided{{}, std::move(refusal)};
    if (answer->status < 200 || answer->status > 299) {
      co_return fail(handler_failed(name, fmt::format("it answered {}", answer->status)));
    }
    CO_TRY_VOID(check_answer(name, answer->body));
    co_return Decided{std::move(answer->body), std::nullopt};
  }

  const CommandRef code_;
  const std::shared_ptr<Handlers> handlers_;
};

}  // namespace

Task<Result<std::string>> Handlers::secret(Context& ctx, db::Store& store) {
  {
    const std::lock_guard lock(mutex_);
    if (!secret_.empty()) co_return secret_;
  }
  CO_TRY(std::string made, co_await engine::node_secret(ctx, store, std::string(kWebhookSecret)));
  const std::lock_guard lock(mutex_);
  secret_ = made;
  co_return made;
}

std::shared_ptr<const engine::Endpoint> handler_endpoint(CommandRef code,
                                                         std::shared_ptr<Handlers> handlers) {
  return std::make_shared<HandlerEndpoint>(std::move(code), std::move(handlers));
}

}  // namespace mettle::commands

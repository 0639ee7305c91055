#include "features/commands/library.h"

#include <fmt/format.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <variant>

#include "async/blocking.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "engine/idempotency.h"
#include "engine/snapshot.h"
#include "features/batch/batch.h"
#include "features/commands/commands_api.h"
#include "features/commands/request.h"
#include "features/commands/run.h"
#include "records/door.h"

namespace mettle::commands {
namespace {

struct Ask {
  std::string table, rule;  // rows …
  std::string operations;   // … or run
};
using End = Result<std::optional<std::string>>;

// Where the function, on a thread of its own, and the coroutine that holds the transaction meet:
// the function may be written as plain calls that wait.
class Meeting {
 public:
  // The function's side.
  Result<std::string> ask(Ask what) {
    std::unique_lock lock(mutex_);
    ask_ = std::move(what);
    changed_.notify_all();
    changed_.wait(lock, [this] { return reply_.has_value(); });
    Result<std::string> reply = std::move(*reply_);
    reply_.reset();
    return reply;
  }
  void finish(End end) {
    const std::lock_guard lock(mutex_);
    end_ = std::move(end);
    changed_.notify_all();
  }

  // The transaction's side.
  std::variant<Ask, End> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ask_.has_value() || end_.has_value(); });
    if (end_) return std::move(*end_);
    Ask asked = std::move(*ask_);
    ask_.reset();
    return asked;
  }
  void answer(Result<std::string> reply) {
    const std::lock_guard lock(mutex_);
    reply_ = std::move(reply);
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Ask> ask_;
  std::optional<Result<std::string>> reply_;
  std::optional<End> end_;
};

struct CallTexts {
  std::string input, auth, request_id;
};

class Call final : public LibraryCall {
 public:
  Call(Meeting& meeting, const CallTexts& texts) : meeting_(meeting), texts_(texts) {}
  std::string_view input() const override { return texts_.input; }
  std::string_view auth() const override { return texts_.auth; }
  std::string_view request_id() const override { return texts_.request_id; }
  std::optional<std::string> rows(std::string_view table, std::string_view rule) override {
    return ask({std::string(table), std::string(rule), {}});
  }
  std::optional<std::string> run(std::string_view operations) override {
    return ask({{}, {}, std::string(operations)});
  }
  bool failed() const override { return error.has_value(); }
  std::optional<Error> error;  // the first

 private:
  std::optional<std::string> ask(Ask what) {
    if (error) return std::nullopt;
    auto reply = meeting_.ask(std::move(what));
    if (reply) return std::move(*reply);
    error = std::move(reply.error());
    return std::nullopt;
  }

  Meeting& meeting_;
  const CallTexts& texts_;
};

End called(const LibraryFunction& function, Meeting& meeting, const CallTexts& texts) {
  Call call(meeting, texts);
  try {
    End end = function(call);
    if (call.error) return fail(std::move(*call.error));
    return end;
  } catch (const std::exception& thrown) {
    return fail(internal_error(std::string("the function of a command threw: ") + thrown.what()));
  } catch (...) {
    return fail(internal_error("the function of a command threw"));
  }
}

class LibraryMutation final : public records::Mutation {
 public:
  LibraryMutation(CommandRef code, LibraryFunction function, BlockingPool& pool, Names names,
                  std::string request_id, batch::BatchOptions options)
      : code_(std::move(code)),
        function_(std::move(function)),
        pool_(pool),
        names_(std::move(names)),
        request_id_(std::move(request_id)),
        options_(std::move(options)) {}

  Task<Result<records::Answer>> run(records::WriteScope& scope) override {
    const rules::Bindings bindings = bound(scope.bindings(), names_);
    const CallTexts texts{to_json(*bindings.find("input")), to_json(scope.who().as_value()),
                          request_id_};
    Meeting meeting;
    // The function has ended before this frame goes: next() gives its end.
    const bool taken = pool_.submit(
        [this, &meeting, &texts] { meeting.finish(called(function_, meeting, texts)); });
    if (!taken) co_return fail(Code::kOverloaded, "too many functions wait for a thread");
    while (true) {
      std::variant<Ask, End> next = meeting.next();
      if (auto* end = std::get_if<End>(&next)) {
        if (!*end) co_return fail(std::move(end->error()));
        co_return answer(std::move(**end));
      }
      auto reply = co_await serve(scope, std::get<Ask>(next), bindings);
      meeting.answer(std::move(reply));
    }
  }

 private:
  static records::Answer answer(std::optional<std::string> body) {
    records::Answer out;
    out.status = body ? 200 : 204;
    if (!body) return out;
    out.content_type = "application/json";
    out.body = std::move(*body);
    return out;
  }

  Task<Result<std::string>> serve(records::WriteScope& scope, const Ask& ask,
                                  const rules::Bindings& bindings) const {
    if (!ask.table.empty()) co_return co_await rows(scope, ask, bindings);
    CO_TRY(const JsonDocument document, JsonDocument::parse(ask.operations));
    co_return co_await batch::run_operations(scope, document.root(), options_);
  }

  Task<Result<std::string>> rows(records::WriteScope& scope, const Ask& ask,
                                 const rules::Bindings& bindings) const {
    const records::Catalog& catalog = scope.catalog();
    const int index = catalog.model().find_table(ask.table);
    if (index < 0) co_return fail(internal_error("there is no table " + ask.table));
    const std::string key = "L" + code_->command->name + " " + ask.table + " " + ask.rule;
    auto rule = std::static_pointer_cast<const rules::Expr>(catalog.find_cached(key));
    if (!rule) {
      rules::Environment environment = rules::Environment::base(catalog.model());
      environment.declare("input", rules::object_type(catalog.model(), code_->command->input));
      environment.declare("row", rules::row_type(index));
      model::Faults faults;
      rule = compile_condition({ask.rule, {1, 1}}, environment, "rows", faults);
      if (!rule) {
        co_return fail(internal_error("a rule of the command " + code_->command->name + ": " +
                                      faults.sorted()[0].message));
      }
      catalog.put_cached(key, rule);
    }
    const records::TableInfo& table = catalog.table(index);
    CO_TRY(const auto found, co_await scope.where(table, rule, bindings, kStepRowsMax));
    std::string out = "[";
    for (const records::StoredRow& row : found) {
      if (out.size() > 1) out += ',';
      out += to_json(scope.as_value(table, row));
    }
    co_return out + "]";
  }

  const CommandRef code_;
  const LibraryFunction function_;
  BlockingPool& pool_;
  const Names names_;
  const std::string request_id_;
  const batch::BatchOptions options_;
};

// One thread: the store runs one transaction that writes at a time.
BlockingPool& function_pool() {
  static BlockingPool pool(1, 64);
  return pool;
}

class LibraryEndpoint final : public engine::Endpoint {
 public:
  LibraryEndpoint(CommandRef code, LibraryFunction function)
      : code_(std::move(code)), function_(std::move(function)) {}

  Task<Result<net::Response>> call(engine::Call& call) const override {
    CO_TRY(Value input, accept(*code_, call));
    Names names;
    names.emplace_back("request", request_value(call));
    names.emplace_back("input", std::move(input));
    batch::BatchOptions options;
    options.api_prefix = fmt::format("/api/v{}", call.app.model().api);
    options.authority = records::Authority::kApp;
    auto mutation =
        std::make_shared<LibraryMutation>(code_, function_, function_pool(), std::move(names),
                                          call.ctx.request_id, std::move(options));
    const auto idempotency = engine::idempotency_of(call);
    CO_TRY(records::Answer answer,
           co_await call.app.door().commit(call.ctx, call.principal, std::move(mutation),
                                           idempotency, call.request.path));
    co_return to_response(std::move(answer));
  }

 private:
  const CommandRef code_;
  const LibraryFunction function_;
};

class MissingLibraryEndpoint final : public engine::Endpoint {
 public:
  explicit MissingLibraryEndpoint(CommandRef code) : code_(std::move(code)) {}
  Task<Result<net::Response>> call(engine::Call& call) const override {
    CO_TRY(const Value input, accept(*code_, call));
    co_return fail(Code::kNotImplemented, "the command " + code_->command->name +
                                              " is a function of a program that embeds Mettle");
  }

 private:
  const CommandRef code_;
};

}  // namespace

std::shared_ptr<const engine::Endpoint> library_endpoint(CommandRef code,
                                                         LibraryFunction function) {
  return std::make_shared<LibraryEndpoint>(std::move(code), std::move(function));
}

std::shared_ptr<const engine::Endpoint> missing_library_endpoint(CommandRef code) {
  return std::make_shared<MissingLibraryEndpoint>(std::move(code));
}

}  // namespace mettle::commands

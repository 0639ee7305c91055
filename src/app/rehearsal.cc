#include "app/rehearsal.h"

#include <mutex>

#include "app/feature_list.h"
#include "async/scope.h"
#include "base/check.h"
#include "base/text.h"
#include "engine/compile.h"
#include "engine/pipeline.h"
#include "records/door.h"

namespace mettle::app {
namespace {

// The unit inside, and then an error: so the store undoes all of it.
class Undone final : public db::WriteUnit {
 public:
  explicit Undone(std::shared_ptr<db::WriteUnit> inside) : inside_(std::move(inside)) {}
  Task<Result<>> run(db::WriteTx& tx) override {
    result.reset();
    result = co_await inside_->run(tx);
    co_return fail(Code::kConflict, "this was a rehearsal");
  }
  std::optional<Result<>> result;

 private:
  const std::shared_ptr<db::WriteUnit> inside_;
};

class UndoingStore final : public db::Store {
 public:
  explicit UndoingStore(db::Store& inside) : inside_(inside) {}
  Task<Result<>> read(Context& ctx, const db::StatementRef& statement,
                      std::span<const Value> values, db::RowSink& sink,
                      db::ReadHints hints) override {
    return inside_.read(ctx, statement, values, sink, hints);
  }
  Task<Result<>> read(Context& ctx, db::ReadUnit& unit, db::ReadHints hints) override {
    return inside_.read(ctx, unit, hints);
  }
  Task<Result<>> write(Context& ctx, std::shared_ptr<db::WriteUnit> unit) override {
    if (keep) co_return co_await inside_.write(ctx, std::move(unit));
    auto undone = std::make_shared<Undone>(std::move(unit));
    Result<> done = co_await inside_.write(ctx, undone);
    co_return undone->result ? std::move(*undone->result) : std::move(done);
  }
  Task<Result<>> migrate(Context&, std::shared_ptr<db::WriteUnit>) override {
    co_return fail(Code::kUnavailable, "a rehearsal changes no schema");
  }
  std::string_view engine() const override { return inside_.engine(); }
  std::string version() const override { return inside_.version(); }

  bool keep = false;

 private:
  db::Store& inside_;
};

// Whoever asks is who the rehearsal says.
class Chosen final : public engine::Authenticator {
 public:
  Task<Result<records::Principal>> authenticate(Context&, const net::Request&,
                                                const engine::Snapshot&) override {
    co_return who;
  }
  records::Principal who;
};

// The writer's thread tells of its rules while the core waits.
class Told final : public rules::RuleWatch {
 public:
  void asked(rules::RuleAsked asked) override {
    const std::lock_guard lock(mutex_);
    asked_.push_back(std::move(asked));
  }
  std::vector<rules::RuleAsked> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(asked_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<rules::RuleAsked> asked_;
};

engine::Config patient() {
  engine::Config config = engine::default_config();
  config.overload_delay_us = INT64_MAX / 4;
  return config;
}

net::Request request_of(const std::string& method, const std::string& target,
                        const std::string& body) {
  net::Request request;
  request.method_text = method;
  request.method = net::parse_method(method).value_or(net::Method::kOther);
  request.target = target;
  const auto [path, query] = split_once(target, '?');
  request.path = path;
  request.query = query.value_or("");
  request.peer = "127.0.0.1";
  request.body = body;
  request.headers.push_back({"Host", "rehearsal.invalid"});
  if (!body.empty()) request.headers.push_back({"Content-Type", "application/json"});
  return request;
}

// The command of that address whose work another server does; nullptr where there is none.
const model::Command* command_elsewhere(const model::AppModel& app, std::string_view target) {
  const std::string prefix = "/api/v" + std::to_string(app.api) + "/commands/";
  if (!target.starts_with(prefix)) return nullptr;
  const std::string_view name = target.substr(prefix.size());
  for (const model::Command& command : app.commands) {
    if (command.name == name && command.handler) return &command;
  }
  return nullptr;
}

}  // namespace

struct Rehearsal::Parts {
  Parts(db::Store& inside, Core& core_in)
      : store(inside), core(core_in), features(make_features({})) {
    shared.authenticator = &caller;
  }
  ~Parts() { state.snapshot.reset(); }

  UndoingStore store;
  Core& core;
  Seams& seams = system_seams();
  engine::Shared shared{.seams = seams, .config = patient()};
  Chosen caller;
  Told told;
  engine::Features features;
  engine::CoreState state{core, shared};
  engine::Pipeline pipeline{state, engine::Pipeline::Listener::kPublic};
};

Rehearsal::Rehearsal(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Rehearsal::~Rehearsal() = default;

std::unique_ptr<Rehearsal> Rehearsal::make(std::shared_ptr<const model::AppModel> app,
                                           db::Store& store, const db::Dialect& dialect, Core& core,
                                           model::Faults& faults) {
  auto parts = std::make_unique<Parts>(store, core);
  const engine::CompileOptions options{.config = parts->shared.config,
                                       .seams = parts->seams,
                                       .store = parts->store,
                                       .dialect = dialect,
                                       .features = parts->features,
                                       .cursor_key = std::string(32, 'r')};
  parts->state.snapshot = engine::compile_app(std::move(app), options, faults);
  if (parts->state.snapshot == nullptr) return nullptr;
  return std::unique_ptr<Rehearsal>(new Rehearsal(std::move(parts)));
}

const engine::Snapshot& Rehearsal::snapshot() const {
  return *parts_->state.snapshot;
}

Context Rehearsal::context() const {
  return Context(parts_->core, parts_->seams, INT64_MAX);
}

db::Store& Rehearsal::store() const {
  return parts_->store;
}

Core& Rehearsal::core() const {
  return parts_->core;
}

Rehearsed Rehearsal::ask(const records::Principal& who, const std::string& method,
                         const std::string& target, const std::string& body) {
  Parts& p = *parts_;
  p.caller.who = who;
  p.caller.who.watch = &p.told;
  static_cast<void>(p.told.take());
  Rehearsed out;
  if (command_elsewhere(snapshot().model(), target) != nullptr) {
    out.body = "another server does the work of this command, and it is not called";
    return out;
  }
  std::string content = body;
  content.reserve(content.size() + 64);  // as a connection's buffer: readable past its end
  const net::Request request = request_of(method, target, content);
  Context ctx = context();
  const net::Response response = run_task(p.core, p.pipeline.handle(ctx, request));
  out.status = response.status;
  out.content_type = response.content_type;
  out.body = response.body;
  out.asked = p.told.take();
  return out;
}

Result<> Rehearsal::run(const records::Principal& who, std::shared_ptr<records::Mutation> mutation,
                        Keep keep) {
  Parts& p = *parts_;
  p.store.keep = keep == Keep::kYes;
  Context ctx = context();
  auto done = run_task(
      p.core, snapshot().door().commit(ctx, who, std::move(mutation), std::nullopt, "rehearsal"));
  p.store.keep = false;
  if (!done) return fail(std::move(done.error()));
  return {};
}

}  // namespace mettle::app

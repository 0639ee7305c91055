#include "features/commands/commands.h"

#include "base/problem.h"
#include "engine/engine.h"
#include "engine/shape_schema.h"
#include "features/commands/commands_api.h"
#include "features/commands/handler.h"
#include "records/door.h"

namespace mettle::commands {
namespace {

bool has_sql(const std::vector<model::Step>& steps) {
  return std::ranges::any_of(steps, [](const model::Step& step) {
    return step.verb == model::Step::Verb::kSql || has_sql(step.steps);
  });
}

CommandRef compile_command(const model::Command& command,
                           const std::shared_ptr<const model::AppModel>& app,
                           const Compiling& compiling,
                           const std::shared_ptr<const records::Catalog>& catalog) {
  const std::string path = "commands." + command.name;
  auto code = std::make_shared<CommandCode>();
  code->command = &command;
  code->app = app;
  code->input = records::compile_input(*app, command.input, path + ".input", compiling.faults);
  rules::Environment environment = rules::Environment::base(*app);
  environment.declare("input", rules::object_type(*app, command.input));
  code->access = compile_access(command.access, environment, path, compiling.faults);
  ProgramCompiler compiler(compiling, catalog, environment, command.input, command.as_caller);
  compiler.let(command.let, path + ".let");
  compiler.steps(command.steps, path + ".steps");
  if (command.returns) {
    code->returns = compile_value(*command.returns, compiler.environment(), {}, path + ".returns",
                                  compiling.faults);
  }
  code->program = compiler.take();
  return code;
}

engine::Route route_of(const CommandRef& code, const std::string& prefix,
                       std::shared_ptr<const engine::Endpoint> endpoint) {
  const model::Command& command = *code->command;
  engine::Route route(net::Method::kPost, prefix + "/commands/" + command.name,
                      engine::Policy::kRules, std::move(endpoint));
  route.consumes = {"application/json"};
  route.idempotent_key = true;
  engine::Operation& operation = route.operation;
  operation.id = "command_" + command.name;
  operation.summary = command.doc.empty() ? "The command " + command.name : command.doc;
  operation.tag = "commands";
  operation.request_types = {"application/json"};
  operation.request_schema = engine::object_schema(*code->app, command.input, engine::Wire::kIn);
  operation.request_required = std::ranges::any_of(command.input, [](const model::Member& member) {
    return !member.shape.optional && !member.shape.default_value;
  });
  if (command.handler || command.in_library) {
    operation.replies.push_back({200, "What the handler returns", "application/json", "{}", {}});
    operation.replies.push_back({204, "Done; the handler returns nothing", "", "", {}});
  } else if (code->returns) {
    operation.replies.push_back(
        {200, "Done", "application/json", returns_schema(*code->app, *code->returns), {}});
  } else {
    operation.replies.push_back({204, "Done", "", "", {}});
  }
  add_declared_problems(code->program.steps, operation);
  return route;
}

class Commands final : public engine::Feature {
 public:
  explicit Commands(Options options)
      : handlers_(std::make_shared<Handlers>()), library_(std::move(options.library)) {
    if (options.http) handlers_->use(std::move(options.http));
  }
  std::string_view name() const override { return "commands"; }
  void build(engine::SnapshotBuilder& builder) override;
  Result<> start(engine::Engine& engine) override {
    if (!handlers_->has_client()) handlers_->use(engine.http());
    return {};
  }
  void stop(engine::Engine&) override { handlers_->use(nullptr); }

 private:
  std::shared_ptr<const engine::Endpoint> endpoint_of(const CommandRef& code,
                                                      model::Faults& faults) const;

  // Endpoints of snapshots that are still in use keep them too.
  const std::shared_ptr<Handlers> handlers_;
  const LibraryFunctions library_;
};

std::shared_ptr<const engine::Endpoint> Commands::endpoint_of(const CommandRef& code,
                                                              model::Faults& faults) const {
  const model::Command& command = *code->command;
  if (command.handler) return handler_endpoint(code, handlers_);
  if (!command.in_library) return steps_endpoint(code);
  const auto function = library_.find(command.name);
  if (function != library_.end()) return library_endpoint(code, function->second);
  faults.warning(command.pos, "commands." + command.name + ".handler", "library_command",
                 "the command " + command.name +
                     " is a function of the program that embeds Mettle; here it answers 501");
  return missing_library_endpoint(code);
}

void Commands::build(engine::SnapshotBuilder& builder) {
  const model::AppModel& app = builder.model();
  const std::shared_ptr<const records::Catalog>& catalog = builder.door().catalog_ref();
  std::unique_ptr<SqlChecks> checks;
  if (std::ranges::any_of(app.commands, [](const auto& c) { return has_sql(c.steps); })) {
    auto made = sql_checks(app, catalog->dialect());
    if (!made) {
      builder.faults().error({}, "commands", "sql_check", made.error().inside);
      return;
    }
    checks = std::move(*made);
  }
  const Compiling compiling{app, *catalog, builder.faults(), checks.get()};
  for (const model::Command& command : app.commands) {
    const CommandRef code = compile_command(command, builder.model_ref(), compiling, catalog);
    if (!code->access.rule) continue;
    builder.add(route_of(code, builder.api_prefix(), endpoint_of(code, builder.faults())));
  }
  for (const auto& [name, function] : library_) {
    const auto is_it = [&](const model::Command& c) { return c.name == name && c.in_library; };
    if (std::ranges::any_of(app.commands, is_it)) continue;
    builder.faults().error(
        {}, "commands", "library_command",
        "the program has a function for the command " + name + ", which the file does not declare",
        name + ": {access: \"…\", handler: library}");
  }
}

}  // namespace

std::unique_ptr<engine::Feature> make_feature(Options options) {
  return std::make_unique<Commands>(std::move(options));
}

}  // namespace mettle::commands

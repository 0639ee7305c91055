// include/mettle/mettle.h: Mettle as a library, on top of the same engine that `mettle serve` runs.
#include <cstdlib>
#include <iostream>
#include <sstream>

#include "app/feature_list.h"
#include "app/open_store.h"
#include "app/stop_signals.h"
#include "base/log.h"
#include "engine/engine.h"
#include "mettle/mettle.h"
#include "model/load.h"
#include "model/print.h"

namespace mettle {
namespace {

std::optional<std::string> environment_value(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

// The public face of what the command sees.
class PublicCall final : public Call {
 public:
  explicit PublicCall(commands::LibraryCall& call) : call_(call) {}
  std::string_view input() const override { return call_.input(); }
  std::string_view auth() const override { return call_.auth(); }
  std::string_view request_id() const override { return call_.request_id(); }
  std::optional<std::string> rows(std::string_view table, std::string_view rule) override {
    return call_.rows(table, rule);
  }
  std::optional<std::string> run(std::string_view operations) override {
    return call_.run(operations);
  }
  bool failed() const override { return call_.failed(); }

 private:
  commands::LibraryCall& call_;
};

Result<std::optional<std::string>> as_result(const std::string& command, Answer answer) {
  if (answer.status == 200) return std::move(answer.body);
  if (answer.status == 204) return std::nullopt;
  if (answer.status < 400 || answer.status > 499) {
    return fail(internal_error("the function of " + command + " answers " +
                               std::to_string(answer.status) + "; it may 200, 204, 400 to 499"));
  }
  Error error = make_error(Code::kConflict, std::move(answer.detail));
  error.app_status = answer.status;
  error.app_code = answer.code.empty() ? "refused" : std::move(answer.code);
  if (!answer.pointer.empty()) {
    error.faults.push_back({std::move(answer.pointer), Code::kInvalid, error.detail});
  }
  return fail(std::move(error));
}

std::string text_of(const Error& error) {
  return "mettle: " + (error.detail.empty() ? error.inside : error.detail) + "\n";
}

}  // namespace

Answer Answer::json(std::string body) {
  Answer answer;
  answer.status = 200;
  answer.body = std::move(body);
  return answer;
}

Answer Answer::nothing() {
  return {};
}

Answer Answer::refuse(int status, std::string code, std::string detail, std::string pointer) {
  Answer answer;
  answer.status = status;
  answer.code = std::move(code);
  answer.detail = std::move(detail);
  answer.pointer = std::move(pointer);
  return answer;
}

struct App::Parts {
  std::string file;
  model::Loaded loaded;
  model::Faults faults;
  commands::LibraryFunctions functions;
  Metrics metrics;
  std::unique_ptr<engine::Engine> engine;
  bool serving = false;

  std::string printed() const { return model::print_faults(faults.sorted(), file, loaded.text); }
};

App::App(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

App::~App() {
  stop();
}

std::unique_ptr<App> App::load(const std::string& file, std::string& faults) {
  auto parts = std::make_unique<Parts>();
  parts->file = file;
  model::LoadOptions options;
  options.env = &environment_value;
  parts->loaded = model::load_file(file, options, parts->faults);
  faults = parts->printed();
  if (parts->loaded.app == nullptr) return nullptr;
  return std::unique_ptr<App>(
      new App(std::move(parts)));  // lint: allow raw-memory because the constructor is private
}

void App::command(std::string name, Function function) {
  const std::string called = name;
  parts_->functions[std::move(name)] =
      [called, function = std::move(function)](commands::LibraryCall& call) {
        PublicCall face(call);
        return as_result(called, function(face));
      };
}

bool App::start(const Settings& settings, std::string& faults) {
  engine::ConfigSources sources;
  sources.environment = engine::mettle_environment();
  sources.flags = settings;
  for (const auto& [name, value] : sources.environment) {
    if (name == "METTLE_CONFIG") sources.file = value;
  }
  auto config = engine::load_config(sources);
  if (!config) {
    faults = text_of(config.error());
    return false;
  }
  LogOptions log;
  log.level = parse_log_level(config->config.log_level).value_or(LogLevel::kInfo);
  if (config->config.log_format == "json") log.format = LogFormat::kJson;
  if (config->config.log_format == "pretty") log.format = LogFormat::kPretty;
  configure_log(std::move(log));
  engine::EngineOptions options;
  options.seams = &system_seams();
  options.metrics = &parts_->metrics;
  auto store =
      app::open_store(config->config, app::StoreUse::kServe, *options.seams, parts_->metrics);
  if (!store) {
    faults = text_of(store.error());
    return false;
  }
  options.store = std::move(store->store);
  options.dialect = store->dialect;
  options.attach_core = std::move(store->attach_core);
  options.features = app::make_features(parts_->functions);
  options.config = std::move(config->config);
  parts_->engine = std::make_unique<engine::Engine>(std::move(options));
  const Result<> started = parts_->engine->start(parts_->loaded.app, parts_->faults);
  faults = parts_->printed();
  if (!started && started.error().code != Code::kInvalidApp) faults += text_of(started.error());
  parts_->serving = started.has_value();
  if (!parts_->serving) parts_->engine.reset();
  return parts_->serving;
}

std::uint16_t App::port() const {
  return parts_->engine ? parts_->engine->port() : 0;
}

bool App::stop() {
  if (!parts_->serving) return true;
  parts_->serving = false;
  const bool all_ended = parts_->engine->stop();
  parts_->engine.reset();
  return all_ended;
}

int App::serve(const Settings& settings) {
  app::StopSignals signals;
  std::string faults;
  const bool started = start(settings, faults);
  std::cerr << faults;
  if (!started) return 1;
  std::cerr << "listening on port " << port() << std::endl;
  signals.wait(-1);
  signals.exit_on_next(*system_seams().process);
  if (!stop()) LOG_WARN("requests that took too long were cancelled");
  return 0;
}

}  // namespace mettle

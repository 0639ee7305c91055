// `mettle serve`: runs the backend that the app file describes, until a signal ends it.
#include <fmt/format.h>

#include <cstdlib>
#include <ostream>

#include "app/commands/commands.h"
#include "app/feature_list.h"
#include "app/file_limit.h"
#include "app/file_watch.h"
#include "app/open_store.h"
#include "app/server_config.h"
#include "app/stop_signals.h"
#include "app/version.h"
#include "base/log.h"
#include "base/mutant.h"
#include "engine/engine.h"
#include "model/load.h"
#include "model/print.h"

namespace mettle::app {
namespace {

constexpr int kLookEveryMs = 200;
constexpr int kLookAtCertificatesMs = 1000;
constexpr int64_t kFreshTicketsUs = int64_t{12} * 60 * 60 * 1'000'000;

std::optional<std::string> environment_value(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

struct AppFile {
  std::string path;
  model::Faults faults;
  model::Loaded loaded;
};

void load(AppFile& file) {
  file.faults = {};
  model::LoadOptions options;
  options.env = &environment_value;
  file.loaded = model::load_file(file.path, options, file.faults);
}

void print_faults(const AppFile& file, Io& io) {
  if (file.faults.empty()) return;
  io.err << model::print_faults(file.faults.sorted(), file.path, file.loaded.text) << std::flush;
}

void set_up_log(const engine::Config& config) {
  LogOptions options;
  options.level = parse_log_level(config.log_level).value_or(LogLevel::kInfo);
  options.format = config.log_format == "json"     ? LogFormat::kJson
                   : config.log_format == "pretty" ? LogFormat::kPretty
                                                   : LogFormat::kAuto;
  configure_log(std::move(options));
}

// "http://127.0.0.1:8080", with the port that was taken.
std::string url_of(std::string_view address, uint16_t port, std::string_view scheme = "http") {
  return fmt::format("{}://{}:{}", scheme, address.substr(0, address.rfind(':')), port);
}

void greet(const engine::Engine& engine, Io& io) {
  const std::string url =
      url_of(engine.config().listen, engine.port(), engine.serves_tls() ? "https" : "http");
  if (io.err_is_terminal) {
    const auto snapshot = engine.snapshot();
    const model::AppModel& app = snapshot->model();
    io.err << fmt::format("\n  {}, {}\n  {}: {} tables, {} commands, {} routes\n", app.app,
                          version_text(), app.file, app.tables.size(), app.commands.size(),
                          snapshot->routes().size());
    io.err << fmt::format("  API   {}/api/v{}\n  docs  {}/docs\n  stop  Ctrl-C\n\n", url, app.api,
                          url);
  }
  if (engine.admin_port() != 0) {
    io.err << "admin on " << url_of(engine.config().admin_listen, engine.admin_port()) << '\n';
  }
  if (engine.redirect_port() != 0) {
    io.err << "redirecting from " << url_of(engine.config().redirect_listen, engine.redirect_port())
           << '\n';
  }
  io.err << "listening on " << url << std::endl;
}

// Reads the certificates again when their files change, when SIGHUP asks for it, and twice a day:
// the keys of the session tickets are new then.
class CertificateWatch {
 public:
  CertificateWatch(const engine::Config& config, Clock& clock) : clock_(clock) {
    for (const auto* paths : {&config.tls_cert, &config.tls_key}) {
      for (const std::string& path : *paths) files_.emplace_back(path);
    }
  }
  bool watches() const { return !files_.empty(); }

  void look(engine::Engine& engine, bool asked) {
    if (!watches()) return;
    const int64_t now_us = clock_.monotonic_us();
    if (read_us_ == 0) read_us_ = now_us;
    bool changed = false;
    for (FileWatch& file : files_) changed |= file.changed();
    if (!changed && !asked && now_us - read_us_ < kFreshTicketsUs) return;
    read_us_ = now_us;
    if (const Result<> done = engine.reload_tls(); !done) {
      LOG_ERROR("the certificates cannot be used: the ones before stay",
                {{"reason", done.error().detail}});
    } else if (changed || asked) {
      LOG_INFO("the certificates were read again");
    }
  }

 private:
  Clock& clock_;
  std::vector<FileWatch> files_;
  int64_t read_us_ = 0;
};

void reload(engine::Engine& engine, AppFile& file, Io& io) {
  load(file);
  Result<> done = fail(Code::kInvalidApp, "");
  if (file.loaded.app != nullptr) done = engine.reload(file.loaded.app, file.faults);
  print_faults(file, io);
  if (done) {
    LOG_INFO("the changed app file is in force", {{"file", file.path}});
  } else if (done.error().code == Code::kInvalidApp) {
    io.err << file.path << " has faults: the app before goes on" << std::endl;
  } else {
    report(done.error(), io);
    io.err << "the app before goes on" << std::endl;
  }
}

// `changes`: nullptr where nobody watches.
void serve_until_signal(engine::Engine& engine, AppFile& file, FileWatch* changes,
                        CertificateWatch& certificates, StopSignals& signals, Io& io) {
  const int every_ms = changes != nullptr       ? kLookEveryMs
                       : certificates.watches() ? kLookAtCertificatesMs
                                                : -1;
  for (;;) {
    const StopSignals::Came came = signals.wait(every_ms);
    if (came == StopSignals::Came::kStop) return;
    if (changes != nullptr && changes->changed()) reload(engine, file, io);
    certificates.look(engine, came == StopSignals::Came::kReload);
  }
}

Result<engine::EngineOptions> engine_options(engine::Config config, const Arguments& args,
                                             Metrics& registry) {
  engine::EngineOptions options;
  options.seams = &system_seams();
  options.metrics = &registry;
  TRY(auto opened, open_store(config, StoreUse::kServe, *options.seams, *options.metrics));
  options.store = std::move(opened.store);
  options.dialect = opened.dialect;
  options.attach_core = std::move(opened.attach_core);
  options.features = make_features();
  options.allow_drop = args.all("--allow-drop");
  options.config = std::move(config);
  return options;
}

// For the tests of the tests: one planted fault, chosen before there are threads.
std::optional<int> plant(const Arguments& args, Io& io) {
  if (!kHasMutants || !args.has("--mutant")) return std::nullopt;
  const std::string id = args.text("--mutant");
  if (id == "help") {
    io.out << mutant_table();
    return kDone;
  }
  if (const Result<> chosen = choose_mutant(id); !chosen) return report(chosen.error(), io);
  io.err << "mettle: this server is broken on purpose: " << id << std::endl;
  return std::nullopt;
}

int run(const Arguments& args, Io& io) {
  if (const std::optional<int> ended = plant(args, io)) return *ended;
  auto loaded = config_of(args);
  if (!loaded) return report(loaded.error(), io);
  set_up_log(loaded->config);
  const Result<> files =
      provide_files(loaded->config.connections_max, engine::core_count(loaded->config));
  if (!files) return report(files.error(), io);
  // On a terminal, SIGHUP says that the terminal is gone.
  StopSignals signals(!loaded->config.tls_cert.empty() && !io.err_is_terminal);
  CertificateWatch certificates(loaded->config, *system_seams().clock);

  AppFile file;
  file.path = args.text("FILE");
  // Begins before the file is read, so that no change falls between.
  FileWatch changes(file.path);
  load(file);
  if (file.loaded.app == nullptr) {
    print_faults(file, io);
    return kFailed;
  }
  Metrics registry;
  auto options = engine_options(std::move(loaded->config), args, registry);
  if (!options) return report(options.error(), io);
  engine::Engine engine(std::move(*options));
  const Result<> started = engine.start(file.loaded.app, file.faults);
  print_faults(file, io);
  if (!started) {
    return started.error().code == Code::kInvalidApp ? kFailed : report(started.error(), io);
  }
  greet(engine, io);
  serve_until_signal(engine, file, args.has("--watch") ? &changes : nullptr, certificates, signals,
                     io);

  LOG_INFO("stopping: requests that run may finish; another signal ends at once");
  signals.exit_on_next(*system_seams().process);
  if (!engine.stop()) LOG_WARN("requests that took too long were cancelled");
  return kDone;
}

}  // namespace

Command serve_command() {
  Command command;
  command.name = "serve";
  command.summary = "run the backend that the app file describes";
  command.description =
      "Fits the database to the file, then serves its API until SIGTERM or SIGINT. What a change\n"
      "of the file would destroy is refused, with the way out. The settings below may also come\n"
      "from METTLE_ variables and from the --config file; `mettle config` shows them.";
  command.example =
      "mettle serve shop.yaml --listen 127.0.0.1:8080 --data ./data --watch\n"
      "curl http://127.0.0.1:8080/readyz";
  command.options = {
      {"FILE", "FILE", "the app file", "./mettle.yaml"},
      {"--watch", "", "apply the file when it changes, or show its faults and go on as before"},
      {"--allow-drop", "TABLE[.COLUMN]", "let the start drop this, with its data", "", false,
       true}};
  for (Option& option : setting_options()) command.options.push_back(std::move(option));
  if (kHasMutants) {
    Option mutant{"--mutant", "ID", "be broken on purpose; `help` lists the ways"};
    mutant.test_only = true;
    command.options.push_back(std::move(mutant));
  }
  command.run = &run;
  return command;
}

}  // namespace mettle::app

#include "engine/engine.h"

#include <fmt/format.h>

#include <future>
#include <latch>
#include <thread>

#include "base/check.h"
#include "base/datetime.h"
#include "base/log.h"
#include "engine/compile.h"
#include "engine/node_secrets.h"
#include "engine/usable_cpus.h"

namespace mettle::engine {
namespace {

constexpr unsigned kPoolThreads = 2;
constexpr size_t kPoolQueue = 256;
constexpr int64_t kRenewUs = int64_t{14} * 24 * 60 * 60 * 1'000'000;  // a certificate's last days

net::ServerLimits server_limits(const Config& config) {
  net::ServerLimits limits;
  limits.request_line_bytes = static_cast<size_t>(config.target_bytes_max);
  limits.request_head_bytes = static_cast<size_t>(config.header_bytes_max);
  limits.request_headers = static_cast<size_t>(config.headers_max);
  limits.body_bytes = static_cast<size_t>(config.body_bytes_max);
  limits.connections = static_cast<size_t>(config.connections_max);
  limits.idle_timeout_ms = config.idle_timeout_us / 1000;
  limits.head_timeout_ms = config.header_timeout_us / 1000;
  limits.body_timeout_ms = config.body_timeout_us / 1000;
  limits.write_timeout_ms = config.write_timeout_us / 1000;
  limits.http2_streams = static_cast<uint32_t>(config.http2_streams_max);
  limits.request_deadline_ms = config.request_timeout_us / 1000;
  return limits;
}

Result<net::Endpoint> endpoint_of(const std::string& address, net::RequestHandler* handler) {
  TRY(auto parsed, parse_address(address));
  net::Endpoint endpoint;
  endpoint.host = std::move(parsed.host);
  endpoint.port = parsed.port;
  endpoint.handler = handler;
  return endpoint;
}

std::string hsts_of(const Config& config) {
  if (config.hsts_us == 0) return "";
  return fmt::format("max-age={}{}", config.hsts_us / 1'000'000,
                     config.hsts_subdomains ? "; includeSubDomains" : "");
}

// Runs `task` on a core that serves, while this thread waits.
class OnCore {
 public:
  explicit OnCore(Core& core) : core_(core) {}

  Result<> run(Task<Result<>> task) {
    std::future<Result<>> done = promise_->get_future();
    core_.post([this, task = std::move(task)]() mutable {
      scope_ = std::make_unique<Scope>(core_);
      scope_->spawn(finish(this, std::move(task)));
      // Its own hold on the promise: this object may be gone before set_value() has returned.
      scope_->when_empty([this, promise = promise_] {
        scope_.reset();
        promise->set_value(std::move(result_));
      });
    });
    return done.get();
  }

 private:
  static Task<> finish(OnCore* self, Task<Result<>> task) {
    self->result_ = co_await std::move(task);
  }

  Core& core_;
  std::unique_ptr<Scope> scope_;
  Result<> result_;
  const std::shared_ptr<std::promise<Result<>>> promise_ =
      std::make_shared<std::promise<Result<>>>();
};

struct FitJob {
  SchemaKeeper* keeper;
  db::Store* store;
  SchemaKeeper::Wanted wanted;
  model::Faults* faults;
};

Task<Result<>> fit_task(Core& core, Seams& seams, FitJob job) {
  Context ctx(core, seams, INT64_MAX);
  co_return co_await job.keeper->fit(ctx, *job.store, job.wanted, *job.faults);
}

Task<Result<std::string>> secret_task(Core& core, Seams& seams, db::Store& store) {
  Context ctx(core, seams, INT64_MAX);
  co_return co_await node_secret(ctx, store, "cursor");
}

Error invalid_app() {
  return make_error(Code::kInvalidApp, "the app file has faults");
}

void log_stall(unsigned core, int64_t us) {
  LOG_WARN("the event loop stood still", {{"core", core}, {"duration_us", us}});
}

}  // namespace

unsigned core_count(const Config& config) {
  if (config.threads > 0) return static_cast<unsigned>(config.threads);
  return usable_cpus();
}

Engine::Engine(EngineOptions options)
    : pool_(kPoolThreads, kPoolQueue),
      shared_{.seams = *options.seams, .config = std::move(options.config), .pool = &pool_},
      metrics_(options.metrics),
      attach_core_(std::move(options.attach_core)),
      store_(std::move(options.store)),
      dialect_(options.dialect),
      features_(std::move(options.features)),
      allow_drop_(std::move(options.allow_drop)) {
  CHECK(metrics_ != nullptr && store_ != nullptr && dialect_ != nullptr);
  for (const auto& feature : features_) {
    if (SchemaKeeper* keeper = feature->schema_keeper()) {
      CHECK(keeper_ == nullptr);
      keeper_ = keeper;
    }
    if (Authenticator* authenticator = feature->authenticator()) {
      CHECK(shared_.authenticator == nullptr);
      shared_.authenticator = authenticator;
    }
    if (RequestObserver* observer = feature->observer()) shared_.observers.push_back(observer);
  }
  cores_ = std::make_unique<Cores>(shared_.seams, core_count(shared_.config), log_stall);
  for (size_t i = 0; i < cores_->size(); ++i) {
    states_.push_back(std::make_unique<CoreState>(cores_->at(i), shared_));
  }
}

Engine::~Engine() {
  CHECK(server_ == nullptr);
  // What a failed start left behind.
  if (store_ != nullptr) store_.reset();
}

Result<> Engine::start(std::shared_ptr<const model::AppModel> app, model::Faults& faults) {
  Core& first = cores_->at(0);
  TRY(cursor_key_, run_task(first, secret_task(first, shared_.seams, *store_)));
  auto compiled = compile(app, faults);
  if (compiled == nullptr) return fail(invalid_app());
  TRY_VOID(fit(*app, faults));
  if (attach_core_) {
    for (auto& state : states_) {
      TRY_VOID(attach_core_(state->core));
    }
  }
  for (auto& state : states_) state->snapshot = compiled;
  snapshot_ = std::move(compiled);
  for (const auto& feature : features_) {
    TRY_VOID(feature->start(*this));
    ++features_started_;
  }
  return listen();
}

Result<> Engine::listen() {
  gateway_ = std::make_unique<Gateway>(states_, Pipeline::Listener::kPublic);
  admin_gateway_ = std::make_unique<Gateway>(states_, Pipeline::Listener::kAdmin);
  std::vector<net::Endpoint> endpoints;
  TRY(auto open, endpoint_of(config().listen, gateway_.get()));
  if (serves_tls()) {
    TRY(open.tls, load_tls());
    open.hsts = hsts_of(config());
    redirect_gateway_ = std::make_unique<RedirectGateway>(*gateway_, open.tls);
  }
  endpoints.push_back(std::move(open));
  if (!config().admin_listen.empty()) {
    TRY(auto admin, endpoint_of(config().admin_listen, admin_gateway_.get()));
    endpoints.push_back(std::move(admin));
  }
  if (!config().redirect_listen.empty()) {
    TRY(auto redirect, endpoint_of(config().redirect_listen, redirect_gateway_.get()));
    endpoints.push_back(std::move(redirect));
  }
  TRY(server_, net::Server::start(*cores_, server_limits(config()), std::move(endpoints)));
  if (redirect_gateway_ != nullptr) redirect_gateway_->set_port(port());
  cores_->start();
  return {};
}

Result<std::shared_ptr<const net::TlsSetup>> Engine::load_tls() const {
  std::vector<net::TlsFiles> files;
  for (size_t i = 0; i < config().tls_cert.size(); ++i) {
    files.push_back({config().tls_cert[i], config().tls_key[i]});
  }
  const Timestamp now = seams().clock->now();
  TRY(auto setup, net::TlsSetup::load(files, now));
  if (setup->expires().us - now.us < kRenewUs) {
    LOG_WARN("a certificate ends soon",
             {{"file", setup->expires_first()}, {"expires", format_http_date(setup->expires())}});
  }
  return setup;
}

Result<> Engine::reload_tls() {
  CHECK(server_ != nullptr && serves_tls());
  TRY(auto setup, load_tls());
  redirect_gateway_->set_tls(setup);
  server_->set_tls(0, std::move(setup));
  return {};
}

uint16_t Engine::admin_port() const {
  return config().admin_listen.empty() ? uint16_t{0} : server_->port(1);
}

uint16_t Engine::redirect_port() const {
  if (config().redirect_listen.empty()) return 0;
  return server_->port(config().admin_listen.empty() ? 1 : 2);
}

std::shared_ptr<const Snapshot> Engine::compile(std::shared_ptr<const model::AppModel> app,
                                                model::Faults& faults) {
  const CompileOptions options{.config = shared_.config,
                               .seams = shared_.seams,
                               .store = *store_,
                               .dialect = *dialect_,
                               .features = features_,
                               .cursor_key = cursor_key_};
  return compile_app(std::move(app), options, faults);
}

Result<> Engine::fit(const model::AppModel& app, model::Faults& faults) {
  if (keeper_ == nullptr) return {};
  FitJob job{keeper_, store_.get(), {app, {}, allow_drop_}, &faults};
  for (const auto& feature : features_) {
    for (std::string& sql : feature->own_tables()) job.wanted.own_tables.push_back(std::move(sql));
  }
  Core& first = cores_->at(0);
  Task<Result<>> task = fit_task(first, shared_.seams, std::move(job));
  if (server_ == nullptr) {
    TRY_VOID(run_task(first, std::move(task)));
  } else {
    TRY_VOID(OnCore(first).run(std::move(task)));
  }
  if (faults.has_errors()) return fail(invalid_app());
  return {};
}

Result<> Engine::reload(std::shared_ptr<const model::AppModel> app, model::Faults& faults) {
  CHECK(server_ != nullptr);
  auto compiled = compile(app, faults);
  if (compiled == nullptr) return fail(invalid_app());
  TRY_VOID(fit(*app, faults));
  install(std::move(compiled));
  return {};
}

// When it returns, every request that begins gets the new version.
void Engine::install(std::shared_ptr<const Snapshot> snapshot) {
  std::latch swapped(static_cast<ptrdiff_t>(states_.size()));
  for (auto& state : states_) {
    state->core.post([&swapped, &state, snapshot] {
      state->snapshot = snapshot;
      swapped.count_down();
    });
  }
  swapped.wait();
  const std::lock_guard lock(snapshot_mutex_);
  snapshot_ = std::move(snapshot);
}

bool Engine::stop() {
  shared_.draining.store(true, std::memory_order_relaxed);
  bool finished = true;
  if (server_ != nullptr) {
    finished = server_->drain(std::chrono::milliseconds(shared_.config.shutdown_timeout_us / 1000));
  }
  while (features_started_ > 0) features_[--features_started_]->stop(*this);
  http_.reset();
  server_.reset();
  // The store may still post to the cores, and answers nobody any more.
  {
    const std::lock_guard lock(snapshot_mutex_);
    snapshot_.reset();
  }
  store_.reset();
  cores_->stop();
  for (auto& state : states_) state->snapshot.reset();
  return finished;
}

std::shared_ptr<net::HttpClient> Engine::http() {
  if (http_ == nullptr) http_ = net::make_http_client({.metrics = metrics_});
  return http_;
}

std::shared_ptr<const Snapshot> Engine::snapshot() const {
  const std::lock_guard lock(snapshot_mutex_);
  return snapshot_;
}

size_t Engine::connections() const {
  return server_ != nullptr ? server_->connections() : 0;
}

}  // namespace mettle::engine

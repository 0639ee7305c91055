// Engine: the running server. It owns the cores, the store, the features and the current snapshot,
// and is the one that starts and stops them.
//
//   Engine engine(std::move(options));
//   engine.start(app, faults)          the database is fit, features run, listeners are open
//   engine.reload(app, faults)         another version of the file, or the old app goes on
//   engine.stop()                      no new work, what runs may finish, then all is closed
//
// One thread, the main one, makes it and calls those; snapshot(), draining(), connections() and
// core_states() are for any.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "async/core.h"
#include "base/metrics.h"
#include "db/db.h"
#include "db/dialect.h"
#include "engine/config.h"
#include "engine/core_state.h"
#include "engine/feature.h"
#include "engine/gateway.h"
#include "engine/gateway_redirect.h"
#include "engine/snapshot.h"
#include "net/http_client.h"
#include "net/server.h"

namespace mettle::engine {

struct EngineOptions {
  Config config;
  Seams* seams = nullptr;
  Metrics* metrics = nullptr;  // outlives the engine; must not be asked after its end
  std::unique_ptr<db::Store> store;
  // Gives a core its connection to the store, before it serves; may be empty.
  std::function<Result<>(Core& core)> attach_core;
  const db::Dialect* dialect = nullptr;
  Features features;
  std::vector<std::string> allow_drop;
};

// How many cores it says, or as many as there are processors.
unsigned core_count(const Config& config);

class Engine {
 public:
  explicit Engine(EngineOptions options);
  ~Engine();  // REQUIRES: stopped, or never started
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // kInvalidApp: the faults say why, and nothing listens.
  Result<> start(std::shared_ptr<const model::AppModel> app, model::Faults& faults);
  Result<> reload(std::shared_ptr<const model::AppModel> app, model::Faults& faults);
  // Answers 503 on /readyz from now on, stops accepting, lets requests finish for at most
  // config().shutdown_timeout_us, cancels the rest, stops the features and closes the store.
  // False: something had to be cancelled.
  bool stop();

  uint16_t port() const { return server_->port(0); }
  uint16_t admin_port() const;     // 0: there is none
  uint16_t redirect_port() const;  // 0: there is none
  bool serves_tls() const { return !config().tls_cert.empty(); }
  // Reads the certificates again; connections from now on get them. An error: the ones before stay.
  Result<> reload_tls();

  const Config& config() const { return shared_.config; }
  Seams& seams() const { return shared_.seams; }
  Metrics& metrics() const { return *metrics_; }
  // For what blocks: files, hashes of passwords, large bodies to be coded.
  BlockingPool& pool() { return pool_; }
  db::Store& store() const { return *store_; }
  // The one client of all outgoing calls, whose circuit breakers they share; made when first asked
  // for. The main thread; what it gives is given back in Feature::stop().
  std::shared_ptr<net::HttpClient> http();
  Cores& cores() { return *cores_; }
  bool draining() const { return shared_.draining.load(std::memory_order_relaxed); }
  std::shared_ptr<const Snapshot> snapshot() const;
  // One a core, from start() to the engine's end.
  const std::vector<std::unique_ptr<CoreState>>& core_states() const { return states_; }
  size_t connections() const;

 private:
  Result<> fit(const model::AppModel& app, model::Faults& faults);
  Result<> listen();
  Result<std::shared_ptr<const net::TlsSetup>> load_tls() const;
  void install(std::shared_ptr<const Snapshot> snapshot);
  std::shared_ptr<const Snapshot> compile(std::shared_ptr<const model::AppModel> app,
                                          model::Faults& faults);

  BlockingPool pool_;
  Shared shared_;
  Metrics* metrics_;
  std::function<Result<>(Core& core)> attach_core_;
  std::string cursor_key_;
  std::unique_ptr<db::Store> store_;
  const db::Dialect* dialect_;
  Features features_;
  std::vector<std::string> allow_drop_;
  SchemaKeeper* keeper_ = nullptr;

  std::unique_ptr<Cores> cores_;
  std::vector<std::unique_ptr<CoreState>> states_;
  std::shared_ptr<net::HttpClient> http_;  // goes before the cores
  std::unique_ptr<Gateway> gateway_, admin_gateway_;
  std::unique_ptr<RedirectGateway> redirect_gateway_;
  std::unique_ptr<net::Server> server_;
  size_t features_started_ = 0;

  mutable std::mutex snapshot_mutex_;
  std::shared_ptr<const Snapshot> snapshot_;
};

}  // namespace mettle::engine

#include "net/server.h"

#include <condition_variable>
#include <mutex>
#include <new>
#include <optional>

#include "async/scope.h"
#include "base/check.h"
#include "base/log.h"
#include "base/mutant.h"
#include "net/http1_conn.h"
#include "net/http2_conn.h"
#include "net/tcp.h"
#include "net/tls.h"

namespace mettle::net {
namespace {

constexpr auto kAcceptPause = std::chrono::milliseconds(100);
constexpr int64_t kTellEveryUs = 60'000'000;

struct Counters {
  std::atomic<size_t> connections{0};
  std::atomic<size_t> in_flight{0};
  std::atomic<uint64_t> accepted{0};
  std::atomic<uint64_t> refused{0};
  std::atomic<uint64_t> accept_failures{0};
  std::atomic<int64_t> failure_told_us{INT64_MIN};
};

// One endpoint on one core.
struct Door {
  Door(Core& core, const ServerLimits& limits, RequestHandler& handler,
       std::atomic<size_t>& in_flight, std::unique_ptr<TcpListener> listener_)
      : shared(core, limits, handler, in_flight), listener(std::move(listener_)) {}
  HttpShared shared;
  std::unique_ptr<TcpListener> listener;
  std::shared_ptr<const TlsSetup> tls;  // of the next connection; none: in clear
};

// What the server has on one core. Made before the core hears of it, then the core's own.
struct CoreShare {
  CoreShare(Core& core_, const ServerLimits& limits_, Counters& counters_)
      : core(core_), limits(limits_), counters(counters_), scope(core_) {}

  Core& core;
  const ServerLimits& limits;
  Counters& counters;
  Scope scope;
  std::vector<std::unique_ptr<Door>> doors;

  void stop_accepting() {
    for (auto& door : doors) door->listener->close();
  }
};

// A connection that is not yet HTTP: its handshake has as long as a head may take.
class Handshake final : public HttpConnection, private Timer {
 public:
  Handshake(HttpShared& shared, ByteStream& stream) : HttpConnection(shared), stream_(stream) {
    shared_.core.timers().arm(
        *this, shared_.core.seams().clock->monotonic_us() + shared_.limits.head_timeout_ms * 1000);
  }
  void drain() override { stream_.interrupt(); }
  void abort() override { stream_.interrupt(); }

 private:
  void on_time() override { stream_.interrupt(); }
  ByteStream& stream_;
};

// The protocol that the client chose, or nullopt: the connection is over.
Task<std::optional<Alpn>> shake_hands(Door& door, Accepted& accepted) {
  const std::shared_ptr<const TlsSetup> setup = door.tls;  // a reload may replace the door's
  if (door.shared.draining) co_return std::nullopt;
  auto stream = TlsStream::over(accepted, *setup);
  if (!stream) co_return std::nullopt;
  const Handshake limits(door.shared, **stream);
  const Result<Alpn> protocol = co_await (*stream)->handshake();
  if (!protocol) {
    LOG_DEBUG("a TLS handshake failed",
              {{"peer", accepted.peer}, {"reason", protocol.error().inside}});
    co_return std::nullopt;
  }
  accepted.stream = std::move(*stream);
  accepted.over_tls = true;
  co_return *protocol;
}

Task<> serve_http(Door& door, Accepted accepted) {
  Alpn protocol = Alpn::kHttp1;
  if (door.tls != nullptr) {
    const std::optional<Alpn> chosen = co_await shake_hands(door, accepted);
    if (!chosen) co_return;
    protocol = *chosen;
  }
  std::string received;
  if (protocol == Alpn::kHttp1) {
    Http1Connection connection(door.shared, std::move(accepted));
    co_await connection.run();
    if (!connection.speaks_http2()) co_return;
    accepted = connection.hand_over(received);
  }
  Http2Connection connection(door.shared, std::move(accepted), std::move(received));
  co_await connection.run();
}

Task<> serve_connection(CoreShare& share, Door& door, Accepted accepted) {
  try {
    co_await serve_http(door, std::move(accepted));
  } catch (const std::bad_alloc&) {
    // Without memory for its buffers this connection ends; the others go on.
    LOG_WARN("a connection ended for want of memory");
  }
  share.counters.connections.fetch_sub(1, std::memory_order_relaxed);
}

// Too many connections: a short answer tells a client more than a reset, and it costs no memory.
// Over TLS it would cost a handshake.
void turn_away(Door& door, Accepted accepted) {
  HttpShared& shared = door.shared;
  if (door.tls != nullptr) return;
  Error error = make_error(Code::kOverloaded, "this server has as many connections as it takes");
  error.retry_after_s = 1;
  const Response response = shared.handler.refuse(error);
  AnswerFrame frame;
  frame.close = true;
  frame.content_length = response.body.size();
  frame.date = shared.date.at(shared.core.seams().clock->now());
  std::string out;
  append_answer_head(out, response, frame);
  // The send buffer of a new connection has room for it; if not, the client is none the worse.
  std::ignore = accepted.stream->send_now(out, response.body);
  accepted.stream->end_sending();
}

// It fails ten times a second for as long as descriptors are short: one line a minute says so.
void tell_accept_failure(CoreShare& share, const Error& error) {
  const int64_t now_us = share.core.seams().clock->monotonic_us();
  int64_t told_us = share.counters.failure_told_us.load(std::memory_order_relaxed);
  if (told_us != INT64_MIN && now_us - told_us < kTellEveryUs) return;
  if (!share.counters.failure_told_us.compare_exchange_strong(told_us, now_us)) return;
  LOG_WARN("connections cannot be accepted; they wait until others end",
           {{"reason", error.inside},
            {"connections", share.counters.connections.load(std::memory_order_relaxed)}});
}

Task<> accept_connections(CoreShare& share, Door& door) {
  Context ctx = share.scope.context();
  for (;;) {
    Result<Accepted> accepted = co_await door.listener->accept();
    if (!accepted && accepted.error().code != Code::kOverloaded) co_return;
    if (!accepted) {
      // Accepting at once would spin: the connection that could not be had is still the first.
      share.counters.accept_failures.fetch_add(1, std::memory_order_relaxed);
      tell_accept_failure(share, accepted.error());
      const Result<> slept = co_await sleep_for(ctx, kAcceptPause);
      if (!slept) co_return;
      continue;
    }
    share.counters.accepted.fetch_add(1, std::memory_order_relaxed);
    if (share.counters.connections.fetch_add(1, std::memory_order_relaxed) >=
        share.limits.connections) {
      share.counters.connections.fetch_sub(1, std::memory_order_relaxed);
      share.counters.refused.fetch_add(1, std::memory_order_relaxed);
      turn_away(door, std::move(*accepted));
      continue;
    }
    const bool spawned = share.scope.spawn(serve_connection(share, door, std::move(*accepted)));
    if (!spawned) share.counters.connections.fetch_sub(1, std::memory_order_relaxed);
  }
}

}  // namespace

struct Server::State {
  State(Cores& cores_, const ServerLimits& limits_) : cores(cores_), limits(limits_) {}

  Cores& cores;
  const ServerLimits limits;
  Counters counters;
  // Shared with what is posted to the cores: the last of it may come when all has ended.
  std::vector<std::shared_ptr<CoreShare>> shares;
  std::vector<uint16_t> ports;

  std::mutex mutex;
  std::condition_variable emptied;
  size_t not_empty = 0;  // cores on which something still runs
  bool draining = false;

  template <class Each>
  void on_each_core(Each each) {
    for (auto& share : shares) share->core.post([each, share] { each(*share); });
  }

  Result<> open(const std::vector<Endpoint>& endpoints);
  void begin_drain();
};

Result<> Server::State::open(const std::vector<Endpoint>& endpoints) {
  for (size_t i = 0; i < cores.size(); ++i) {
    shares.push_back(std::make_shared<CoreShare>(cores.at(i), limits, counters));
  }
  for (const Endpoint& endpoint : endpoints) {
    CHECK(endpoint.handler != nullptr);
    TRY_VOID(TcpListener::check_free(cores.at(0), endpoint.host, endpoint.port));
    uint16_t port = endpoint.port;
    for (auto& share : shares) {
      TRY(auto listener, TcpListener::open(share->core, endpoint.host, port));
      port = listener->port();
      share->doors.push_back(std::make_unique<Door>(share->core, limits, *endpoint.handler,
                                                    counters.in_flight, std::move(listener)));
      share->doors.back()->tls = endpoint.tls;
      share->doors.back()->shared.hsts = endpoint.hsts;
    }
    ports.push_back(port);
  }
  return {};
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Server>> Server::start(Cores& cores, const ServerLimits& limits,
                                              std::vector<Endpoint> endpoints) {
  auto state = std::make_unique<State>(cores, limits);
  TRY_VOID(state->open(endpoints));
  state->on_each_core([](CoreShare& share) {
    for (auto& door : share.doors) share.scope.spawn(accept_connections(share, *door));
  });
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::~Server() {
  drain(std::chrono::milliseconds(0));
}

uint16_t Server::port(size_t endpoint) const {
  return state_->ports.at(endpoint);
}

void Server::set_tls(size_t endpoint, std::shared_ptr<const TlsSetup> tls) {
  CHECK(tls != nullptr);
  state_->on_each_core([endpoint, tls = std::move(tls)](CoreShare& share) {
    if (endpoint < share.doors.size()) share.doors[endpoint]->tls = tls;  // else it has drained
  });
}

void Server::stop_accepting() {
  state_->on_each_core([](CoreShare& share) { share.stop_accepting(); });
}

void Server::State::begin_drain() {
  if (std::exchange(draining, true)) return;
  not_empty = shares.size();
  on_each_core([this](CoreShare& share) {
    share.stop_accepting();
    for (auto& door : share.doors) door->shared.drain();
    share.scope.when_empty([this, &share] {
      share.doors.clear();  // on their core, as everything of theirs
      const std::lock_guard lock(mutex);
      if (--not_empty == 0) emptied.notify_all();
    });
  });
}

bool Server::drain(std::chrono::milliseconds patience) {
  state_->begin_drain();
  std::unique_lock lock(state_->mutex);
  const auto empty = [this] { return state_->not_empty == 0; };
  if (planted(Mutant::kDrainDropsRequests)) patience = {};
  if (state_->emptied.wait_for(lock, patience, empty)) return true;
  lock.unlock();
  state_->on_each_core([](CoreShare& share) {
    share.scope.cancel();
    for (auto& door : share.doors) door->shared.abort();
  });
  lock.lock();
  state_->emptied.wait(lock, empty);
  return false;
}

size_t Server::connections() const {
  return state_->counters.connections.load(std::memory_order_relaxed);
}
uint64_t Server::accepted() const {
  return state_->counters.accepted.load(std::memory_order_relaxed);
}
uint64_t Server::refused() const {
  return state_->counters.refused.load(std::memory_order_relaxed);
}
uint64_t Server::accept_failures() const {
  return state_->counters.accept_failures.load(std::memory_order_relaxed);
}
size_t Server::in_flight() const {
  return state_->counters.in_flight.load(std::memory_order_relaxed);
}

}  // namespace mettle::net

// Server: listens on its endpoints with a socket per core and serves each connection on the core
// that accepted it. Made, drained and destroyed by a thread that is no core; the counters by any.
// The cores run for as long as the server exists.
//
//   CO_TRY… auto server = Server::start(cores, limits, {{"127.0.0.1", 8080, &api}, …});
//   (*server)->drain(std::chrono::seconds(30));
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "async/core.h"
#include "net/http.h"
#include "net/server_limits.h"

namespace mettle::net {

class TlsSetup;

struct Endpoint {
  std::string host;                     // numeric, or "localhost"
  uint16_t port = 0;                    // 0: any free one
  RequestHandler* handler = nullptr;    // called on every core
  std::shared_ptr<const TlsSetup> tls;  // none: in clear
  std::string hsts;                     // Strict-Transport-Security of each answer; none if empty
};

class Server {
 public:
  // kUnavailable when an address cannot be had, kUsage when it is none.
  static Result<std::unique_ptr<Server>> start(Cores& cores, const ServerLimits& limits,
                                               std::vector<Endpoint> endpoints);
  ~Server();  // closes everything at once

  uint16_t port(size_t endpoint) const;

  // Connections that are accepted from now on get this one. REQUIRES: the endpoint has TLS.
  void set_tls(size_t endpoint, std::shared_ptr<const TlsSetup> tls);
  void stop_accepting();
  // Stops accepting, closes idle connections, lets running requests finish. true if all did within
  // `patience`; the rest is cancelled and closed before it returns.
  bool drain(std::chrono::milliseconds patience);

  size_t connections() const;
  size_t in_flight() const;          // requests whose handler runs
  uint64_t accepted() const;         // connections so far
  uint64_t refused() const;          // of them, closed for being too many
  uint64_t accept_failures() const;  // for want of file descriptors or memory

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

}  // namespace mettle::net

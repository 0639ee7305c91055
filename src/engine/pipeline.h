// The way of a request, from the listener to its answer: Pipeline::run() is the order of checks,
// in one visible function. One pipeline a core and listener; the core's thread only. Never throws:
// what an endpoint throws is caught here, once, logged, and answered with 500.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/core_state.h"
#include "engine/overload.h"
#include "net/http.h"

namespace mettle::engine {

// One request on its way: what the checks have found out so far.
struct Exchange {
  Exchange(CoreState& core_in, Context ctx_in, const net::Request& request_in);
  ~Exchange();  // gives its place back
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  CoreState& core;
  Context ctx;
  const net::Request& request;
  const std::shared_ptr<const Snapshot> app;
  const int64_t began_us;
  const std::optional<std::string> forwarded;  // as trusted proxies say
  const std::string_view client;               // the address of who asks: client_address.h
  bool traced = false;                         // the caller sent a traceparent

  const Route* here = nullptr;   // some route of the address: its policy
  const Route* route = nullptr;  // the one of the method too
  std::string allow;             // methods of the address
  std::vector<std::string> path;
  records::Principal principal;
  std::string idempotency_key;
  LimitStates limits;  // those that counted it
  bool admitted = false, shed = false;

  // What a refusal says beside its problem.
  std::vector<std::pair<std::string_view, std::string>> refusal_headers;
  std::optional<Error> error;

  Overload::Work work() const;
  Overload::Rank rank() const;
};

class Pipeline final : public net::RequestHandler {
 public:
  enum class Listener : uint8_t { kPublic, kAdmin };
  Pipeline(CoreState& core, Listener listener) : core_(core), listener_(listener) {}

  Task<net::Response> handle(Context& ctx, const net::Request& request) override;
  net::Response refuse(const Error& error) override;

 private:
  Task<Result<net::Response>> run(Exchange& x) const;

  void identify(Exchange& x) const;
  Result<> find_address(Exchange& x) const;
  Result<> check_place(const Exchange& x) const;
  Result<> admit(Exchange& x) const;
  Task<Result<>> limit(Exchange& x, RequestLimits::Stage stage) const;
  Task<Result<>> authenticate(Exchange& x) const;
  Task<Result<>> find_tenant(Exchange& x) const;

  net::Response problem(Exchange& x, Error error) const;
  void add_headers(const Exchange& x, net::Response& response) const;
  void tell(const Exchange& x, const net::Response& response) const;

  CoreState& core_;
  const Listener listener_;
};

}  // namespace mettle::engine

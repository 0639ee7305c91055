// What the server calls for plain HTTP where the app is served over TLS (--redirect-listen): every
// request is sent on to the same path over TLS (308, so that method and body stay). Only to a host
// that a certificate of ours names: any other would make the server a way to lead people astray.
// Any core.
#pragma once

#include <atomic>
#include <memory>

#include "engine/gateway.h"
#include "net/tls.h"

namespace mettle::engine {

class RedirectGateway final : public net::RequestHandler {
 public:
  // `faults` answers what is no request, or asks for somebody else's host.
  RedirectGateway(Gateway& faults, std::shared_ptr<const net::TlsSetup> tls);
  Task<net::Response> handle(Context& ctx, const net::Request& request) override;
  net::Response refuse(const Error& error) override;

  // Before the first request: where TLS is served.
  void set_port(uint16_t port) { port_ = port; }
  void set_tls(std::shared_ptr<const net::TlsSetup> tls);

 private:
  Gateway& faults_;
  std::atomic<std::shared_ptr<const net::TlsSetup>> tls_;
  uint16_t port_ = 443;
};

}  // namespace mettle::engine

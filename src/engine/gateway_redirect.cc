#include "engine/gateway_redirect.h"

namespace mettle::engine {
namespace {

constexpr int kPermanentRedirect = 308;
constexpr uint16_t kHttpsPort = 443;

// "shop.example:8080" → "shop.example"; "[::1]:80" → "[::1]".
std::string_view without_port(std::string_view host) {
  const size_t colon = host.rfind(':');
  const size_t bracket = host.rfind(']');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  return has_port ? host.substr(0, colon) : host;
}

}  // namespace

RedirectGateway::RedirectGateway(Gateway& faults, std::shared_ptr<const net::TlsSetup> tls)
    : faults_(faults), tls_(std::move(tls)) {}

void RedirectGateway::set_tls(std::shared_ptr<const net::TlsSetup> tls) {
  tls_.store(std::move(tls));
}

Task<net::Response> RedirectGateway::handle(Context&, const net::Request& request) {
  const std::string_view host = without_port(request.header("host").value_or(""));
  if (!tls_.load()->has_certificate_for(host)) {
    net::Response refused = refuse(make_error(
        Code::kMalformedRequest, "this server has no certificate for the host that Host names"));
    refused.close = false;
    co_return refused;
  }
  net::Response response;
  response.status = kPermanentRedirect;
  std::string location = fmt::format("https://{}", host);
  if (port_ != kHttpsPort) location += fmt::format(":{}", port_);
  // Not request.target: that may be a whole address, of another host.
  location += request.path.starts_with('/') ? request.path : "/";
  if (!request.query.empty()) location += fmt::format("?{}", request.query);
  response.add("Location", std::move(location));
  response.add("Cache-Control", "no-store");
  co_return response;
}

net::Response RedirectGateway::refuse(const Error& error) {
  return faults_.refuse(error);
}

}  // namespace mettle::engine

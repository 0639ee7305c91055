#include "features/auth/cross_site.h"

#include <algorithm>

#include "base/mutant.h"
#include "base/text.h"

namespace mettle::auth {
namespace {

bool is_safe(net::Method method) {
  return method == net::Method::kGet || method == net::Method::kHead ||
         method == net::Method::kOptions;
}

// "https://shop.example:8443" is the site that the Host header names.
bool is_own(std::string_view origin, std::string_view host) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (origin.starts_with(scheme)) return iequals(origin.substr(scheme.size()), host);
  }
  return false;
}

}  // namespace

Result<> check_cross_site(const net::Request& request, const model::AppModel& app) {
  if (is_safe(request.method) || planted(Mutant::kCrossSiteTrusted)) return {};
  const auto origin = request.header("Origin");
  if (origin && app.cors && app.cors->credentials &&
      std::ranges::find(app.cors->origins, *origin) != app.cors->origins.end()) {
    return {};
  }
  const auto site = request.header("Sec-Fetch-Site");
  const bool own_site = site && (*site == "same-origin" || *site == "none");
  const bool own_origin = origin && is_own(*origin, request.header("Host").value_or(""));
  // A program that is no browser sends neither, and nobody can make it send a cookie.
  if (site ? own_site : !origin || own_origin) return {};
  return fail(
      Code::kForbidden,
      "a page of another site sent this with your cookie; list its origin under `cors` with "
      "credentials, or send a token instead");
}

}  // namespace mettle::auth

#include "engine/cors.h"

#include <algorithm>

#include "base/mutant.h"
#include "base/text.h"
#include "engine/headers.h"

namespace mettle::engine {
namespace {

// What scripts may read beside the safelisted ones.
constexpr std::string_view kExposed =
    "ETag, Link, Location, Retry-After, X-Request-Id, Idempotent-Replayed, Preference-Applied, "
    "Allow, Content-Range, Accept-Ranges, RateLimit, RateLimit-Policy, Deprecation, Sunset, "
    "WWW-Authenticate";
constexpr size_t kRequestedMax = 1024;

bool lists(const std::vector<std::string>& origins, std::string_view origin) {
  return std::ranges::find(origins, origin) != origins.end();
}

// Empty: this origin may not. Credentials are never given to "any origin": with them only a listed
// origin is named.
std::string_view allowed_origin(const model::Cors& cors, std::string_view origin) {
  if (lists(cors.origins, origin) || planted(Mutant::kOriginReflected)) return origin;
  return lists(cors.origins, "*") ? "*" : "";
}

void add_origin(const model::Cors& cors, const net::Request& request, net::Response& response) {
  const bool only_any = cors.origins.size() == 1 && cors.origins[0] == "*";
  if (!only_any) add_vary(response, "Origin");
  const auto origin = request.header("Origin");
  if (!origin) return;
  const std::string_view allowed = allowed_origin(cors, *origin);
  if (allowed.empty()) return;
  response.set("Access-Control-Allow-Origin", std::string(allowed));
  if (cors.credentials && allowed != "*") response.set("Access-Control-Allow-Credentials", "true");
}

// The names that the browser asks about, if they are header names at all.
bool is_name_list(std::string_view text) {
  return !text.empty() && text.size() <= kRequestedMax && std::ranges::all_of(text, [](char c) {
    return is_ascii_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '-' ||
           c == '_' || c == ',' || c == ' ';
  });
}

}  // namespace

bool is_preflight(const net::Request& request) {
  return request.method == net::Method::kOptions && request.header("Origin") &&
         request.header("Access-Control-Request-Method");
}

net::Response preflight_answer(const model::Cors& cors, const net::Request& request,
                               std::string_view allow) {
  net::Response response;
  response.status = 204;
  response.set("Allow", std::string(allow));
  add_origin(cors, request, response);
  add_vary(response, "Access-Control-Request-Method");
  add_vary(response, "Access-Control-Request-Headers");
  const bool allowed =
      std::ranges::any_of(response.headers, [](const std::pair<std::string_view, std::string>& h) {
        return h.first == "Access-Control-Allow-Origin";
      });
  if (!allowed) return response;
  response.set("Access-Control-Allow-Methods", std::string(allow));
  const auto requested = request.header("Access-Control-Request-Headers");
  if (requested && is_name_list(*requested)) {
    response.set("Access-Control-Allow-Headers", std::string(*requested));
  }
  response.set("Access-Control-Max-Age", std::to_string(cors.max_age_s));
  return response;
}

void add_cors(const model::Cors& cors, const net::Request& request, net::Response& response) {
  add_origin(cors, request, response);
  if (request.header("Origin")) {
    response.set("Access-Control-Expose-Headers", std::string(kExposed));
  }
}

}  // namespace mettle::engine

#include "features/auth/session_cookie.h"

#include <fmt/format.h>

#include "base/text.h"

namespace mettle::auth {
namespace {

std::string_view cookie_name(bool secure) {
  return secure ? "__Host-mettle-session" : "mettle-session";
}

}  // namespace

std::optional<std::string_view> session_cookie(const net::Request& request, bool secure) {
  std::optional<std::string_view> found;
  for (const net::HeaderView& header : request.headers) {
    if (!iequals(header.name, "Cookie")) continue;
    std::string_view left = header.value;
    while (!left.empty()) {
      const auto [pair, rest] = split_once(left, ';');
      const auto [name, value] = split_once(trim_ascii(pair), '=');
      if (value && name == cookie_name(secure)) {
        if (found) return std::nullopt;
        found = *value;
      }
      left = rest.value_or(std::string_view());
    }
  }
  return found;
}

std::string set_session_cookie(std::string_view value, Duration life, bool secure) {
  constexpr int64_t kUsPerSecond = 1'000'000;
  const int64_t age_s = value.empty() ? 0 : life.us / kUsPerSecond;
  return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{}", cookie_name(secure),
                     value, age_s, secure ? "; Secure" : "");
}

}  // namespace mettle::auth

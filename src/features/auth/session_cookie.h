// The cookie of a browser's session (RFC 6265bis): HttpOnly, SameSite=Lax, Path=/, and where the
// site is reached by HTTPS Secure, under a name with the prefix __Host-, which no other host and no
// plain connection can set. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/value.h"
#include "net/http.h"

namespace mettle::auth {

// The value of the session's cookie. A browser sends one; of several of that name none counts.
std::optional<std::string_view> session_cookie(const net::Request& request, bool secure);

// A Set-Cookie header; an empty value takes the cookie away.
std::string set_session_cookie(std::string_view value, Duration life, bool secure);

}  // namespace mettle::auth

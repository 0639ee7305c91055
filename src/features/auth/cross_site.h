// Whether a request that a browser sends with a cookie may change anything: cross-site request
// forgery is a page of somebody else's that makes the browser send it. Browsers say where a request
// comes from (Fetch metadata, RFC 6454's Origin), and a page cannot change that. Beside this the
// cookie is SameSite=Lax, and bodies are JSON, which no form can send. Pure; any thread.
#pragma once

#include "base/result.h"
#include "model/app_model.h"
#include "net/http.h"

namespace mettle::auth {

// kForbidden for a change that another site asks for, unless `cors` lets its origin send cookies.
Result<> check_cross_site(const net::Request& request, const model::AppModel& app);

}  // namespace mettle::auth

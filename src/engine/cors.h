// Cross-origin requests (Fetch standard, "CORS protocol") as the file's `cors:` declares them:
// which origins may read answers, and what a preflight is told. Nothing is declared: no header is
// sent, and browsers keep other origins out. Pure functions, any thread.
#pragma once

#include <string_view>

#include "model/app_model.h"
#include "net/http.h"

namespace mettle::engine {

bool is_preflight(const net::Request& request);

// The answer to a preflight; `allow` is the Allow value of the address.
net::Response preflight_answer(const model::Cors& cors, const net::Request& request,
                               std::string_view allow);

// What every other answer of the app carries: who may read it, and which headers.
void add_cors(const model::Cors& cors, const net::Request& request, net::Response& response);

}  // namespace mettle::engine

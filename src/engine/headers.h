// Small things about the headers of an answer. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "net/http.h"

namespace mettle::engine {

// The value, or nullptr. `name` in its canonical case.
const std::string* find_header(const net::Response& response, std::string_view name);
// Adds a field name to Vary unless it is there. `field`: a literal.
void add_vary(net::Response& response, std::string_view field);

}  // namespace mettle::engine

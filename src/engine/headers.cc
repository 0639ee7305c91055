#include "engine/headers.h"

#include "base/text.h"

namespace mettle::engine {

const std::string* find_header(const net::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (iequals(key, name)) return &value;
  }
  return nullptr;
}

void add_vary(net::Response& response, std::string_view field) {
  for (auto& [key, value] : response.headers) {
    if (!iequals(key, "Vary")) continue;
    for (const std::string_view there : split(value, ',')) {
      if (iequals(trim_ascii(there), field) || trim_ascii(there) == "*") return;
    }
    value.append(", ").append(field);
    return;
  }
  response.add("Vary", std::string(field));
}

}  // namespace mettle::engine

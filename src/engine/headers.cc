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
    std::optional<std::string_view> rest = value;
    while (rest) {
      const auto [there, behind] = split_once(*rest, ',');
      if (iequals(trim_ascii(there), field) || trim_ascii(there) == "*") return;
      rest = behind;
    }
    value.append(", ").append(field);
    return;
  }
  response.add("Vary", std::string(field));
}

}  // namespace mettle::engine

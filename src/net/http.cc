#include "net/http.h"

#include "base/text.h"

namespace mettle::net {
namespace {

constexpr std::array<std::string_view, 7> kMethods = {"GET",   "HEAD",   "POST",   "PUT",
                                                      "PATCH", "DELETE", "OPTIONS"};

}  // namespace

std::string_view method_name(Method method) {
  const auto index = static_cast<size_t>(method);
  return index < kMethods.size() ? kMethods[index] : std::string_view("OTHER");
}

std::optional<Method> parse_method(std::string_view name) {
  for (size_t i = 0; i < kMethods.size(); ++i) {
    if (kMethods[i] == name) return static_cast<Method>(i);
  }
  return std::nullopt;
}

std::optional<std::string_view> Request::header(std::string_view name) const {
  for (const HeaderView& header : headers) {
    if (header.name.size() == name.size() && iequals(header.name, name)) return header.value;
  }
  return std::nullopt;
}

size_t Request::count(std::string_view name) const {
  return static_cast<size_t>(std::ranges::count_if(
      headers, [name](const HeaderView& header) { return iequals(header.name, name); }));
}

void Response::set(std::string_view name, std::string value) {
  std::erase_if(headers, [name](const auto& header) { return iequals(header.first, name); });
  add(name, std::move(value));
}

}  // namespace mettle::net

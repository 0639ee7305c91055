#include "net/query.h"

#include "base/text.h"

namespace mettle::net {
namespace {

Error bad_parameter(std::string_view name, std::string detail) {
  Error error = make_error(Code::kInvalidParameter, std::move(detail));
  // What is told back may itself be ill-formed.
  error.parameter = to_valid_utf8(name);
  return error;
}

Result<std::string> decode(std::string_view raw, std::string_view name) {
  auto decoded = form_decode(raw);
  if (!decoded) {
    return fail(bad_parameter(name, "a '%' must be followed by two hexadecimal digits"));
  }
  if (!is_utf8(*decoded)) return fail(bad_parameter(name, "the parameter is not valid UTF-8"));
  if (decoded->find('\0') != std::string::npos) {
    return fail(bad_parameter(name, "the parameter holds a NUL character"));
  }
  return std::move(*decoded);
}

}  // namespace

Result<std::vector<QueryParameter>> parse_query(std::string_view query) {
  std::vector<QueryParameter> parameters;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const auto [raw_name, raw_value] = split_once(pair, '=');
    TRY(std::string name, decode(raw_name, raw_name));
    TRY(std::string value, decode(raw_value.value_or(std::string_view()), name));
    parameters.push_back(QueryParameter{std::move(name), std::move(value)});
  }
  return parameters;
}

}  // namespace mettle::net

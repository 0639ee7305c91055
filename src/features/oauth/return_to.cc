#include "features/oauth/return_to.h"

#include <algorithm>

#include "base/text.h"

namespace mettle::oauth {
namespace {

constexpr size_t kReturnToMax = 2048;

// What every browser takes for a path of the same site: "//host" and "/\host" are none, a tab or
// line end inside is taken out by browsers first.
bool is_own_path(std::string_view text) {
  if (!text.starts_with('/') || text.starts_with("//") || text.starts_with("/\\")) return false;
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != '\\'; });
}

}  // namespace

Result<ReturnTo> read_return_to(std::string_view text, std::string_view site,
                                const std::vector<std::string>& allowed,
                                std::string_view fallback) {
  if (text.empty()) return ReturnTo{std::string(fallback), true};
  if (std::ranges::find(allowed, text) != allowed.end()) return ReturnTo{std::string(text), false};
  std::string_view path = text;
  if (!site.empty() && text.starts_with(site)) path = text.substr(site.size());
  if (text.size() <= kReturnToMax && is_own_path(path)) return ReturnTo{std::string(path), true};
  Error error = make_error(Code::kInvalidParameter,
                           "is a path of this site that begins with one slash, or an address that "
                           "`auth.return_to` lists");
  error.parameter = "return_to";
  return fail(std::move(error));
}

std::string with_parameter(std::string url, std::string_view name, std::string_view value) {
  const size_t fragment = std::min(url.find('#'), url.size());
  const std::string_view head = std::string_view(url).substr(0, fragment);
  const char joint = head.find('?') == std::string_view::npos ? '?' : '&';
  const std::string more = joint + std::string(name) + "=" + percent_encode(value);
  url.insert(fragment, more);
  return url;
}

}  // namespace mettle::oauth

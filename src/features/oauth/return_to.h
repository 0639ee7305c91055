// Where a sign-in with a provider may end: whoever writes the link to it must not lead people, or
// what proves who they are, to a place of his own (open redirect). Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mettle::oauth {

struct ReturnTo {
  std::string url;       // a path of this site, or one of `allowed` as it stands there
  bool own_site = true;  // it is a path
};
// `text`: a path ("/shop?x=1"), an address of the site's own origin, or one of `allowed`, letter
// for letter. Empty: `fallback`. kInvalidParameter for everything else.
Result<ReturnTo> read_return_to(std::string_view text, std::string_view site,
                                const std::vector<std::string>& allowed, std::string_view fallback);

// `url` with one more parameter in its query, before a fragment.
std::string with_parameter(std::string url, std::string_view name, std::string_view value);

}  // namespace mettle::oauth

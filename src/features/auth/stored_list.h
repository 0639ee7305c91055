// Lists of words (roles, scopes) as Mettle's own tables hold them: a JSON array of texts. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mettle::auth {

std::string stored_list(const std::vector<std::string>& words);
// What is no such array is an empty list: it grants nothing.
std::vector<std::string> parse_stored_list(std::string_view json);

}  // namespace mettle::auth

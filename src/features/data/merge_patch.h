// JSON Merge Patch (RFC 7396) on the texts of json columns. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace mettle::data {

// `target` with `patch` applied: objects merge member by member, null removes a member, anything
// else replaces. REQUIRES: both are valid JSON.
std::string merge_patch(std::string_view target, std::string_view patch);

}  // namespace mettle::data

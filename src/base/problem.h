// An Error as a problem document (RFC 9457), the one form in which faults go over the wire: in the
// engine's answers, in answers kept with an idempotency key, in batches.
//
// Pure functions, any thread. What an Error says for the log only (`inside`) never gets in.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace mettle {

inline constexpr std::string_view kProblemContentType = "application/problem+json";

// {"type":"/docs/errors#code","title":…,"status":…,"detail":…,"instance":…,"code":…,
//  "request_id":…,"parameter":…,"offset":…,"errors":[{"pointer":…,"code":…,"detail":…}]}
// without the members that have nothing to say. `instance` is the path of the request, as sent.
std::string problem_json(const Error& error, std::string_view instance,
                         std::string_view request_id);

// The title of an error: its code's, or of a code of the app ("out_of_stock") the words in it.
std::string problem_title(const Error& error);

}  // namespace mettle

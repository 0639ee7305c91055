// W3C trace context (Level 1) as it comes and goes in headers. Pure functions, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "async/context.h"

namespace mettle::engine {

// The caller's trace from `traceparent`: its ids (span_id is the caller's span) and its sampling
// flag. nullopt for what the recommendation says to ignore: another form, version ff, zero ids.
std::optional<Trace> parse_traceparent(std::string_view text);
std::string format_traceparent(const Trace& trace);

// `tracestate` as it may be passed on: at most 512 printable characters; else empty.
std::string passable_tracestate(std::string_view text);

}  // namespace mettle::engine

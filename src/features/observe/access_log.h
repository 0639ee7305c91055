// The log line of a request: id, method, route template, status, time, rows, bytes, who, from
// which address, trace. Never the path itself, the query or a header: they may hold secrets. Any
// core.
#pragma once

#include "engine/observer.h"

namespace mettle::observe {

void log_request(const engine::Finished& finished);
// Of a message that was no request.
void log_refusal(const Error& error);

}  // namespace mettle::observe

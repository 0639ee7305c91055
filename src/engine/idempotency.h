// The Idempotency-Key header (IETF draft httpapi-idempotency-key-header) and what the door needs of
// it. Pure functions, any thread.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "engine/route.h"
#include "net/http.h"
#include "records/door.h"

namespace mettle::engine {

// The key: the draft's quoted string, or the bare text that most clients send; 1 to 255 visible
// characters. nullopt if there is none, kInvalidHeader for another form or a repeated header.
Result<std::optional<std::string>> parse_idempotency_key(const net::Request& request);

// Of a call on a route that takes the key: scope principal + method + route, and the fingerprint
// over method, path, query and body. nullopt if it sent none.
std::optional<records::Idempotency> idempotency_of(const Call& call);

}  // namespace mettle::engine

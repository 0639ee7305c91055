// Idempotency: the first answer to a request with an Idempotency-Key, kept in mettle_idempotency in
// the same commit as the request's effects, so that a retry has the effect once and gets the same
// bytes (IETF draft httpapi-idempotency-key-header).
//
// mettle_idempotency(scope, key, fingerprint, status, content_type, headers, body, created_at,
// lease_until)
//   primary key (scope, key); scope = principal, method, route
//   status 0: a handler is being asked outside any transaction; whoever finds it after lease_until
//   may take it over
// Rows older than 24 h are deleted a few at a time by later ones.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/db.h"
#include "records/answer.h"
#include "records/door.h"

namespace mettle::records {

// The statements that make the table; run by the start-up migration.
std::vector<std::string> idempotency_tables();

struct Remembered {
  enum class State : uint8_t { kNew, kAnswered, kRunning } state = State::kNew;
  Answer answer;
  Timestamp lease_until;  // of a running claim
};

// What is known of the key. Another body under the same key is kIdempotencyMismatch (422).
Task<Result<Remembered>> recall(db::WriteTx& tx, const Idempotency& request, Timestamp now);
// Keeps the answer; ends a running claim.
Task<Result<>> remember(db::WriteTx& tx, const Idempotency& request, const Answer& answer,
                        Timestamp now);
// Claims the key while a handler is asked, until `lease_until`.
Task<Result<>> claim(db::WriteTx& tx, const Idempotency& request, Timestamp now,
                     Timestamp lease_until);
// Gives a claim back without an answer.
Task<Result<>> forget(db::WriteTx& tx, const Idempotency& request);

// Whether an error is an answer that a retry must get again: the 4xx that a handler decided.
bool is_kept(const Error& error);

}  // namespace mettle::records

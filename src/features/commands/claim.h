// The Idempotency-Key while somebody outside is asked: claimed before, committed with the answer
// (records::Door::commit with Idempotency::claimed_until), given back where there is none. A claim
// that nobody ended, because the process did, runs out by itself.
#pragma once

#include <optional>

#include "async/context.h"
#include "async/task.h"
#include "db/db.h"
#include "records/idempotency.h"

namespace mettle::commands {

struct Claimed {
  std::optional<records::Answer> answer;  // of an earlier request; else the key is ours
  Timestamp until;
};

// Waits up to limits::kIdempotencyWaitMs for another request that has it, then
// kIdempotencyInProgress.
Task<Result<Claimed>> claim_key(Context& ctx, db::Store& store, const records::Idempotency& request,
                                int64_t lease_us);
Task<> give_back(Context& ctx, db::Store& store, const records::Idempotency& request);

}  // namespace mettle::commands

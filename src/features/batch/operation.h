// One operation of a batch.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/json_read.h"
#include "features/batch/batch.h"
#include "features/batch/reference.h"
#include "records/answer.h"

namespace mettle::batch {

// What can be told of a batch without the database: its form, all faults at once; kPayloadTooLarge
// for too many.
Result<> check_operations(JsonNode body);

// REQUIRES: check_operations held. Faults point below the operation's body.
Task<Result<records::Answer>> run_operation(records::WriteScope& scope, JsonNode operation,
                                            const Results& results, const BatchOptions& options);

}  // namespace mettle::batch

// Batch: many operations on tables as one transaction. POST {prefix}/batch, and what a command's
// handler answers.
//
//   {"operations":[{"method":"POST","path":"/orders","body":{…},"if_match":"…","as":"o"},
//                  {"method":"POST","path":"/order_items","body":{"order_id":"$o.id"}}]}
//   → {"results":[{"status":201,"headers":{"ETag":"…","Location":"…"},"body":{…}}, …]}
//
// A text that is "$name.member" (in a body or in a path's segment) stands for a member of an
// earlier operation's result; `$$` at its beginning is a plain `$`.
#pragma once

#include <memory>
#include <string>

#include "base/json_read.h"
#include "engine/feature.h"
#include "records/change.h"

namespace mettle::batch {

std::unique_ptr<engine::Feature> make_feature();

struct BatchOptions {
  std::string api_prefix;     // "/api/v1", for Location
  int64_t rows_max = 10'000;  // of one operation by filter
  records::Authority authority = records::Authority::kCaller;
  std::string pointer = "/operations";  // where the operations stand, for faults
};

// Runs them in order in the scope's transaction and gives `[{status, headers, body}, …]`. The error
// of one is that operation's, with its pointer; the caller lets the transaction fail with it.
Task<Result<std::string>> run_operations(records::WriteScope& scope, JsonNode operations,
                                         const BatchOptions& options);

}  // namespace mettle::batch

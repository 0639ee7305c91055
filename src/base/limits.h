// The default of every limit, with its unit in its name, so that one look tells what a server takes
// and one change moves it. What the server's configuration may change starts from these.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mettle::limits {

// HTTP messages
inline constexpr size_t kRequestLineBytes = size_t{8} << 10;   // 414 above
inline constexpr size_t kRequestHeadBytes = size_t{16} << 10;  // line and headers; 431 above
inline constexpr size_t kRequestHeaders = 64;                  // 431 above
inline constexpr size_t kBodyBytes = size_t{8} << 20;          // 413 above
inline constexpr size_t kPipelinedRequests = 32;               // taken from one receive
inline constexpr uint32_t kHttp2Streams = 100;                 // open at a time on one connection
inline constexpr size_t kCompressFromBytes = 1400;             // smaller fits a packet as it is

// Connections
inline constexpr size_t kConnections = 10'000;  // of one process
inline constexpr int64_t kIdleTimeoutMs = 60'000;
inline constexpr int64_t kHeadTimeoutMs = 10'000;   // from a request's first byte to its empty line
inline constexpr int64_t kBodyTimeoutMs = 30'000;   // without progress
inline constexpr int64_t kWriteTimeoutMs = 30'000;  // without progress
inline constexpr int64_t kShutdownMs = 30'000;      // SIGTERM to exit

// Requests
inline constexpr int64_t kRequestDeadlineMs = 30'000;
inline constexpr size_t kListLimitDefault = 20;  // rows of a page
inline constexpr size_t kListLimitMax = 1'000;
inline constexpr size_t kOffsetMax = 100'000;  // rows skipped; cursors go on from there
inline constexpr size_t kArrayRows = 10'000;   // rows in one POST
inline constexpr size_t kBatchOperations = 1'000;
inline constexpr size_t kCountBound = 100'000;   // count=exact counts no further
inline constexpr size_t kAffectedRows = 10'000;  // PATCH and DELETE by filter without max_affected
inline constexpr size_t kJsonDepth = 64;
inline constexpr size_t kJsonBytes = size_t{256} << 20;  // what the JSON reader's offsets can hold
inline constexpr size_t kFilterDepth = 8;                // nested and/or/not
inline constexpr size_t kFilterConditions = 64;          // in one request
inline constexpr size_t kFilterInValues = 1'000;
inline constexpr size_t kSelectDepth = 5;      // embedded in embedded
inline constexpr size_t kSelectColumns = 200;  // in one request, embedded ones included
inline constexpr size_t kSelectEmbeds = 16;    // in one request
inline constexpr size_t kOrderColumns = 8;
inline constexpr size_t kCursorBytes = 2'048;

// Idempotency
inline constexpr size_t kIdempotencyKeyBytes = 255;
inline constexpr int64_t kIdempotencyRetentionMs = int64_t{24} * 60 * 60 * 1000;
inline constexpr int64_t kIdempotencyWaitMs = 2'000;  // for the first request, then 409

// Statements
inline constexpr int64_t kInlineStatementUs = 1'000;    // then to the scan pool
inline constexpr int64_t kScanStatementUs = 2'000'000;  // then 503
inline constexpr size_t kStatementCache = 200;          // prepared statements of a connection

// Writer
inline constexpr size_t kWriterGroup = 256;    // units in one commit
inline constexpr size_t kWriterQueue = 4'096;  // units waiting; 503 above
inline constexpr size_t kScanQueue = 256;      // statements waiting; 503 above
inline constexpr size_t kScanThreads = 2;
inline constexpr size_t kWalBytes = size_t{64} << 20;  // checkpoint hard from here

// Handlers and jobs of the app
inline constexpr int64_t kHandlerTimeoutMs = 5'000;
inline constexpr size_t kHandlerAnswerBytes = size_t{1} << 20;

// Outgoing calls: retries, and the circuit breaker of each host
inline constexpr int kOutgoingTries = 11;                // of one call, at most
inline constexpr int64_t kOutgoingPauseMs = 100;         // before the second try; doubles
inline constexpr int64_t kOutgoingPauseMaxMs = 1'000;    // and grows to this
inline constexpr int64_t kCircuitWindowMs = 10'000;      // how far back failures count
inline constexpr uint32_t kCircuitFailures = 5;          // opens from so many on …
inline constexpr uint32_t kCircuitFailuresPercent = 50;  // … if they are so much of all
inline constexpr int64_t kCircuitOpenMs = 1'000;         // until a probe; doubles
inline constexpr int64_t kCircuitOpenMaxMs = 60'000;     // and grows to this
inline constexpr int64_t kCircuitSlowMs = 1'000;         // a call cut off later failed
inline constexpr size_t kCircuitHosts = 1'024;           // remembered
inline constexpr size_t kOutgoingMetricHosts = 64;       // with metrics of their own

// Mail
inline constexpr size_t kMailAtOnce = 4;                         // being sent
inline constexpr int64_t kMailTimeoutMs = 30'000;                // of one try
inline constexpr int64_t kMailClaimMs = 120'000;                 // then another may try
inline constexpr int64_t kMailLookMs = 5'000;                    // for what others enqueued
inline constexpr int64_t kMailTries = 12;                        // then it is given up
inline constexpr int64_t kMailPauseMs = 5'000;                   // after the first; triples
inline constexpr int64_t kMailPauseMaxMs = int64_t{3'600'000};   // and grows to this
inline constexpr int64_t kMailKeptMs = int64_t{7} * 86'400'000;  // sent and failed ones
inline constexpr int64_t kMailStopMs = 5'000;                    // what is being sent may take
inline constexpr size_t kMailFiles = 1'000;                      // in DATA/mail; older ones go

}  // namespace mettle::limits

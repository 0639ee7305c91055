// What one server takes from its clients; the defaults are base/limits.h's. Plain data.
#pragma once

#include "base/limits.h"

namespace mettle::net {

struct ServerLimits {
  size_t request_line_bytes = limits::kRequestLineBytes;  // 414 above
  size_t request_head_bytes = limits::kRequestHeadBytes;  // 431 above
  size_t request_headers = limits::kRequestHeaders;       // 431 above
  size_t body_bytes = limits::kBodyBytes;                 // 413 above
  size_t pipelined_requests = limits::kPipelinedRequests;
  uint32_t http2_streams = limits::kHttp2Streams;  // of one connection, open at a time
  // Budgets of one HTTP/2 connection, filled again slowly (net/http2_session.h).
  double http2_resets = 200;
  double http2_noise = 1000;
  size_t connections = limits::kConnections;  // of the server; 503 above

  int64_t idle_timeout_ms = limits::kIdleTimeoutMs;
  int64_t head_timeout_ms = limits::kHeadTimeoutMs;
  // A body has this long, and then must have come at the least rate on the average.
  int64_t body_timeout_ms = limits::kBodyTimeoutMs;
  size_t body_bytes_per_second_min = 1024;
  int64_t write_timeout_ms = limits::kWriteTimeoutMs;  // without progress
  int64_t request_deadline_ms = limits::kRequestDeadlineMs;
};

}  // namespace mettle::net

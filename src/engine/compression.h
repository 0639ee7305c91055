// Content coding of answers as the pipeline does it: what is worth it, in the coding that the
// client prefers; what would hold up the core for long, on the blocking pool.
//
// An ETag names one representation (RFC 9110 section 8.8.3), so a coded one says so in its tag
// ("…--br"), and conditions that name it are read without. On the request's core.
#pragma once

#include <optional>
#include <vector>

#include "async/blocking.h"
#include "async/context.h"
#include "async/task.h"
#include "net/http.h"

namespace mettle::engine {

// Codes the body of `response` if that is wanted and worth it. `pool`: nullptr codes everything
// here.
Task<> compress(Context& ctx, const net::Request& request, BlockingPool* pool,
                net::Response& response);

// The request with the marks taken off its If-Match and If-None-Match, where it has any. Keeps what
// the new header views point into.
class Conditions {
 public:
  explicit Conditions(const net::Request& request);
  const net::Request& request() const { return copy_ ? *copy_ : request_; }

 private:
  const net::Request& request_;
  std::optional<net::Request> copy_;
  std::vector<std::unique_ptr<std::string>> texts_;
};

}  // namespace mettle::engine

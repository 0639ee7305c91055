// Outgoing HTTP calls: handlers of the app, webhooks, identity providers. Certificates are
// verified, redirects are not followed, the environment's proxies are not used, no content coding
// is asked for or undone, answers are bounded, addresses are checked as they are connected to
// (reach.h).
//
// A host that fails again and again is left alone for a while (the circuit breaker, circuits.h):
// calls to it end at once with kUnavailable, whose detail and retry_after_s say when it is asked
// again. A call may be tried several times; the pauses double, are jittered, and heed Retry-After;
// a pause that would outlast the context is not begun, and the caller has the last answer.
//
// send() is called on a core and resumes there. It ends with the context (kCancelled,
// kDeadlineExceeded), after the call's own timeout (kHandlerTimeout), or with kHandlerFailed, whose
// detail says why and holds nothing of the answer. An HTTP status of any kind is an answer, no
// error.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/context.h"
#include "async/task.h"
#include "base/limits.h"
#include "net/reach.h"

namespace mettle {
class Metrics;
}

namespace mettle::net {

struct HttpCall {
  std::string method = "GET";
  std::string url;  // http or https
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;  // sent if not empty, and with POST, PUT and PATCH always
  // Of one try, from name lookup to last byte.
  std::chrono::milliseconds timeout{limits::kHandlerTimeoutMs};
  size_t answer_bytes_max = limits::kHandlerAnswerBytes;
  Reach reach;

  // More than one: tried again after 408, 425, 429, 500, 502, 503, 504 and what breaks on the way.
  int tries = 1;
  // Whether the call may be acted on twice. Unless said: for the methods that RFC 9110 (section
  // 9.2.2) calls idempotent. Others are tried again only where nothing was sent.
  std::optional<bool> repeatable = std::nullopt;
};

struct HttpAnswer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // in order, names as sent
  std::string body;
  std::optional<std::string_view> header(std::string_view name) const;  // first, without case
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual Task<Result<HttpAnswer>> send(Context& ctx, HttpCall call) = 0;
};

struct HttpClientOptions {
  size_t connections = 256;          // open at a time
  size_t connections_per_host = 32;  // more calls wait, within their timeout
  std::string ca_file;               // PEM; empty: the system's
  Metrics* metrics = nullptr;        // mettle_outgoing_*; outlives the client; nullptr: none
};

// libcurl on a thread of its own. Made and destroyed by a thread that is no core; calls under way
// at its end fail with kUnavailable, and the cores must still exist.
std::unique_ptr<HttpClient> make_http_client(HttpClientOptions options = {});

}  // namespace mettle::net

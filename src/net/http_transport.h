// One try of an outgoing call, over libcurl: what HttpClient makes its calls of. It tells what
// became of the try, so that the client knows whether another may be made and whether the host is
// well. For http_client.cc and its tests; threads and ends as HttpClient::send().
#pragma once

#include <memory>

#include "net/http_client.h"

namespace mettle::net {

enum class Fate : uint8_t {
  kAnswered,   // with any status
  kUnreached,  // no address, or nobody there: nothing was sent
  kBroken,     // timed out, or ended midway: it may have been acted on
  kUntrusted,  // the certificate; asking again gives the same
  kRefused,    // by ourselves: out of reach, too large, malformed; says nothing about the host
  kGivenUp,    // the caller's context ended, or the client is going
};
struct Tried {
  Fate fate = Fate::kGivenUp;
  Result<HttpAnswer> answer;
};

class HttpTransport {
 public:
  virtual ~HttpTransport() = default;
  virtual Task<Tried> attempt(Context& ctx, HttpCall call) = 0;
};

std::unique_ptr<HttpTransport> make_http_transport(HttpClientOptions options);
// A client that makes its calls by that one.
std::unique_ptr<HttpClient> make_http_client(std::unique_ptr<HttpTransport> transport,
                                             HttpClientOptions options);

}  // namespace mettle::net

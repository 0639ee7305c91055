// HTTP messages as the rest of Mettle sees them (RFC 9110), whatever version carries them.
//
// A Request's views point into the connection's buffer and hold until its handler has returned. A
// Response owns what it says. Made and used on the connection's core.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/context.h"
#include "async/task.h"

namespace mettle::net {

enum class Method : uint8_t { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kOther };
std::string_view method_name(Method method);
std::optional<Method> parse_method(std::string_view name);  // case-sensitive, RFC 9110 section 9.1

struct HeaderView {
  std::string_view name;   // as sent; compare without case
  std::string_view value;  // without surrounding white space
};

struct Request {
  Method method = Method::kOther;
  std::string_view method_text;
  std::string_view target;  // as sent: origin form, or the path of an absolute form
  std::string_view path;    // before '?', still percent-encoded
  std::string_view query;   // after '?', empty if none
  int minor_version = 1;
  std::vector<HeaderView> headers;
  std::string_view body;  // whole, de-chunked; readable for SIMDJSON_PADDING bytes past its end
  std::string_view peer;  // address of the other end, without port
  bool peer_is_loopback = false;
  bool over_tls = false;  // on this connection: what a proxy before it spoke is not known here

  // The first header of that name (case-insensitive), or nullopt.
  std::optional<std::string_view> header(std::string_view name) const;
  // How many headers of that name there are.
  size_t count(std::string_view name) const;
};

// Body parts made as the client takes them; for what is too large or too slow to hold whole.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  // Appends the next part to `out`; false at the end. An error closes the connection in mid-answer,
  // which is how HTTP/1.1 says that an answer is incomplete. Each part is sent before the next is
  // asked for. The context has no deadline and is cancelled when the client leaves.
  virtual Task<Result<bool>> next(Context& ctx, std::string& out) = 0;
};

struct Response {
  int status = 200;
  // Names in their canonical case. Content-Length, Transfer-Encoding, Connection and Date are the
  // connection's own and must not be here.
  std::vector<std::pair<std::string_view, std::string>>
      headers;                    // names: literals, they live forever
  std::string_view content_type;  // literal or kept alive by the app snapshot; none if empty
  std::string body;
  std::unique_ptr<BodyStream>
      stream;  // instead of body; sent chunked unless stream_bytes says the length
  std::optional<uint64_t> stream_bytes;
  bool close = false;  // close the connection afterwards
  // Sent no sooner than so long after it was made (at most one tick of the timers later), and the
  // connection is not read meanwhile; a server that drains sends it at once.
  int64_t hold_us = 0;

  void set(std::string_view name, std::string value);  // replaces
  void add(std::string_view name, std::string value) {
    constexpr size_t kUsual = 8;
    if (headers.capacity() == 0) headers.reserve(kUsual);
    headers.emplace_back(name, std::move(value));
  }
};

// What a listener calls for each request; implemented by the engine's pipeline. Must not throw.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  virtual Task<Response> handle(Context& ctx, const Request& request) = 0;
  // The answer to a message that is no request (400, 408, 413, 431, 505 …); the connection closes
  // after it.
  virtual Response refuse(const Error& error) = 0;
};

}  // namespace mettle::net

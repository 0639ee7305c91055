// Whatever bytes a client sends to an HTTP/2 session, and wherever they are cut into receives: the
// bounds hold, requests are well-formed, and every stream that was opened is let go of.
//
// The first byte says how the rest is cut. A preface is put before it, so that a fuzzer gets to the
// frames.
#include <algorithm>
#include <set>

#include "base/check.h"
#include "net/http2_session.h"

namespace mettle::net {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr size_t kInputMax = size_t{1} << 14;
constexpr size_t kEnough = 65536;

ServerLimits small_limits() {
  ServerLimits limits;
  limits.request_line_bytes = 256;
  limits.request_head_bytes = 1024;
  limits.request_headers = 12;
  limits.body_bytes = 40'000;
  limits.http2_streams = 5;
  limits.http2_resets = 8;
  limits.http2_noise = 16;
  return limits;
}

class Listener final : public Http2Sink {
 public:
  explicit Listener(const ServerLimits& limits) : limits_(limits) {}
  void on_request(Http2Stream& stream) override {
    CHECK(!stream.in_use);
    stream.in_use = true;
    ready_.push_back(&stream);
    if (stream.refusal) return;
    const Request& request = stream.request;
    CHECK(request.path.starts_with('/') || request.path == "*");
    CHECK(request.headers.size() <= limits_.request_headers + 2);  // host and cookie are made
    CHECK(request.body.size() <= limits_.body_bytes);
    CHECK(request.count("host") == 1);
    for (const auto& [name, value] : request.headers) {
      CHECK(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
    }
  }
  void on_closed(Http2Stream&) override {}
  void on_taken(Http2Stream&) override {}
  // Every second request is answered now, the others keep their handlers running.
  void answer_some(Http2Session& session) {
    for (Http2Stream* const stream : std::exchange(ready_, {})) {
      if (++count_ % 2 != 0) {
        running_.push_back(stream);
        continue;
      }
      answer(session, *stream);
    }
  }
  void finish(Http2Session& session) {
    answer_some(session);
    for (Http2Stream* const stream : running_) answer(session, *stream);
  }

 private:
  void answer(Http2Session& session, Http2Stream& stream) {
    if (!stream.closed) {
      Response response;
      response.status = stream.refusal ? stream.refusal->status() : 200;
      stream.out = std::string(count_ * 100, 'x');
      session.answer(stream, response, "Thu, 01 Jan 2026 00:00:01 GMT", "max-age=1");
    }
    session.release(stream);
  }

  const ServerLimits& limits_;
  std::vector<Http2Stream*> ready_, running_;
  size_t count_ = 0;
};

}  // namespace
}  // namespace mettle::net

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mettle::net;
  if (size < 1 || size > kInputMax) return 0;
  const size_t cut = size_t{data[0]} + 1;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const ServerLimits limits = small_limits();
  Listener listener(limits);
  Http2Session session(limits, listener);
  std::string out;
  int64_t now_us = 1'000'000;
  bool goes_on = session.receive(kPreface, now_us);
  while (goes_on && !rest.empty()) {
    const std::string_view part = rest.substr(0, cut);
    rest.remove_prefix(part.size());
    goes_on = session.receive(part, now_us += 1000);
    CHECK(session.streams().size() <= limits.http2_streams);
    listener.answer_some(session);
    out.clear();
    session.take_output(out, kEnough, now_us);
  }
  listener.finish(session);
  out.clear();
  session.take_output(out, kEnough, now_us);
  return 0;
}

// Fuzz target: whatever the bytes and however they are split, the HTTP/1.1 parsers read within
// them, keep their promises, and reach the same result.
#include "base/check.h"
#include "net/http1_parser.h"

namespace mettle::net {
namespace {

struct Outcome {
  Parsed parsed = Parsed::kMore;
  Code code = Code::kCount;
  size_t size = 0;
  size_t headers = 0;
  std::string path;
  bool operator==(const Outcome&) const = default;
};

Outcome parse_head(std::string_view bytes, size_t step) {
  const ServerLimits limits;
  Http1HeadParser parser(limits);
  Outcome outcome;
  for (size_t end = std::min(step, bytes.size());; end = std::min(end + step, bytes.size())) {
    const std::vector<char> copy(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(end));
    Request request;
    Http1Head head;
    outcome.parsed = parser.parse({copy.data(), copy.size()}, request, head);
    if (outcome.parsed == Parsed::kRefused) outcome.code = parser.error().code;
    if (outcome.parsed == Parsed::kDone) {
      CHECK(parser.size() <= copy.size());
      CHECK(request.path.starts_with('/') || request.path == "*");
      CHECK(request.headers.size() <= limits.request_headers);
      CHECK(head.content_length <= limits.body_bytes);
      for (const auto& [name, value] : request.headers) {
        CHECK(is_token(name));
        CHECK(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
      }
      outcome.size = parser.size();
      outcome.headers = request.headers.size();
      outcome.path = request.path;
    }
    if (outcome.parsed != Parsed::kMore || end == bytes.size()) return outcome;
  }
}

std::pair<Parsed, std::string> decode(std::string_view bytes, size_t step) {
  ServerLimits limits;
  limits.body_bytes = 1 << 16;
  ChunkedDecoder decoder(limits);
  std::string body;
  Parsed parsed = Parsed::kMore;
  for (size_t at = 0; at < bytes.size() && parsed == Parsed::kMore;) {
    const std::string_view part = bytes.substr(at, step);
    const std::vector<char> copy(part.begin(), part.end());
    size_t used = 0;
    parsed = decoder.feed({copy.data(), copy.size()}, used, body);
    CHECK(used <= part.size());
    CHECK(parsed != Parsed::kMore || used == part.size());
    at += used;
  }
  CHECK(body.size() <= limits.body_bytes);
  return {parsed, parsed == Parsed::kRefused ? std::string() : body};
}

}  // namespace
}  // namespace mettle::net

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const size_t step = size_t{data[0]} % 16 + 1;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto whole = mettle::net::parse_head(bytes, std::max<size_t>(bytes.size(), 1));
  CHECK(whole == mettle::net::parse_head(bytes, step));
  CHECK(mettle::net::decode(bytes, std::max<size_t>(bytes.size(), 1)) ==
        mettle::net::decode(bytes, step));
  return 0;
}

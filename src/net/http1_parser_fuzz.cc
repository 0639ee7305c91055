// Whatever bytes stand on a connection, and wherever they are cut into receives: the same messages,
// then the same refusal or the same wish for more. What a parser promises of a message holds.
//
// The first two bytes say how the rest is cut. The limits are small, so that a fuzzer reaches them.
#include <algorithm>

#include "base/check.h"
#include "net/http1_parser.h"

namespace mettle::net {
namespace {

constexpr size_t kInputMax = size_t{1} << 14;

ServerLimits small_limits() {
  ServerLimits limits;
  limits.request_line_bytes = 256;
  limits.request_head_bytes = 1024;
  limits.request_headers = 12;
  limits.body_bytes = 1024;
  return limits;
}

struct Message {
  Method method = Method::kOther;
  std::string target, path, query, body;
  std::vector<std::pair<std::string, std::string>> headers;
  bool keep_alive = true;
  bool expects_continue = false;
  bool operator==(const Message&) const = default;
};

struct Outcome {
  std::vector<Message> messages;
  Parsed end = Parsed::kMore;  // or refused
  Code code = Code::kCount;
  bool operator==(const Outcome&) const = default;
};

void check_head(const Request& request, const Http1Head& head, const ServerLimits& limits) {
  CHECK(request.path.starts_with('/') || request.path == "*");
  CHECK(request.target.size() <= limits.request_line_bytes);
  CHECK(request.path.size() + request.query.size() <= request.target.size());
  CHECK(request.headers.size() <= limits.request_headers);
  CHECK(head.content_length <= limits.body_bytes);
  CHECK(request.minor_version == 0 || request.count("Host") == 1);
  CHECK(request.count("Content-Length") <= 1);
  CHECK(head.framing != Framing::kChunked || request.count("Content-Length") == 0);
  for (const auto& [name, value] : request.headers) {
    CHECK(is_token(name));
    CHECK(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
    CHECK(value.empty() || (value.front() != ' ' && value.back() != ' '));
  }
}

// A connection's reading of what it receives, message after message, as http1_conn does it.
class Connection {
 public:
  // `bytes`: all that has come so far.
  void receive(std::string_view bytes) {
    while (outcome_.end == Parsed::kMore && (in_body_ ? body(bytes) : head(bytes))) {
    }
  }
  Outcome take() { return std::move(outcome_); }

 private:
  // False: more must come first.
  bool head(std::string_view bytes) {
    // A copy of exactly what there is, so that the sanitizer sees a read behind it.
    const std::vector<char> copy(bytes.begin() + static_cast<ptrdiff_t>(begin_), bytes.end());
    Request request;
    head_ = {};
    const Parsed parsed = parser_.parse({copy.data(), copy.size()}, request, head_);
    if (parsed == Parsed::kMore) return false;
    if (parsed == Parsed::kRefused) return refuse(parser_.error().code);
    CHECK(parser_.size() > 0 && parser_.size() <= copy.size());
    CHECK(parser_.size() <= limits_.request_head_bytes + limits_.request_line_bytes);
    check_head(request, head_, limits_);
    Message& made = outcome_.messages.emplace_back();
    made.method = request.method;
    made.target = request.target;
    made.path = request.path;
    made.query = request.query;
    for (const auto& [name, value] : request.headers) made.headers.emplace_back(name, value);
    made.keep_alive = head_.keep_alive;
    made.expects_continue = head_.expects_continue;
    begin_ += parser_.size();
    parser_.reset();
    in_body_ = true;
    decoder_.emplace(limits_);
    return true;
  }

  bool body(std::string_view bytes) {
    std::string& body = outcome_.messages.back().body;
    if (head_.framing == Framing::kLength) {
      if (bytes.size() - begin_ < head_.content_length) return false;
      body = bytes.substr(begin_, head_.content_length);
      begin_ += head_.content_length;
    } else if (head_.framing == Framing::kChunked) {
      const std::vector<char> copy(bytes.begin() + static_cast<ptrdiff_t>(begin_), bytes.end());
      size_t used = 0;
      const Parsed parsed = decoder_->feed({copy.data(), copy.size()}, used, body);
      CHECK(used <= copy.size() && body.size() <= limits_.body_bytes);
      CHECK(parsed != Parsed::kMore || used == copy.size());
      begin_ += used;
      if (parsed == Parsed::kRefused) {
        body.clear();  // how much of it had come is a matter of the cuts
        return refuse(decoder_->error().code);
      }
      if (parsed == Parsed::kMore) return false;
    }
    in_body_ = false;
    return true;
  }

  bool refuse(Code code) {
    outcome_.end = Parsed::kRefused;
    outcome_.code = code;
    return false;
  }

  const ServerLimits limits_ = small_limits();
  Http1HeadParser parser_{limits_};
  std::optional<ChunkedDecoder> decoder_;
  Http1Head head_;
  size_t begin_ = 0;
  bool in_body_ = false;
  Outcome outcome_;
};

// Pieces of 1 to `largest` bytes, by a small generator.
Outcome read_cut(std::string_view bytes, uint32_t seed, size_t largest) {
  Connection connection;
  for (size_t end = 0; end < bytes.size();) {
    seed = seed * 1664525 + 1013904223;
    end = std::min(bytes.size(), end + 1 + (seed >> 8) % largest);
    connection.receive(bytes.substr(0, end));
  }
  return connection.take();
}

void try_one(std::string_view cuts, std::string_view bytes) {
  Connection at_once;
  at_once.receive(bytes);
  const Outcome whole = at_once.take();
  const size_t largest = 1 + static_cast<uint8_t>(cuts[1]) % 64;
  CHECK(whole == read_cut(bytes, static_cast<uint8_t>(cuts[0]), largest));
  if (bytes.size() > 64) return;
  for (size_t cut = 1; cut < bytes.size(); ++cut) {
    Connection connection;
    connection.receive(bytes.substr(0, cut));
    connection.receive(bytes);
    CHECK(whole == connection.take());
  }
}

}  // namespace
}  // namespace mettle::net

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > mettle::net::kInputMax) return 0;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  mettle::net::try_one(all.substr(0, 2), all.substr(2));
  return 0;
}

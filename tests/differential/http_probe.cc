// What our HTTP/1.1 parser makes of streams of requests, for tests/differential/http_test.py. In: a
// length in decimal, a line feed, so many bytes; again and again. Out, a line each: the messages
// taken, then how it ended
// (`more`: waiting for bytes, `refused`: with the reason, `closed`: the last message ends the
// connection). Texts are in hex. Each stream is parsed at once and again byte by byte, which must
// come to the same.
#include <iostream>

#include "base/check.h"
#include "base/json_write.h"
#include "net/http1_parser.h"

namespace mettle::net {
namespace {

std::string hex(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    out += kDigits[static_cast<uint8_t>(c) >> 4];
    out += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return out;
}

// One connection: as net/http1_conn drives the parsers, without the socket.
class Connection {
 public:
  explicit Connection(JsonWriter& out) : out_(out) {}

  // `step` bytes arrive at a time.
  void run(std::string_view stream, size_t step) {
    stream_ = stream;
    step_ = step;
    out_.key("messages");
    out_.begin_array();
    while (message()) {
    }
    out_.end_array();
    out_.key("end");
    out_.string(end_);
    out_.key("why");
    out_.string(why_);
    out_.key("used");
    out_.unsigned_integer(begin_);
  }

 private:
  bool message() {
    if (begin_ == stream_.size()) {
      end_ = "more";
      return false;
    }
    Http1HeadParser parser(limits_);
    Request request;
    Http1Head head;
    Parsed parsed = Parsed::kMore;
    size_t arrived = begin_;
    while (parsed == Parsed::kMore && arrived < stream_.size()) {
      arrived = std::min(arrived + step_, stream_.size());
      parsed = parser.parse(stream_.substr(begin_, arrived - begin_), request, head);
    }
    if (parsed != Parsed::kDone) return ended(parsed, parser.error());
    const size_t at = begin_ + parser.size();
    std::string body;
    size_t end = at;
    if (head.framing == Framing::kChunked) {
      ChunkedDecoder decoder(limits_);
      parsed = Parsed::kMore;
      while (parsed == Parsed::kMore && end < stream_.size()) {
        size_t used = 0;
        parsed =
            decoder.feed(stream_.substr(end, std::min(step_, stream_.size() - end)), used, body);
        end += used;
      }
      if (parsed != Parsed::kDone) return ended(parsed, decoder.error());
    } else if (head.framing == Framing::kLength) {
      if (stream_.size() - at < head.content_length) return ended(Parsed::kMore, parser.error());
      end += head.content_length;
      body = stream_.substr(at, head.content_length);
    }
    write(request, head, body, end);
    begin_ = end;
    if (!head.keep_alive) end_ = "closed";
    return head.keep_alive;
  }

  bool ended(Parsed parsed, const Error& error) {
    end_ = parsed == Parsed::kMore ? "more" : "refused";
    if (parsed == Parsed::kRefused) why_ = error.detail;
    return false;
  }

  void write(const Request& request, const Http1Head& head, std::string_view body, size_t end) {
    out_.begin_object();
    out_.key("method");
    out_.string(hex(request.method_text));
    out_.key("target");
    out_.string(hex(request.target));
    out_.key("minor");
    out_.integer(request.minor_version);
    out_.key("keep_alive");
    out_.boolean(head.keep_alive);
    out_.key("end");
    out_.unsigned_integer(end);
    out_.key("headers");
    out_.begin_array();
    for (const auto& [name, value] : request.headers) {
      out_.string(hex(name));
      out_.string(hex(value));
    }
    out_.end_array();
    out_.key("body");
    out_.string(hex(body));
    out_.end_object();
  }

  JsonWriter& out_;
  const ServerLimits limits_;
  std::string_view stream_;
  size_t step_ = 0;
  size_t begin_ = 0;  // of the message
  std::string end_, why_;
};

std::string outcome(std::string_view stream, size_t step) {
  std::string text;
  JsonWriter out(text);
  out.begin_object();
  Connection(out).run(stream, step);
  out.end_object();
  return text;
}

}  // namespace
}  // namespace mettle::net

int main() {
  std::string length, stream;
  while (std::getline(std::cin, length)) {
    stream.resize(std::stoul(length));
    std::cin.read(stream.data(), static_cast<std::streamsize>(stream.size()));
    CHECK(std::cin.good());
    const std::string whole = mettle::net::outcome(stream, stream.size() + 1);
    const bool same = mettle::net::outcome(stream, 1) == whole;
    std::cout << (same ? whole : "{\"split\":true}") << "\n";
  }
  return 0;
}

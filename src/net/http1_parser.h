// HTTP/1.1 messages as they come over the wire (RFC 9112), read in place and strictly: whatever two
// readers could understand differently (where smuggling lives) is refused, not repaired.
//
// Both parsers are incremental, and how the bytes are split over the calls changes nothing in the
// result. Pure code without input or output; one thread at a time. About 0.3 µs a request.
#pragma once

#include <string>
#include <string_view>

#include "net/http.h"
#include "net/server_limits.h"

namespace mettle::net {

enum class Parsed : uint8_t {
  kMore,     // not whole yet
  kDone,     //
  kRefused,  // error() says why; the connection cannot be read any further
};

enum class Framing : uint8_t { kNone, kLength, kChunked };

// What the head says to the connection rather than to the handler.
struct Http1Head {
  Framing framing = Framing::kNone;
  uint64_t content_length = 0;
  bool keep_alive = true;
  bool expects_continue = false;
};

class Http1HeadParser {
 public:
  explicit Http1HeadParser(const ServerLimits& limits) : limits_(limits) {}

  // `data` begins where the message begins and has grown since the last call, if there was one. On
  // kDone the request's views point into it, and size() says how much of it the head was.
  Parsed parse(std::string_view data, Request& request, Http1Head& head);
  size_t size() const { return line_begin_; }
  Error& error() { return error_; }
  void reset();  // for the next message

 private:
  struct Fields;  // what was seen of the headers that frame the message

  Parsed refuse(Code code, std::string_view detail);
  Parsed scan(std::string_view data);
  Parsed parse_line(std::string_view line, Request& request);
  Parsed parse_version(std::string_view version, Request& request);
  Parsed parse_target(Request& request, Fields& fields);
  Parsed parse_header(std::string_view line, Request& request, Fields& fields);
  Parsed note_header(std::string_view name, std::string_view value, Fields& fields);
  Parsed note_length(std::string_view value, Fields& fields);
  Parsed note_codings(std::string_view value, Fields& fields);
  Parsed conclude(const Request& request, const Fields& fields, Http1Head& head);

  const ServerLimits& limits_;
  size_t begin_ = 0;       // of the request line
  size_t line_begin_ = 0;  // of the line being scanned; when done, of what follows the head
  size_t scanned_ = 0;
  bool skipped_empty_line_ = false;
  Error error_;
};

// Decodes a chunked body; extensions and trailers are checked, bounded and dropped.
class ChunkedDecoder {
 public:
  explicit ChunkedDecoder(const ServerLimits& limits) : limits_(limits) {}

  // Takes what it can from `data`, sets `used` to how much that was, appends to `body`.
  Parsed feed(std::string_view data, size_t& used, std::string& body);
  Error& error() { return error_; }

 private:
  enum class State : uint8_t {
    kSize,
    kExtension,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailerBegin,
    kTrailerName,
    kTrailerValue,
    kTrailerLf,
    kEndLf,
    kEnd,
  };

  Parsed refuse(Code code, std::string_view detail);
  Parsed step(char c, size_t body_size);
  Parsed size_digit(char c, size_t body_size);
  Parsed trailer(char c);

  const ServerLimits& limits_;
  State state_ = State::kSize;
  unsigned digits_ = 0;
  uint64_t left_ = 0;    // of the chunk
  size_t overhead_ = 0;  // bytes of extensions and trailers so far
  Error error_;
};

// "example.org", "127.0.0.1:8080", "[::1]:80": what a Host header may hold.
bool is_valid_host(std::string_view host);
// What a request's target may be made of; not empty.
bool is_valid_target(std::string_view target);
bool is_valid_method(std::string_view name);
bool is_token(std::string_view text);  // RFC 9110 section 5.6.2; not empty

}  // namespace mettle::net

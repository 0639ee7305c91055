#include "net/http1_parser.h"

#include "base/mutant.h"
#include "base/text.h"

namespace mettle::net {
namespace {

using CharSet = std::array<bool, 256>;

constexpr CharSet token_chars() {
  CharSet set{};
  for (unsigned char c = '0'; c <= '9'; ++c) set[c] = true;
  for (unsigned char c = 'a'; c <= 'z'; ++c) set[c] = true;
  for (unsigned char c = 'A'; c <= 'Z'; ++c) set[c] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    set[static_cast<unsigned char>(c)] = true;
  return set;
}
// Tab, what prints, and bytes above 127 (opaque to us, as in a file name).
constexpr CharSet value_chars() {
  CharSet set{};
  set['\t'] = true;
  for (unsigned c = 0x20; c < 256; ++c) set[c] = c != 0x7f;
  return set;
}
// Visible ASCII without '#': a fragment is never sent, so one that is means something else.
constexpr CharSet target_chars() {
  CharSet set{};
  for (unsigned c = 0x21; c < 0x7f; ++c) set[c] = c != '#';
  return set;
}
constexpr CharSet host_chars() {
  CharSet set{};
  for (unsigned char c = '0'; c <= '9'; ++c) set[c] = true;
  for (unsigned char c = 'a'; c <= 'z'; ++c) set[c] = true;
  for (unsigned char c = 'A'; c <= 'Z'; ++c) set[c] = true;
  for (const char c : std::string_view("-._~!$&'()*+,;=%"))
    set[static_cast<unsigned char>(c)] = true;
  return set;
}

constexpr CharSet kToken = token_chars();
constexpr CharSet kValue = value_chars();
constexpr CharSet kTarget = target_chars();
constexpr CharSet kHost = host_chars();

constexpr size_t kMethodBytes = 32;
constexpr size_t kLengthDigits = 18;  // 10^18 is far above any limit and fits 64 bits
constexpr unsigned kChunkDigits = 16;
constexpr size_t kChunkOverheadBytes = 4096;  // extensions and trailers of one body

bool in(const CharSet& set, char c) {
  return set[static_cast<unsigned char>(c)];
}
bool all_in(const CharSet& set, std::string_view text) {
  for (const char c : text) {
    if (!in(set, c)) return false;
  }
  return true;
}

std::string_view trim_tail(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}
std::string_view trim_both(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  return trim_tail(text);
}

// Calls `each` with every element of a comma-separated list that is not empty, until it says false.
template <class Each>
bool for_each_element(std::string_view list, Each each) {
  for (;;) {
    const size_t comma = list.find(',');
    const std::string_view element = trim_both(list.substr(0, comma));
    if (!element.empty() && !each(element)) return false;
    if (comma == std::string_view::npos) return true;
    list.remove_prefix(comma + 1);
  }
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

bool is_valid_target(std::string_view target) {
  return !target.empty() && all_in(kTarget, target);
}

bool is_valid_method(std::string_view name) {
  return is_token(name) && name.size() <= kMethodBytes;
}

bool is_token(std::string_view text) {
  return !text.empty() && all_in(kToken, text);
}

bool is_valid_host(std::string_view host) {
  std::string_view port;
  if (host.starts_with('[')) {
    const size_t close = host.find(']');
    if (close == std::string_view::npos || close < 3) return false;
    for (const char c : host.substr(1, close - 1)) {
      if (hex_value(c) < 0 && c != ':' && c != '.') return false;
    }
    port = host.substr(close + 1);
  } else {
    const size_t colon = host.find(':');
    const std::string_view name = host.substr(0, colon);
    if (name.empty() || !all_in(kHost, name)) return false;
    if (colon != std::string_view::npos) port = host.substr(colon);
  }
  if (port.empty()) return true;
  if (port.front() != ':' || port.size() > 6) return false;
  return std::ranges::all_of(port.substr(1), is_ascii_digit);
}

// What the headers say about the message's frame, gathered until all are seen.
struct Http1HeadParser::Fields {
  std::string_view host;
  std::string_view authority;  // of an absolute target
  unsigned hosts = 0;
  unsigned lengths = 0;
  unsigned codings = 0;  // transfer codings, over all Transfer-Encoding headers
  bool has_transfer_encoding = false;
  bool unknown_coding = false;
  bool close = false;
  bool keep_alive = false;
  bool expects_continue = false;
  bool other_expectation = false;
  uint64_t content_length = 0;
};

void Http1HeadParser::reset() {
  begin_ = line_begin_ = scanned_ = 0;
  skipped_empty_line_ = false;
}

Parsed Http1HeadParser::refuse(Code code, std::string_view detail) {
  error_ = make_error(code, std::string(detail));
  return Parsed::kRefused;
}

// Finds the end of the head, line by line, and refuses as early as the bytes allow: a client that
// sends bare line feeds would otherwise wait for an answer until its time is over. Each check
// depends on a position alone, so that it does not matter where the bytes were split.
Parsed Http1HeadParser::scan(std::string_view data) {
  for (;;) {
    if (line_begin_ < data.size() && line_begin_ == begin_ && data[begin_] != '\r' &&
        !in(kToken, data[begin_])) {
      return refuse(Code::kMalformedRequest, "this is not an HTTP request");
    }
    const void* const found =
        scanned_ < data.size() ? std::memchr(data.data() + scanned_, '\n', data.size() - scanned_)
                               : nullptr;
    const size_t end = found != nullptr
                           ? static_cast<size_t>(static_cast<const char*>(found) - data.data())
                           : data.size();
    // One more for the carriage return.
    if (line_begin_ == begin_ && end - begin_ > limits_.request_line_bytes + 1) {
      return refuse(Code::kUriTooLong, "the request line is longer than this server takes");
    }
    if (end - begin_ > limits_.request_head_bytes && !planted(Mutant::kHeadSizeUnlimited)) {
      return refuse(Code::kHeadersTooLarge, "the headers are larger than this server takes");
    }
    scanned_ = end;
    if (found == nullptr) return Parsed::kMore;
    if (end == line_begin_ || data[end - 1] != '\r') {
      return refuse(Code::kMalformedRequest, "a line ends without a carriage return");
    }
    const bool empty = end - line_begin_ == 1;
    const bool first = line_begin_ == begin_;
    line_begin_ = scanned_ = end + 1;
    if (!empty) continue;
    if (!first) return Parsed::kDone;
    // Old clients send an empty line behind a body (RFC 9112 section 2.2).
    if (skipped_empty_line_) {
      return refuse(Code::kMalformedRequest, "empty lines stand where a request should");
    }
    skipped_empty_line_ = true;
    begin_ = line_begin_;
  }
}

Parsed Http1HeadParser::parse(std::string_view data, Request& request, Http1Head& head) {
  if (const Parsed scanned = scan(data); scanned != Parsed::kDone) return scanned;
  Fields fields;
  request.headers.clear();
  size_t at = begin_;
  // scan() has made sure that each line ends with CR LF and that an empty one is the last.
  const auto next_line = [&] {
    const size_t end = data.find('\n', at);
    const std::string_view line = data.substr(at, end - at - 1);
    at = end + 1;
    return line;
  };
  if (Parsed parsed = parse_line(next_line(), request); parsed != Parsed::kDone) return parsed;
  for (std::string_view line = next_line(); !line.empty(); line = next_line()) {
    if (request.headers.size() == limits_.request_headers &&
        !planted(Mutant::kHeaderCountUnlimited)) {
      return refuse(Code::kHeadersTooLarge, "there are more headers than this server takes");
    }
    const Parsed parsed = parse_header(line, request, fields);
    if (parsed != Parsed::kDone) return parsed;
  }
  if (Parsed parsed = parse_target(request, fields); parsed != Parsed::kDone) return parsed;
  return conclude(request, fields, head);
}

Parsed Http1HeadParser::parse_line(std::string_view line, Request& request) {
  const size_t method_end = line.find(' ');
  const size_t target_end =
      method_end == std::string_view::npos ? method_end : line.find(' ', method_end + 1);
  if (target_end == std::string_view::npos) {
    return refuse(Code::kMalformedRequest, "the request line is not METHOD TARGET VERSION");
  }
  request.method_text = line.substr(0, method_end);
  request.target = line.substr(method_end + 1, target_end - method_end - 1);
  if (!is_valid_method(request.method_text)) {
    return refuse(Code::kMalformedRequest, "the method is not a name");
  }
  request.method = parse_method(request.method_text).value_or(Method::kOther);
  if (const Parsed parsed = parse_version(line.substr(target_end + 1), request);
      parsed != Parsed::kDone) {
    return parsed;
  }
  if (!is_valid_target(request.target)) {
    return refuse(Code::kMalformedRequest,
                  "the request target holds characters that must be percent-encoded");
  }
  return Parsed::kDone;
}

Parsed Http1HeadParser::parse_version(std::string_view version, Request& request) {
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_ascii_digit(version[5]) ||
      version[6] != '.' || !is_ascii_digit(version[7])) {
    return refuse(Code::kMalformedRequest, "the HTTP version is malformed");
  }
  if (version[5] != '1') {
    return refuse(Code::kVersionNotSupported, "this server speaks HTTP/1.1 here");
  }
  // A later minor version may only add what we are free to ignore (RFC 9110 section 2.5).
  request.minor_version = version[7] == '0' ? 0 : 1;
  return Parsed::kDone;
}

Parsed Http1HeadParser::parse_target(Request& request, Fields& fields) {
  std::string_view rest = request.target;
  if (rest == "*" && request.method == Method::kOptions) {
    request.path = rest;
    request.query = {};
    return Parsed::kDone;
  }
  if (!rest.starts_with('/')) {
    const size_t scheme = istarts_with(rest, "http://")    ? 7
                          : istarts_with(rest, "https://") ? 8
                                                           : 0;
    if (scheme == 0) {
      return refuse(Code::kMalformedRequest, "the request target must begin with a slash");
    }
    rest.remove_prefix(scheme);
    const size_t end = std::min(rest.find_first_of("/?"), rest.size());
    fields.authority = rest.substr(0, end);
    if (!is_valid_host(fields.authority)) {
      return refuse(Code::kMalformedRequest, "the host of the request target is malformed");
    }
    rest.remove_prefix(end);
  }
  const size_t question = rest.find('?');
  request.path = rest.substr(0, question);
  if (request.path.empty()) request.path = "/";
  request.query =
      question == std::string_view::npos ? std::string_view() : rest.substr(question + 1);
  return Parsed::kDone;
}

Parsed Http1HeadParser::parse_header(std::string_view line, Request& request, Fields& fields) {
  size_t colon = 0;
  while (colon < line.size() && in(kToken, line[colon])) ++colon;
  if (colon == 0 || colon == line.size() || line[colon] != ':') {
    const bool folded = line.front() == ' ' || line.front() == '\t';
    if (folded && planted(Mutant::kFoldedHeaderAccepted)) return Parsed::kDone;
    return refuse(Code::kMalformedRequest,
                  folded ? "a header is folded over several lines" : "a header name is malformed");
  }
  const std::string_view value = trim_both(line.substr(colon + 1));
  if (!all_in(kValue, value)) {
    return refuse(Code::kMalformedRequest, "a header value holds a control character");
  }
  const std::string_view name = line.substr(0, colon);
  request.headers.push_back(HeaderView{name, value});
  return note_header(name, value, fields);
}

Parsed Http1HeadParser::note_header(std::string_view name, std::string_view value, Fields& fields) {
  switch (name.size()) {
    case 4:
      if (!iequals(name, "host")) break;
      fields.host = value;
      ++fields.hosts;
      break;
    case 6:
      if (!iequals(name, "expect")) break;
      (iequals(value, "100-continue") ? fields.expects_continue : fields.other_expectation) = true;
      break;
    case 10:
      if (!iequals(name, "connection")) break;
      for_each_element(value, [&](std::string_view option) {
        if (iequals(option, "close")) fields.close = true;
        if (iequals(option, "keep-alive")) fields.keep_alive = true;
        return true;
      });
      break;
    case 14:
      if (iequals(name, "content-length")) return note_length(value, fields);
      break;
    case 17:
      if (iequals(name, "transfer-encoding")) return note_codings(value, fields);
      break;
    default:
      break;
  }
  return Parsed::kDone;
}

Parsed Http1HeadParser::note_length(std::string_view value, Fields& fields) {
  if (++fields.lengths > 1) {
    return refuse(Code::kMalformedRequest, "the Content-Length header is repeated");
  }
  if (value.empty() || !std::ranges::all_of(value, is_ascii_digit)) {
    return refuse(Code::kMalformedRequest, "the Content-Length header is not a number");
  }
  if (value.size() > kLengthDigits) {
    return refuse(Code::kPayloadTooLarge, "the body is larger than this server takes");
  }
  for (const char c : value) {
    fields.content_length = fields.content_length * 10 + static_cast<uint64_t>(c - '0');
  }
  return Parsed::kDone;
}

Parsed Http1HeadParser::note_codings(std::string_view value, Fields& fields) {
  fields.has_transfer_encoding = true;
  const bool tokens = for_each_element(value, [&](std::string_view coding) {
    ++fields.codings;
    if (!iequals(coding, "chunked")) fields.unknown_coding = true;
    return is_token(coding);
  });
  // Empty elements, which lists may have (RFC 9110 section 5.6.1), are codings to some readers.
  const bool padded = !fields.unknown_coding && fields.codings < 2 && !iequals(value, "chunked");
  if (!tokens || padded) {
    return refuse(Code::kMalformedRequest, "the Transfer-Encoding header is malformed");
  }
  return Parsed::kDone;
}

Parsed Http1HeadParser::conclude(const Request& request, const Fields& fields, Http1Head& head) {
  const bool old = request.minor_version == 0;
  if (fields.hosts > 1) return refuse(Code::kMalformedRequest, "the Host header is repeated");
  if (fields.hosts == 0 && !old)
    return refuse(Code::kMalformedRequest, "the Host header is missing");
  if (fields.hosts == 1 && !is_valid_host(fields.host)) {
    return refuse(Code::kMalformedRequest, "the Host header is empty or malformed");
  }
  if (!fields.authority.empty() && fields.hosts == 1 && !iequals(fields.authority, fields.host)) {
    return refuse(Code::kMalformedRequest, "the Host header and the request target disagree");
  }
  head = Http1Head{};
  if (fields.has_transfer_encoding) {
    if (fields.lengths > 0 && !planted(Mutant::kLengthAndChunksAccepted)) {
      return refuse(Code::kMalformedRequest,
                    "Content-Length and Transfer-Encoding exclude each other");
    }
    if (old) {
      return refuse(Code::kMalformedRequest, "HTTP/1.0 has no Transfer-Encoding");
    }
    if (fields.unknown_coding) {
      return refuse(Code::kNotImplemented, "chunked is the only transfer coding taken here");
    }
    if (fields.codings != 1) {
      return refuse(Code::kMalformedRequest, "the Transfer-Encoding header is malformed");
    }
    head.framing = Framing::kChunked;
  } else if (fields.content_length > 0) {
    if (fields.content_length > limits_.body_bytes) {
      return refuse(Code::kPayloadTooLarge, "the body is larger than this server takes");
    }
    head.framing = Framing::kLength;
    head.content_length = fields.content_length;
  }
  // HTTP/1.0 knows no Expect (RFC 9110 section 10.1.1).
  if (fields.other_expectation && !old) {
    return refuse(Code::kExpectationFailed, "100-continue is the only expectation met here");
  }
  head.expects_continue = fields.expects_continue && !old;
  head.keep_alive = !fields.close && (!old || fields.keep_alive);
  return Parsed::kDone;
}

// ---------------------------------------------------------------------------------------- chunked

Parsed ChunkedDecoder::refuse(Code code, std::string_view detail) {
  error_ = make_error(code, std::string(detail));
  return Parsed::kRefused;
}

Parsed ChunkedDecoder::feed(std::string_view data, size_t& used, std::string& body) {
  used = 0;
  while (used < data.size()) {
    if (state_ == State::kData) {
      const size_t take = static_cast<size_t>(std::min<uint64_t>(left_, data.size() - used));
      body.append(data, used, take);
      used += take;
      left_ -= take;
      if (left_ == 0) state_ = State::kDataCr;
      continue;
    }
    if (const Parsed parsed = step(data[used], body.size()); parsed == Parsed::kRefused) {
      return parsed;
    }
    ++used;
    if (state_ == State::kEnd) return Parsed::kDone;
  }
  return Parsed::kMore;
}

Parsed ChunkedDecoder::step(char c, size_t body_size) {
  switch (state_) {
    case State::kSize:
      return size_digit(c, body_size);
    case State::kExtension:
      if (c == '\r') {
        state_ = State::kSizeLf;
      } else if (!in(kValue, c)) {
        return refuse(Code::kMalformedRequest, "a chunk extension holds a control character");
      } else if (++overhead_ > kChunkOverheadBytes) {
        return refuse(Code::kMalformedRequest, "the chunk extensions are too long");
      }
      return Parsed::kMore;
    case State::kSizeLf:
      if (c != '\n') return refuse(Code::kMalformedRequest, "a chunk size is malformed");
      state_ = left_ == 0 ? State::kTrailerBegin : State::kData;
      return Parsed::kMore;
    case State::kDataCr:
      if (c != '\r') return refuse(Code::kMalformedRequest, "a chunk is longer than its size");
      state_ = State::kDataLf;
      return Parsed::kMore;
    case State::kDataLf:
      if (c != '\n') return refuse(Code::kMalformedRequest, "a chunk is longer than its size");
      state_ = State::kSize;
      digits_ = 0;
      left_ = 0;
      return Parsed::kMore;
    default:
      return trailer(c);
  }
}

Parsed ChunkedDecoder::size_digit(char c, size_t body_size) {
  if (const int digit = hex_value(c); digit >= 0) {
    if (++digits_ > kChunkDigits) {
      return refuse(Code::kMalformedRequest, "a chunk size has too many digits");
    }
    left_ = left_ * 16 + static_cast<uint64_t>(digit);
    if (planted(Mutant::kChunkSizeWraps)) left_ &= 0xffff;
    // Checked at every digit, so that it never overflows.
    if (left_ > limits_.body_bytes - std::min(limits_.body_bytes, body_size)) {
      return refuse(Code::kPayloadTooLarge, "the body is larger than this server takes");
    }
    return Parsed::kMore;
  }
  if (digits_ == 0) return refuse(Code::kMalformedRequest, "a chunk size is malformed");
  if (c == '\r') {
    state_ = State::kSizeLf;
  } else if (c == ';') {
    state_ = State::kExtension;
  } else {
    return refuse(Code::kMalformedRequest, "a chunk size is malformed");
  }
  return Parsed::kMore;
}

// Trailers may not change how the message is read, and no part of Mettle wants one: they are held
// to the rules of headers and dropped.
Parsed ChunkedDecoder::trailer(char c) {
  if (++overhead_ > kChunkOverheadBytes) {
    return refuse(Code::kHeadersTooLarge, "the trailers are larger than this server takes");
  }
  switch (state_) {
    case State::kTrailerBegin:
      if (c == '\r') {
        state_ = State::kEndLf;
        return Parsed::kMore;
      }
      if (!in(kToken, c)) return refuse(Code::kMalformedRequest, "a trailer is malformed");
      state_ = State::kTrailerName;
      return Parsed::kMore;
    case State::kTrailerName:
      if (c == ':') {
        state_ = State::kTrailerValue;
      } else if (!in(kToken, c)) {
        return refuse(Code::kMalformedRequest, "a trailer is malformed");
      }
      return Parsed::kMore;
    case State::kTrailerValue:
      if (c == '\r') {
        state_ = State::kTrailerLf;
      } else if (!in(kValue, c)) {
        return refuse(Code::kMalformedRequest, "a trailer holds a control character");
      }
      return Parsed::kMore;
    default:  // kTrailerLf, kEndLf
      if (c != '\n') return refuse(Code::kMalformedRequest, "a trailer is malformed");
      state_ = state_ == State::kEndLf ? State::kEnd : State::kTrailerBegin;
      return Parsed::kMore;
  }
}

}  // namespace mettle::net

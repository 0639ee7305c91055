// Writes the head of an HTTP/1.1 answer: status line, the handler's headers, and those that are the
// connection's own (Date, Content-Length, Transfer-Encoding, Connection). One thread at a time;
// HttpDate formats once a second.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"

namespace mettle::net {

// The date as HTTP writes it: "Sun, 06 Nov 1994 08:49:37 GMT".
class HttpDate {
 public:
  // Valid until the next call.
  std::string_view at(Timestamp now);

 private:
  int64_t second_ = INT64_MIN;
  std::string text_;
};

struct AnswerFrame {
  bool close = false;       // Connection: close
  bool keep_alive = false;  // Connection: keep-alive, for HTTP/1.0
  bool chunked = false;
  std::optional<uint64_t> content_length;  // none: the status forbids one, or the end closes it
  std::string_view date;
  std::string_view hsts;  // Strict-Transport-Security; none if empty
};

// Why this answer must not be sent (a header value with a line break, a header that is the
// connection's own, a status that is none), or nullopt.
std::optional<std::string> answer_fault(const Response& response);
// REQUIRES: no answer_fault.
void append_answer_head(std::string& out, const Response& response, const AnswerFrame& frame);
bool status_has_no_body(int status);
std::string_view reason_phrase(int status);

}  // namespace mettle::net

// Answer: what a request is answered with when the answer is made inside its transaction (so that
// it can be kept with the idempotency key and commits with the change). The engine turns it into
// the HTTP message.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace mettle::records {

struct Answer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  // Location, ETag, …; not Content-Type
  std::string content_type;                                  // empty with an empty body
  std::string body;
  bool replayed = false;  // from the idempotency table
};

}  // namespace mettle::records

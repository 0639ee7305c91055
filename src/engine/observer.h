// Told of each request when its answer is made: the access log and the metrics of features/observe.
#pragma once

#include <cstdint>
#include <string_view>

#include "async/context.h"
#include "engine/snapshot.h"
#include "net/http.h"
#include "records/principal.h"

namespace mettle::engine {

struct Finished {
  const Context& ctx;
  const net::Request& request;
  const net::Response& response;
  const Snapshot& app;
  const Route* route = nullptr;  // nullptr: no address of ours
  const records::Principal& principal;
  std::string_view client;       // its address: client_address.h
  const Error* error = nullptr;  // what the answer is about, if it is a fault
  int64_t duration_us = 0;       // from the whole request to the whole answer
  uint64_t bytes_out = 0;        // of the body, as sent; of a stream, what it says of itself
  bool shed = false;
};

class RequestObserver {
 public:
  virtual ~RequestObserver() = default;
  // On the core of the request, once for each; must cost little and not fail.
  virtual void on_finished(const Finished& finished) = 0;
  // A message that was no request, answered and hung up on.
  virtual void on_refused(const Error& error) = 0;
};

}  // namespace mettle::engine

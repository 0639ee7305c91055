// What the connections of one endpoint share on one core, whatever version of HTTP they speak, and
// what all of them are to the server that drains and ends them. The core's thread only.
#pragma once

#include <atomic>
#include <string>

#include "async/core.h"
#include "net/http.h"
#include "net/http1_head_writer.h"
#include "net/server_limits.h"

namespace mettle::net {

class HttpConnection;

struct HttpShared {
  HttpShared(Core& core_in, const ServerLimits& limits_in, RequestHandler& handler_in,
             std::atomic<size_t>& in_flight_in)
      : core(core_in), limits(limits_in), handler(handler_in), in_flight(in_flight_in) {}

  Core& core;
  const ServerLimits& limits;
  RequestHandler& handler;
  std::atomic<size_t>& in_flight;  // of the server: requests whose handler runs
  bool draining = false;           // a connection ends with the answers at hand
  std::string hsts;                // Strict-Transport-Security of each answer; none if empty
  HttpDate date;
  HttpConnection* connections = nullptr;

  void drain();
  void abort();
};

// A connection of the endpoint, known to HttpShared while it exists.
class HttpConnection {
 public:
  explicit HttpConnection(HttpShared& shared);
  virtual ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  virtual void drain() = 0;  // closes now if it is idle, else after the answers at hand
  virtual void abort() = 0;  // cancels what runs and closes

 protected:
  HttpShared& shared_;

 private:
  friend struct HttpShared;
  HttpConnection* prev_ = nullptr;
  HttpConnection* next_ = nullptr;
};

}  // namespace mettle::net

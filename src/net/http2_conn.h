// One HTTP/2 connection on the server's side: reads frames, runs the handlers of its requests
// beside each other, and sends what they answer; the frames of one turn of the loop leave in one
// send. The protocol and its bounds are net/http2_session.h's; here are the coroutines and the
// deadlines, which are those of an HTTP/1.1 connection: a head, a body and a client that takes
// nothing of an answer have their times, a stream that the client resets cancels its handler, a
// connection without streams ends after its idle time.
//
// Everything here belongs to one core. A faulty client ends its connection and nothing else.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/parker.h"
#include "async/scope.h"
#include "async/timers.h"
#include "net/http2_session.h"
#include "net/http_shared.h"
#include "net/tcp.h"

namespace mettle::net {

class Http2Connection final : public HttpConnection, private Timer, private Http2Sink {
 public:
  // `received`: what has been read of the stream already.
  Http2Connection(HttpShared& shared, Accepted accepted, std::string received);

  Task<> run();  // until the connection is over; REQUIRES: outlives it
  void drain() override;
  void abort() override;

 private:
  void on_time() override;
  void on_request(Http2Stream& stream) override;
  void on_closed(Http2Stream& stream) override;
  void on_taken(Http2Stream& stream) override;

  int64_t now_us() const { return shared_.core.seams().clock->monotonic_us(); }
  bool is_quiet() const;
  void keep_time();
  bool check_stream(Http2Stream& stream, int64_t now);
  bool body_is_late(const Http2Stream& stream, int64_t now) const;
  void break_off();
  void wake_writer();

  Task<> read();
  bool feed(std::string_view bytes);
  Task<> start_requests();
  Task<> run_requests();
  Task<> write();
  Task<bool> send_all(std::string_view bytes);
  Task<> close_gently();

  Task<> serve(Http2Stream& stream);
  Task<Response> handle(Http2Stream& stream);
  Task<> answer(Http2Stream& stream, Response response);
  Task<> send_stream(Http2Stream& stream, Response& response, Context& ctx);

  const ServerLimits& limits_;
  const std::unique_ptr<ByteStream> stream_;
  const std::string peer_;
  const bool peer_is_loopback_;
  const bool over_tls_;
  std::string received_;
  std::unique_ptr<char[]> in_;
  size_t in_bytes_;
  std::string out_;
  Http2Session session_;
  Scope scope_;
  std::vector<Http2Stream*> ready_;  // requests whose handlers are to be started, in their order
  size_t next_ready_ = 0;            // in ready_
  Parker* writer_ = nullptr;         // where the writer waits for something to send

  int64_t idle_since_us_ = 0;
  int64_t sending_since_us_ = 0;  // the client takes nothing since; 0: nothing waits
  int64_t goaway_due_us_ = 0;     // of a drain
  int64_t close_due_us_ = 0;      // for the client to take the last frames
  bool timer_is_long_ = false;    // it looks at the idle time only
  bool reading_ = true;           // nothing more is read: the writer sends the rest and ends
  bool broken_ = false;           // nothing can be sent or received any more
};

}  // namespace mettle::net

// One HTTP/1.1 connection on the server's side (RFC 9112): reads requests, calls the handler one at
// a time, answers in order. The answers to what one receive brought leave in one send, and the
// sends of connections that were served in one turn of the loop leave together (async/gathering.h).
//
// It bounds how long a client may take for everything, notices one that left while a handler runs
// (the context is cancelled and no answer sent; a client that closes its sending half counts as
// gone), and closes in a way that lets the last answer arrive. Everything here
// belongs to one core. A faulty client ends its connection and nothing else.
#pragma once

#include <memory>
#include <string>

#include "async/parker.h"
#include "async/scope.h"
#include "async/timers.h"
#include "net/http1_parser.h"
#include "net/http_shared.h"
#include "net/tcp.h"

namespace mettle::net {

class Http1Connection final : public HttpConnection, private Timer {
 public:
  Http1Connection(HttpShared& shared, Accepted accepted);

  Task<> run();  // until the connection is over; REQUIRES: outlives it
  void drain() override;
  void abort() override;

  // When run() is over: the client began with HTTP/2 (by prior knowledge, RFC 9113 section 3.3).
  // Then the stream and what was received of it go on elsewhere.
  bool speaks_http2() const { return speaks_http2_; }
  Accepted hand_over(std::string& received);

 private:
  // What the connection waits for, and so what it means that its time is over.
  enum class Waiting : uint8_t { kNothing, kRequest, kHead, kBody, kHandler, kSend, kHold, kClose };

  void on_time() override;
  void wait_for(Waiting what, int64_t due_us);
  int64_t now_us() const { return shared_.core.seams().clock->monotonic_us(); }
  std::string_view unread() const { return {in_.get() + begin_, end_ - begin_}; }

  Task<bool> await_head();
  void make_room();
  void grow(size_t capacity);
  Task<size_t> receive(std::span<char> into, Waiting what, int64_t due_us);  // 0: it is over

  Task<bool> serve();
  Task<bool> read_body();
  Task<bool> read_sized_body(size_t body_at);
  Task<bool> read_chunked_body(size_t body_at);
  int64_t body_due_us(int64_t began_us, size_t received) const;
  Task<bool> ask_for_body();
  Task<> lost_body();
  void next_request();

  Task<Response> handle(Context& ctx);
  Task<bool> respond(Context& ctx, Response response);
  Task<bool> send_stream(Context& ctx, Response& response, bool chunked);
  Task<Result<bool>> next_part(Context& ctx, BodyStream& stream, std::string& part);
  Task<> refuse(Error error);
  Task<bool> flush();
  Task<> hold_back();
  Task<bool> send_all(std::string_view first, std::string_view second);
  Task<> close_gently();

  const ServerLimits& limits_;
  std::unique_ptr<ByteStream> stream_;
  Http1HeadParser parser_;
  Http1Head head_;
  Request request_;
  const std::string peer_;

  // Received bytes: [begin_, end_) is not yet served. Bytes readable behind the capacity: padding.
  std::unique_ptr<char[]> in_;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t next_begin_ = 0;               // where the next request begins
  std::unique_ptr<char[]> large_body_;  // what does not fit behind its head
  std::string chunked_body_;
  std::unique_ptr<char[]> chunked_in_;  // raw bytes of a chunked body
  std::string_view left_over_;          // in chunked_in_: what follows the body
  std::string out_;                     // answers not yet sent

  Waiting waiting_ = Waiting::kNothing;
  int64_t hold_until_us_ = 0;  // 0: what is in out_ may be sent now
  Parker* held_ = nullptr;     // where the connection waits for that time
  int64_t head_due_us_ = 0;
  int64_t received_us_ = 0;
  size_t batch_ = 0;  // requests served since the last receive
  bool keep_alive_ = true;
  bool timed_out_ = false;
  bool broken_ = false;  // nothing can be sent or received any more
  bool speaks_http2_ = false;
  bool served_ = false;         // a request
  bool answered_last_ = false;  // an answer was given after which the connection closes
  Context* context_ = nullptr;  // of the handler that runs
  std::shared_ptr<CancelFlag> cancel_;
};

}  // namespace mettle::net

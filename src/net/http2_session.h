// The protocol of one HTTP/2 connection on the server's side (RFC 9113), without input, output or
// waiting: bytes go in, requests come out; answers go in, bytes come out. nghttp2 reads and writes
// the frames; what a client may ask of us is bounded here:
//   streams        at most ServerLimits::http2_streams at a time, those counted whose handler still
//                  runs though the client has reset them (CVE-2023-44487)
//   resets         the client's, and ours that its faults provoke (CVE-2025-8671), a budget of each
//   noise          PING, SETTINGS, PRIORITY, empty DATA, unknown frames: a budget
//   headers        the list by ServerLimits (431), CONTINUATION frames by nghttp2 (CVE-2024-27316)
//   bodies         by ServerLimits (413); more than a first window only for four streams at a time,
//                  so that a connection cannot make us hold a hundred large bodies
// A client over a budget gets GOAWAY with ENHANCE_YOUR_CALM.
//
// One thread at a time. A stream belongs to the session, and stays until it is closed and released.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http.h"
#include "net/server_limits.h"

namespace mettle::net {

struct Http2Stream {
  int32_t id = 0;
  Request request;               // views into `text` and `body`
  std::optional<Error> refusal;  // the answer, instead of the handler's
  bool whole = false;            // the request is all there
  bool expects_continue = false;
  bool answered = false;        // the head of the answer is on its way
  bool closed = false;          // by either side; nothing can be sent any more
  bool in_use = false;          // by a handler: release() comes when it ends
  bool waits_for_room = false;  // holds a first window full, until another large body ends
  int64_t began_us = 0;
  int64_t body_began_us = 0;
  int64_t progress_us = 0;  // when some of the answer's body was last taken
  Context* context = nullptr;
  std::shared_ptr<CancelFlag> cancel;
  class Parker* taken = nullptr;  // who waits until `out` is taken

  std::string out;  // of the answer's body: what waits to be sent
  size_t out_at = 0;
  bool more_comes = false;                           // after it
  size_t body_bytes() const { return body.size(); }  // of the request, so far

 private:
  friend class Http2Session;
  struct Field {
    size_t name_at, name_size, value_size;
  };
  std::string text;  // names and values
  std::vector<Field> fields;
  std::string cookie, host;
  std::string body;
  size_t head_bytes = 0;
  bool large_body = false;
  bool deferred = false;  // nghttp2 waits for more of `out`
  size_t unconsumed = 0;  // received, and not yet given back to the stream's window
  size_t at = 0;          // in streams_
};

class Http2Sink {
 public:
  virtual ~Http2Sink() = default;
  // The request is whole, or has a refusal. Not from within: answer it later.
  virtual void on_request(Http2Stream& stream) = 0;
  // The stream was reset, or is done.
  virtual void on_closed(Http2Stream& stream) = 0;
  // All of stream.out has been taken, and more is to come; asked for by stream.taken.
  virtual void on_taken(Http2Stream& stream) = 0;
};

class Http2Session {
 public:
  Http2Session(const ServerLimits& limits, Http2Sink& sink);
  ~Http2Session();
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  // False when the client's words are not HTTP/2 at all: what output there is ends the connection.
  bool receive(std::string_view bytes, int64_t now_us);
  // Appends what is to be sent, until `out` has `enough` bytes.
  void take_output(std::string& out, size_t enough, int64_t now_us);
  bool wants_output() const;
  // Nothing is left to be received or sent.
  bool finished() const;
  // When the frame or header block began that is not yet whole; 0: there is none. Not of DATA,
  // whose time is the body's.
  int64_t partial_since_us() const { return walk_.since_us; }
  bool has_settings() const { return has_settings_; }  // the client's first: it speaks HTTP/2

  // REQUIRES: not closed. `body`: what stream.out holds is sent, as far as there may be one.
  void answer(Http2Stream& stream, const Response& response, std::string_view date,
              std::string_view hsts);
  void more(Http2Stream& stream);  // stream.out has more, or nothing comes after it
  void reset_cancel(Http2Stream& stream);
  void reset_broken(Http2Stream& stream);
  // The stream's handler has ended; it must not be named any more.
  void release(Http2Stream& stream);

  void shut_down_soon();  // GOAWAY that still lets requests under way come in
  void shut_down();       // GOAWAY: what has come is answered, no more is taken
  void terminate();       // GOAWAY, and nothing is answered

  // Those that are open, and those whose handler runs.
  std::span<const std::unique_ptr<Http2Stream>> streams() const { return streams_; }

 private:
  struct Callbacks;
  struct Budget {
    double tokens, most, per_second;
    int64_t at_us = 0;
    bool take(int64_t now_us);
  };

  // Where the frames of the input begin and end.
  struct Walk {
    size_t left = 24;  // of the payload at hand; at first of the preface
    std::array<unsigned char, 9> head{};
    size_t head_size = 0;
    bool of_data = false;   // the payload is
    bool in_block = false;  // a header block goes on in the next frame
    int64_t since_us = 0;
    size_t noise = 0;  // frames that ask for nothing, not yet counted
    void pass(std::string_view bytes, int64_t now_us);
  };

  Http2Stream* open(int32_t id);
  void add_field(Http2Stream& stream, std::string_view name, std::string_view value);
  void end_of_head(Http2Stream& stream, bool ends);
  void resolve(Http2Stream& stream) const;
  Result<> check(Http2Stream& stream) const;
  void add_body(Http2Stream& stream, std::string_view part);
  void ask_for_room(Http2Stream& stream);
  void give_room();
  void refuse(Http2Stream& stream, Error error);
  void close(Http2Stream& stream);
  void drop(Http2Stream& stream);
  void spend(Budget& budget);

  const ServerLimits& limits_;
  Http2Sink& sink_;
  struct Frames;  // nghttp2's session
  std::unique_ptr<Frames> frames_;
  std::vector<std::unique_ptr<Http2Stream>> streams_;
  std::vector<std::unique_ptr<Http2Stream>> spare_;
  std::deque<Http2Stream*> waiting_;  // for room
  size_t large_bodies_ = 0;
  int64_t now_us_ = 0;
  Walk walk_;
  bool has_settings_ = false;
  bool terminated_ = false;
  Budget resets_, noise_;
};

}  // namespace mettle::net

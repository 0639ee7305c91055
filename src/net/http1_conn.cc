#include "net/http1_conn.h"

#include <new>

#include "async/gathering.h"
#include "base/check.h"
#include "base/mutant.h"

namespace mettle::net {
namespace {

constexpr size_t kPaddingBytes = 64;  // readable behind every body: the JSON reader looks ahead
constexpr size_t kFirstBufferBytes = 4096;
constexpr size_t kFullBufferBytes = 16384;  // for a client that fills the first
constexpr size_t kRoomBytes = 1024;         // less than this is not worth a system call
constexpr size_t kChunkedReadBytes = 16384;
constexpr size_t kCopiedBodyBytes = 16384;  // larger bodies are sent from where they are
constexpr size_t kOutBytes = 65536;         // answers gathered before they are sent
constexpr size_t kIdleOutBytes = 32768;     // what an idle connection may keep of that
constexpr int64_t kProbeUs = 100'000;       // how often a running handler's client is looked at
constexpr int64_t kGatherUs = 20;           // an answer that took so long is sent with others
constexpr int64_t kCloseUs = 2'000'000;     // for the client to take the last answer
constexpr size_t kCloseBytes = 1 << 20;     // of what it still sends meanwhile
constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n";  // how it begins

std::unique_ptr<char[]> make_buffer(size_t size) {
  return std::make_unique_for_overwrite<char[]>(size + kPaddingBytes);
}

}  // namespace

Http1Connection::Http1Connection(HttpShared& shared, Accepted accepted)
    : HttpConnection(shared),
      limits_(shared.limits),
      stream_(std::move(accepted.stream)),
      parser_(shared.limits),
      peer_(std::move(accepted.peer)),
      in_(make_buffer(kFirstBufferBytes)),
      capacity_(kFirstBufferBytes) {
  request_.peer = peer_;
  request_.peer_is_loopback = accepted.peer_is_loopback;
  request_.over_tls = accepted.over_tls;
}

void Http1Connection::drain() {
  if (waiting_ == Waiting::kRequest) stream_->interrupt();
  if (held_ != nullptr) held_->wake();
}

void Http1Connection::abort() {
  broken_ = true;
  stream_->interrupt();
  if (held_ != nullptr) held_->wake();
  if (context_ != nullptr) context_->cancel();
}

void Http1Connection::wait_for(Waiting what, int64_t due_us) {
  waiting_ = what;
  shared_.core.timers().arm(*this, due_us);
}

// The timer stays armed when a wait ends in time; the next wait moves it.
void Http1Connection::on_time() {
  if (waiting_ == Waiting::kNothing) return;
  if (held_ != nullptr) return held_->wake_now();
  if (waiting_ != Waiting::kHandler) {
    timed_out_ = true;
    stream_->interrupt();
    return;
  }
  if (!stream_->peer_gone()) return wait_for(Waiting::kHandler, now_us() + kProbeUs);
  broken_ = true;
  if (context_ != nullptr) context_->cancel();
}

Accepted Http1Connection::hand_over(std::string& received) {
  received = unread();
  return {.stream = std::move(stream_),
          .peer = peer_,
          .peer_is_loopback = request_.peer_is_loopback,
          .over_tls = request_.over_tls};
}

Task<> Http1Connection::run() {
  received_us_ = shared_.core.turn_begins();
  // The first request is expected at once; only later ones may take the idle time to begin.
  head_due_us_ = received_us_ + limits_.head_timeout_ms * 1000;
  for (bool goes_on = true; goes_on && !broken_;) {
    switch (parser_.parse(unread(), request_, head_)) {
      case Parsed::kMore:
        goes_on = co_await await_head();
        break;
      case Parsed::kRefused:
        if (!served_ && !request_.over_tls && unread().starts_with(kHttp2Preface)) {
          speaks_http2_ = true;
          shared_.core.turn_ends();
          co_return;
        }
        co_await refuse(std::move(parser_.error()));
        goes_on = false;
        break;
      case Parsed::kDone:
        goes_on = co_await serve();
        break;
    }
  }
  co_await close_gently();
  shared_.core.turn_ends();
}

// ------------------------------------------------------------------------------------- receiving

Task<size_t> Http1Connection::receive(std::span<char> into, Waiting what, int64_t due_us) {
  if (broken_) co_return 0;
  timed_out_ = false;
  wait_for(what, due_us);
  shared_.core.turn_ends();
  const Result<size_t> got = co_await stream_->read(into);
  received_us_ = shared_.core.turn_begins();
  waiting_ = Waiting::kNothing;
  batch_ = 0;
  if (got && *got > 0) {
    timed_out_ = false;  // it came in the moment in which its time was over
    co_return *got;
  }
  if (!timed_out_) broken_ = true;  // the client left in the midst of something, or we let it go
  co_return 0;
}

void Http1Connection::grow(size_t capacity) {
  auto larger = make_buffer(capacity);
  std::memcpy(larger.get(), in_.get() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  in_ = std::move(larger);
  capacity_ = capacity;
}

// Nothing points into the buffer while the connection waits for a head.
void Http1Connection::make_room() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (capacity_ - end_ >= kRoomBytes) return;
  if (begin_ > 0) {
    std::memmove(in_.get(), in_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (capacity_ - end_ >= kRoomBytes) return;
  // A head is refused once it is longer than its limit, so this ends.
  grow(std::max(kFullBufferBytes, capacity_ + kFirstBufferBytes));
}

Task<bool> Http1Connection::await_head() {
  // While short answers follow one another, the client's side does not fall asleep.
  if (!out_.empty() && now_us() - received_us_ >= kGatherUs) {
    co_await shared_.core.gathering().wait();
  }
  const bool sent = co_await flush();
  if (!sent) co_return false;
  const bool idle = begin_ == end_;
  if (idle && shared_.draining) co_return false;
  const bool first = head_due_us_ != 0;
  int64_t due_us = head_due_us_;
  if (!first) {
    due_us = now_us() + (idle ? limits_.idle_timeout_ms : limits_.head_timeout_ms) * 1000;
    if (!idle && !planted(Mutant::kHeaderTimerRestarts)) head_due_us_ = due_us;
  }
  if (idle) {
    // There may be thousands of them.
    if (out_.capacity() > kIdleOutBytes) out_ = std::string();
    chunked_in_.reset();
  }
  make_room();
  const std::span<char> room(in_.get() + end_, capacity_ - end_);
  const size_t got = co_await receive(room, idle ? Waiting::kRequest : Waiting::kHead, due_us);
  end_ += got;
  if (got > 0) {
    if (!first || planted(Mutant::kHeaderTimerRestarts)) {
      head_due_us_ = received_us_ + limits_.head_timeout_ms * 1000;
    }
    co_return true;
  }
  // Nobody waits for an answer where no request has begun.
  if (timed_out_ && !idle) {
    co_await refuse(make_error(Code::kRequestTimeout, "the headers took too long to arrive"));
  }
  co_return false;
}

Task<bool> Http1Connection::read_body() {
  const size_t body_at = begin_ + parser_.size();
  request_.body = {};
  next_begin_ = body_at;
  switch (head_.framing) {
    case Framing::kLength:
      return read_sized_body(body_at);
    case Framing::kChunked:
      return read_chunked_body(body_at);
    case Framing::kNone:
      break;
  }
  CHECK(false);
}

// A client that sends one byte a second must not hold a connection for as long as it likes.
int64_t Http1Connection::body_due_us(int64_t began_us, size_t received) const {
  const auto earned_us =
      static_cast<int64_t>(received * 1'000'000 / limits_.body_bytes_per_second_min);
  return began_us + limits_.body_timeout_ms * 1000 + earned_us;
}

Task<bool> Http1Connection::ask_for_body() {
  if (head_.expects_continue) out_ += "HTTP/1.1 100 Continue\r\n\r\n";
  return flush();
}

Task<> Http1Connection::lost_body() {
  if (timed_out_) {
    co_await refuse(make_error(Code::kRequestTimeout, "the body took too long to arrive"));
  }
}

Task<bool> Http1Connection::read_sized_body(size_t body_at) {
  const auto length = static_cast<size_t>(head_.content_length);
  size_t received = std::min(end_ - body_at, length);
  if (received > 0) head_.expects_continue = false;
  char* body = in_.get() + body_at;
  if (received < length) {
    const bool asked = co_await ask_for_body();
    if (!asked) co_return false;
    // Behind its head where there is room, else in a buffer of its own, never read beyond its end.
    if (body_at + length > capacity_) {
      large_body_ = make_buffer(length);
      std::memcpy(large_body_.get(), body, received);
      body = large_body_.get();
      end_ = body_at;
    }
  }
  const int64_t began_us = received_us_;
  while (received < length) {
    const std::span<char> rest(body + received, length - received);
    const size_t got = co_await receive(rest, Waiting::kBody, body_due_us(began_us, received));
    if (got == 0) {
      co_await lost_body();
      co_return false;
    }
    received += got;
    if (!large_body_) end_ = body_at + received;
  }
  request_.body = {body, length};
  next_begin_ = large_body_ ? end_ : body_at + length;
  co_return true;
}

Task<bool> Http1Connection::read_chunked_body(size_t body_at) {
  ChunkedDecoder decoder(limits_);
  chunked_body_.clear();
  size_t used = 0;
  size_t received = end_ - body_at;
  if (received > 0) head_.expects_continue = false;
  Parsed parsed = decoder.feed({in_.get() + body_at, end_ - body_at}, used, chunked_body_);
  next_begin_ = body_at + used;
  if (parsed == Parsed::kMore) {
    const bool asked = co_await ask_for_body();
    if (!asked) co_return false;
    if (!chunked_in_) chunked_in_ = make_buffer(kChunkedReadBytes);
    next_begin_ = end_;
  }
  const int64_t began_us = received_us_;
  while (parsed == Parsed::kMore) {
    const std::span<char> room(chunked_in_.get(), kChunkedReadBytes);
    const size_t got = co_await receive(room, Waiting::kBody, body_due_us(began_us, received));
    if (got == 0) {
      co_await lost_body();
      co_return false;
    }
    received += got;
    parsed = decoder.feed({chunked_in_.get(), got}, used, chunked_body_);
    left_over_ = {chunked_in_.get() + used, got - used};
  }
  if (parsed == Parsed::kRefused) {
    co_await refuse(std::move(decoder.error()));
    co_return false;
  }
  chunked_body_.reserve(chunked_body_.size() + kPaddingBytes);
  request_.body = chunked_body_;
  co_return true;
}

// Lets go of the request that was served and stands before the next.
void Http1Connection::next_request() {
  served_ = true;
  parser_.reset();
  large_body_.reset();
  if (chunked_body_.capacity() > kFullBufferBytes) chunked_body_ = std::string();
  begin_ = planted(Mutant::kPipelinedRequestDropped) ? end_ : next_begin_;
  head_due_us_ = 0;
  if (left_over_.empty()) return;
  begin_ = end_ = 0;  // what was behind the head belonged to the body
  if (capacity_ < left_over_.size()) grow(kFullBufferBytes);
  std::memcpy(in_.get(), left_over_.data(), left_over_.size());
  end_ = left_over_.size();
  left_over_ = {};
}

// ------------------------------------------------------------------------------------- answering

Task<bool> Http1Connection::serve() {
  if (head_.framing != Framing::kNone) {
    bool whole = false;
    bool no_room = false;
    try {
      whole = co_await read_body();
    } catch (const std::bad_alloc&) {
      // A body is the one thing that a client may make large; that is its request's matter alone.
      no_room = true;
      large_body_.reset();
      chunked_body_ = std::string();
    }
    if (no_room) co_await refuse(out_of_memory_error());
    if (!whole) co_return false;
  } else {
    request_.body = {};
    next_begin_ = begin_ + parser_.size();
  }
  if (!cancel_ || cancel_.use_count() > 1 || cancel_->cancelled.load(std::memory_order_relaxed)) {
    cancel_ = std::make_shared<CancelFlag>();
  }
  const int64_t began_us = batch_ == 0 ? received_us_ : now_us();
  Context ctx(shared_.core, shared_.core.seams(), began_us + limits_.request_deadline_ms * 1000,
              cancel_);
  Response response = co_await handle(ctx);
  if (broken_) co_return false;
  keep_alive_ = head_.keep_alive && !response.close && !shared_.draining;
  if (response.hold_us > 0) {
    // The answers before it need not wait.
    const bool flushed = hold_until_us_ != 0 || co_await flush();
    if (!flushed) co_return false;
    hold_until_us_ = std::max(hold_until_us_, now_us() + response.hold_us);
  }
  const bool sent = co_await respond(ctx, std::move(response));
  if (!sent) co_return false;
  if (!keep_alive_) {
    answered_last_ = true;
    co_return false;
  }
  next_request();
  if (++batch_ % limits_.pipelined_requests == 0) {
    // One client with a long queue must not keep the others of this core waiting.
    const bool flushed = co_await flush();
    if (!flushed) co_return false;
    co_await next_turn(shared_.core);
  }
  co_return true;
}

Task<Response> Http1Connection::handle(Context& ctx) {
  context_ = &ctx;
  wait_for(Waiting::kHandler, received_us_ + kProbeUs);
  shared_.in_flight.fetch_add(1, std::memory_order_relaxed);
  Response response;
  try {
    response = co_await shared_.handler.handle(ctx, request_);
  } catch (const std::bad_alloc&) {
    response = shared_.handler.refuse(out_of_memory_error());
  } catch (const std::exception& thrown) {
    response = shared_.handler.refuse(internal_error(fmt::format("thrown: {}", thrown.what())));
  }
  shared_.in_flight.fetch_sub(1, std::memory_order_relaxed);
  waiting_ = Waiting::kNothing;
  context_ = nullptr;
  co_return response;
}

Task<bool> Http1Connection::respond(Context& ctx, Response response) {
  if (auto fault = answer_fault(response)) {
    response = shared_.handler.refuse(internal_error(std::move(*fault)));
    CHECK(!answer_fault(response));
  }
  const bool no_body = request_.method == Method::kHead || status_has_no_body(response.status);
  const bool old = request_.minor_version == 0;
  AnswerFrame frame;
  frame.date = shared_.date.at(shared_.core.seams().clock->now());
  if (response.stream && !response.stream_bytes) {
    // HTTP/1.0 knows no chunks: the end of the connection is the end of the body.
    frame.chunked = !old && !status_has_no_body(response.status);
    if (old && !no_body) keep_alive_ = false;
  } else if (!status_has_no_body(response.status)) {
    frame.content_length = response.stream ? *response.stream_bytes : response.body.size();
  }
  frame.close = !keep_alive_;
  frame.hsts = shared_.hsts;
  frame.keep_alive = old && keep_alive_;
  append_answer_head(out_, response, frame);
  if (no_body && !planted(Mutant::kHeadSendsBody)) co_return true;
  if (response.stream) co_return co_await send_stream(ctx, response, frame.chunked);
  if (response.body.size() <= kCopiedBodyBytes) {
    out_ += response.body;
    if (out_.size() < kOutBytes) co_return true;
    co_return co_await flush();
  }
  const bool sent = co_await send_all(out_, response.body);
  out_.clear();
  co_return sent;
}

Task<Result<bool>> Http1Connection::next_part(Context& ctx, BodyStream& stream, std::string& part) {
  context_ = &ctx;
  wait_for(Waiting::kHandler, now_us() + kProbeUs);
  Result<bool> more = false;
  try {
    more = co_await stream.next(ctx, part);
  } catch (const std::exception& thrown) {
    more = fail(internal_error(fmt::format("thrown: {}", thrown.what())));
  }
  waiting_ = Waiting::kNothing;
  context_ = nullptr;
  co_return more;
}

// A body that ends early cannot be taken back: the connection breaks, and the client sees that the
// answer is incomplete.
Task<bool> Http1Connection::send_stream(Context& ctx, Response& response, bool chunked) {
  // The handler had a deadline; its stream lives as long as the client takes it.
  Context stream_ctx(shared_.core, shared_.core.seams(), INT64_MAX, cancel_);
  stream_ctx.request_id = ctx.request_id;
  stream_ctx.trace = ctx.trace;
  std::optional<uint64_t> left = response.stream_bytes;
  std::string part;
  for (bool more = true; more;) {
    part.clear();
    const Result<bool> got = co_await next_part(stream_ctx, *response.stream, part);
    if (!got || broken_ || (left && part.size() > *left)) {
      broken_ = true;
      co_return false;
    }
    more = *got;
    if (left) *left -= part.size();
    if (!part.empty()) {
      if (chunked) {
        out_ += fmt::format("{:x}\r\n", part.size());
        part += "\r\n";
      }
      const bool sent = co_await send_all(out_, part);
      out_.clear();
      if (!sent) co_return false;
    }
  }
  if (left.value_or(0) != 0) {
    broken_ = true;
    co_return false;
  }
  if (chunked) out_ += "0\r\n\r\n";
  co_return true;
}

Task<> Http1Connection::refuse(Error error) {
  Response response = shared_.handler.refuse(error);
  CHECK(!answer_fault(response) && !response.stream);
  AnswerFrame frame;
  frame.date = shared_.date.at(shared_.core.seams().clock->now());
  frame.close = true;
  frame.hsts = shared_.hsts;
  if (!status_has_no_body(response.status)) frame.content_length = response.body.size();
  append_answer_head(out_, response, frame);
  if (frame.content_length) out_ += response.body;
  answered_last_ = true;
  co_return;
}

Task<bool> Http1Connection::flush() {
  if (out_.empty()) co_return true;
  const bool sent = co_await send_all(out_, {});
  out_.clear();
  co_return sent;
}

// Nothing is read meanwhile: what the client sends waits in the kernel's buffers, and then in its
// own.
Task<> Http1Connection::hold_back() {
  if (!broken_ && !shared_.draining && now_us() < hold_until_us_) {
    Parker parker(shared_.core);
    held_ = &parker;
    wait_for(Waiting::kHold, hold_until_us_);
    co_await parker.park_to_end();
    held_ = nullptr;
    waiting_ = Waiting::kNothing;
  }
  hold_until_us_ = 0;
}

Task<bool> Http1Connection::send_all(std::string_view first, std::string_view second) {
  if (hold_until_us_ != 0) co_await hold_back();
  while (!first.empty() || !second.empty()) {
    if (broken_) co_return false;
    const Result<size_t> sent = stream_->send_now(first, second);
    if (!sent) {
      broken_ = true;
      co_return false;
    }
    const size_t of_first = std::min(*sent, first.size());
    first.remove_prefix(of_first);
    second.remove_prefix(*sent - of_first);
    if (*sent > 0) continue;
    timed_out_ = false;
    wait_for(Waiting::kSend, now_us() + limits_.write_timeout_ms * 1000);
    shared_.core.turn_ends();
    const Result<> writable = co_await stream_->writable();
    shared_.core.turn_begins();
    waiting_ = Waiting::kNothing;
    if (!writable) {
      broken_ = true;
      co_return false;
    }
  }
  co_return true;
}

// Closing while the client still sends resets the connection, and a reset may overtake the answer:
// so we say that we are done, and read what comes until the client is, too.
Task<> Http1Connection::close_gently() {
  if (broken_) co_return;
  const bool sent = co_await flush();
  if (!sent) co_return;
  if (!answered_last_) {
    if (request_.over_tls) stream_->end_sending();  // TLS tells an end from one that was cut off
    co_return;
  }
  stream_->end_sending();
  const int64_t due_us = now_us() + kCloseUs;
  const std::span<char> into(in_.get(), capacity_);
  for (size_t discarded = 0; discarded < kCloseBytes;) {
    const size_t got = co_await receive(into, Waiting::kClose, due_us);
    if (got == 0) co_return;
    discarded += got;
  }
}

}  // namespace mettle::net

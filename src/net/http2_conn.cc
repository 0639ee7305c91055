#include "net/http2_conn.h"

#include <new>

#include "base/check.h"

namespace mettle::net {
namespace {

constexpr size_t kFirstInBytes = 4096;
constexpr size_t kFullInBytes = 16384;        // for a client that fills the first
constexpr size_t kOutBytes = 65536;           // frames gathered before they are sent
constexpr size_t kKeptOutBytes = 16384;       // what an idle connection may keep of that
constexpr size_t kStartedAtOnce = 32;         // then the other connections have their turn
constexpr int64_t kLookUs = 250'000;          // how often the times of what is open are looked at
constexpr int64_t kLastRequestsUs = 500'000;  // of a drain: for requests that are under way to us
constexpr size_t kCloseBytes = 1 << 20;       // of what it still sends meanwhile
constexpr int64_t kCloseUs = 2'000'000;       // for the client to take the last frames

}  // namespace

Http2Connection::Http2Connection(HttpShared& shared, Accepted accepted, std::string received)
    : HttpConnection(shared),
      limits_(shared.limits),
      stream_(std::move(accepted.stream)),
      peer_(std::move(accepted.peer)),
      peer_is_loopback_(accepted.peer_is_loopback),
      over_tls_(accepted.over_tls),
      received_(std::move(received)),
      in_(std::make_unique_for_overwrite<char[]>(kFirstInBytes)),
      in_bytes_(kFirstInBytes),
      session_(shared.limits, *this),
      scope_(shared.core) {}

Task<> Http2Connection::run() {
  shared_.core.turn_begins();
  idle_since_us_ = now_us();
  keep_time();
  scope_.spawn(write());
  if (shared_.draining) drain();
  co_await read();
  // The client is gone or was told to go: nobody waits for what still runs.
  for (const auto& stream : session_.streams()) {
    if (stream->context != nullptr) stream->context->cancel();
    if (stream->taken != nullptr) std::exchange(stream->taken, nullptr)->wake();
  }
  reading_ = false;
  close_due_us_ = now_us() + kCloseUs;
  keep_time();
  wake_writer();
  shared_.core.turn_ends();
  co_await scope_.join();
  shared_.core.turn_begins();
  if (!broken_) co_await close_gently();
  shared_.core.turn_ends();
}

// As for HTTP/1.1: a reset, which is what closing before the client is done comes to, may overtake
// our last words.
Task<> Http2Connection::close_gently() {
  stream_->end_sending();
  const std::span<char> into(in_.get(), in_bytes_);
  for (size_t discarded = 0; discarded < kCloseBytes && !broken_;) {
    shared_.core.turn_ends();
    const Result<size_t> got = co_await stream_->read(into);
    shared_.core.turn_begins();
    if (!got || *got == 0) co_return;
    discarded += *got;
  }
}

void Http2Connection::drain() {
  if (goaway_due_us_ != 0) return;
  goaway_due_us_ = now_us() + kLastRequestsUs;
  keep_time();
  if (session_.streams().empty()) {
    session_.shut_down();
  } else {
    session_.shut_down_soon();
  }
  wake_writer();
}

void Http2Connection::abort() {
  break_off();
  for (const auto& stream : session_.streams()) {
    if (stream->context != nullptr) stream->context->cancel();
    if (stream->taken != nullptr) std::exchange(stream->taken, nullptr)->wake();
  }
}

void Http2Connection::break_off() {
  broken_ = true;
  stream_->interrupt();
  wake_writer();
}

// --------------------------------------------------------------------------------------- times

// There may be thousands of connections on which nothing is open.
bool Http2Connection::is_quiet() const {
  return session_.streams().empty() && session_.partial_since_us() == 0 &&
         session_.has_settings() && sending_since_us_ == 0 && goaway_due_us_ == 0 &&
         close_due_us_ == 0;
}

void Http2Connection::keep_time() {
  timer_is_long_ = is_quiet();
  shared_.core.timers().arm(
      *this, timer_is_long_ ? idle_since_us_ + limits_.idle_timeout_ms * 1000 : now_us() + kLookUs);
}

// As for HTTP/1.1: so long, and then at the least rate on the average.
bool Http2Connection::body_is_late(const Http2Stream& stream, int64_t now) const {
  const bool has_begun = stream.body_began_us != 0;  // else its head is not whole yet
  if (!has_begun || stream.whole || stream.refusal || stream.waits_for_room) return false;
  const auto earned_us =
      static_cast<int64_t>(stream.body_bytes() * 1'000'000 / limits_.body_bytes_per_second_min);
  return now >= stream.body_began_us + limits_.body_timeout_ms * 1000 + earned_us;
}

// True: the stream was given something to say.
bool Http2Connection::check_stream(Http2Stream& stream, int64_t now) {
  if (stream.closed) return false;
  if (!stream.in_use && !stream.answered && body_is_late(stream, now)) {
    stream.refusal = make_error(Code::kRequestTimeout, "the body took too long to arrive");
    on_request(stream);
    return true;
  }
  const bool stalls = stream.answered && stream.out_at < stream.out.size();
  if (stalls && now >= stream.progress_us + limits_.write_timeout_ms * 1000) {
    session_.reset_cancel(stream);
    return true;
  }
  return false;
}

void Http2Connection::on_time() {
  const int64_t now = now_us();
  keep_time();
  if (broken_) return;
  const bool takes_nothing =
      sending_since_us_ != 0 && now >= sending_since_us_ + limits_.write_timeout_ms * 1000;
  if (takes_nothing || (close_due_us_ != 0 && now >= close_due_us_)) return break_off();
  const int64_t partial_us = session_.partial_since_us();
  const int64_t head_us = limits_.head_timeout_ms * 1000;
  const bool late_head = partial_us != 0 && now >= partial_us + head_us;
  const bool never_began = !session_.has_settings() && now >= idle_since_us_ + head_us;
  const bool idle = session_.streams().empty();
  if (late_head || never_began ||
      (idle && now >= idle_since_us_ + limits_.idle_timeout_ms * 1000)) {
    session_.terminate();
    wake_writer();
    return;
  }
  bool says = false;
  for (size_t i = 0; i < session_.streams().size(); ++i) {
    says |= check_stream(*session_.streams()[i], now);
  }
  if (goaway_due_us_ != 0 && goaway_due_us_ != INT64_MAX && (idle || now >= goaway_due_us_)) {
    goaway_due_us_ = INT64_MAX;  // once
    session_.shut_down();
    says = true;
  }
  if (!says) return;
  for (size_t i = next_ready_; i < ready_.size(); i += kStartedAtOnce) {
    scope_.spawn(run_requests());
  }
  wake_writer();
}

// ------------------------------------------------------------------------------------- receiving

Task<> Http2Connection::read() {
  bool goes_on = received_.empty() || feed(std::exchange(received_, {}));
  co_await start_requests();
  while (goes_on && !broken_ && !session_.finished()) {
    shared_.core.turn_ends();
    const std::span<char> room(in_.get(), in_bytes_);
    const Result<size_t> got = co_await stream_->read(room);
    shared_.core.turn_begins();
    if (!got || *got == 0) co_return;
    goes_on = feed({in_.get(), *got});
    // There may be thousands that are idle.
    const size_t wanted = session_.streams().empty() ? kFirstInBytes
                          : *got == in_bytes_        ? kFullInBytes
                                                     : in_bytes_;
    if (wanted != in_bytes_) {
      in_ = std::make_unique_for_overwrite<char[]>(wanted);
      in_bytes_ = wanted;
    }
    co_await start_requests();
  }
}

bool Http2Connection::feed(std::string_view bytes) {
  const bool goes_on = session_.receive(bytes, now_us());
  if (timer_is_long_ && !is_quiet()) keep_time();
  if (session_.wants_output()) wake_writer();
  return goes_on;
}

void Http2Connection::on_request(Http2Stream& stream) {
  stream.in_use = true;
  ready_.push_back(&stream);
}

void Http2Connection::on_closed(Http2Stream& stream) {
  idle_since_us_ = now_us();
  if (stream.context != nullptr) stream.context->cancel();
  if (stream.taken != nullptr) std::exchange(stream.taken, nullptr)->wake();
}

void Http2Connection::on_taken(Http2Stream& stream) {
  std::exchange(stream.taken, nullptr)->wake();
}

// One coroutine runs requests for as long as they are answered without a wait, which is most of
// them; where one waits, another goes on with the rest.
Task<> Http2Connection::start_requests() {
  while (next_ready_ < ready_.size()) {
    if (!scope_.spawn(run_requests())) co_return;
    shared_.core.turn_ends();
    co_await next_turn(shared_.core);
    shared_.core.turn_begins();
  }
}

Task<> Http2Connection::run_requests() {
  for (size_t started = 0; started < kStartedAtOnce && next_ready_ < ready_.size(); ++started) {
    Http2Stream& stream = *ready_[next_ready_++];
    if (next_ready_ == ready_.size()) {
      ready_.clear();
      next_ready_ = 0;
    }
    co_await serve(stream);
  }
}

// ------------------------------------------------------------------------------------- answering

Task<> Http2Connection::serve(Http2Stream& stream) {
  Response response = co_await handle(stream);
  if (!stream.closed && !broken_) co_await answer(stream, std::move(response));
  session_.release(stream);
  idle_since_us_ = now_us();
}

Task<Response> Http2Connection::handle(Http2Stream& stream) {
  if (stream.refusal) co_return shared_.handler.refuse(*stream.refusal);
  if (stream.closed) co_return Response();
  stream.request.peer = peer_;
  stream.request.peer_is_loopback = peer_is_loopback_;
  stream.request.over_tls = over_tls_;
  if (!stream.cancel) stream.cancel = std::make_shared<CancelFlag>();
  Context ctx(shared_.core, shared_.core.seams(), now_us() + limits_.request_deadline_ms * 1000,
              stream.cancel);
  stream.context = &ctx;
  shared_.in_flight.fetch_add(1, std::memory_order_relaxed);
  Response response;
  try {
    response = co_await shared_.handler.handle(ctx, stream.request);
  } catch (const std::bad_alloc&) {
    response = shared_.handler.refuse(out_of_memory_error());
  } catch (const std::exception& thrown) {
    response = shared_.handler.refuse(internal_error(fmt::format("thrown: {}", thrown.what())));
  }
  shared_.in_flight.fetch_sub(1, std::memory_order_relaxed);
  stream.context = nullptr;
  if (response.close && !stream.closed && !shared_.draining) session_.shut_down();
  co_return response;
}

Task<> Http2Connection::answer(Http2Stream& stream, Response response) {
  if (auto fault = answer_fault(response)) {
    response = shared_.handler.refuse(internal_error(std::move(*fault)));
    CHECK(!answer_fault(response));
  }
  if (!stream.cancel) stream.cancel = std::make_shared<CancelFlag>();
  // The handler had a deadline; what is sent lives as long as the client takes it.
  Context ctx(shared_.core, shared_.core.seams(), INT64_MAX, stream.cancel);
  if (response.hold_us > 0 && !shared_.draining) {
    stream.context = &ctx;
    std::ignore = co_await sleep_for(ctx, std::chrono::microseconds(response.hold_us));
    stream.context = nullptr;
    if (stream.closed || broken_) co_return;
  }
  stream.out = std::move(response.body);
  stream.out_at = 0;
  stream.more_comes = response.stream != nullptr;
  const std::string_view date = shared_.date.at(shared_.core.seams().clock->now());
  session_.answer(stream, response, date, shared_.hsts);
  wake_writer();
  const bool sends_body =
      stream.request.method != Method::kHead && !status_has_no_body(response.status);
  if (response.stream && sends_body) co_await send_stream(stream, response, ctx);
}

// A body that ends early cannot be taken back: the stream is reset, and the client sees that the
// answer is incomplete.
Task<> Http2Connection::send_stream(Http2Stream& stream, Response& response, Context& ctx) {
  std::optional<uint64_t> left = response.stream_bytes;
  std::string part;
  for (bool more = true; more;) {
    part.clear();
    stream.context = &ctx;
    Result<bool> got = false;
    try {
      got = co_await response.stream->next(ctx, part);
    } catch (const std::exception& thrown) {
      got = fail(internal_error(fmt::format("thrown: {}", thrown.what())));
    }
    stream.context = nullptr;
    if (stream.closed || broken_) co_return;
    if (!got || (left && part.size() > *left)) {
      session_.reset_broken(stream);
      co_return wake_writer();
    }
    more = *got;
    if (left) *left -= part.size();
    if (!more && left.value_or(0) != 0) {
      session_.reset_broken(stream);
      co_return wake_writer();
    }
    if (part.empty() && more) continue;
    std::swap(stream.out, part);
    stream.out_at = 0;
    stream.progress_us = now_us();
    stream.more_comes = more;
    session_.more(stream);
    wake_writer();
    if (!more) co_return;
    Parker parker(shared_.core);
    stream.taken = &parker;
    co_await parker.park_to_end();
    if (stream.closed || broken_) co_return;
  }
}

// -------------------------------------------------------------------------------------- sending

void Http2Connection::wake_writer() {
  if (writer_ != nullptr) std::exchange(writer_, nullptr)->wake();
}

Task<> Http2Connection::write() {
  for (;;) {
    while (!broken_ && session_.wants_output()) {
      session_.take_output(out_, kOutBytes, now_us());
      if (out_.empty()) break;
      const bool sent = co_await send_all(out_);
      out_.clear();
      if (!sent) break;
    }
    if (out_.capacity() > kKeptOutBytes && session_.streams().empty()) out_ = std::string();
    if (broken_ || session_.finished()) stream_->interrupt();  // the reader need not wait
    if (broken_ || !reading_) co_return;
    Parker parker(shared_.core);
    writer_ = &parker;
    co_await parker.park_to_end();
  }
}

Task<bool> Http2Connection::send_all(std::string_view bytes) {
  while (!bytes.empty()) {
    if (broken_) co_return false;
    const Result<size_t> sent = stream_->send_now(bytes, {});
    if (!sent) {
      break_off();
      co_return false;
    }
    bytes.remove_prefix(*sent);
    if (*sent > 0) continue;
    sending_since_us_ = now_us();
    keep_time();
    shared_.core.turn_ends();
    const Result<> writable = co_await stream_->writable();
    shared_.core.turn_begins();
    sending_since_us_ = 0;
    if (!writable) {
      break_off();
      co_return false;
    }
  }
  co_return true;
}

}  // namespace mettle::net

#include "net/http2_session.h"

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <new>

#include "async/frame_memory.h"
#include "base/check.h"
#include "base/text.h"
#include "net/http1_head_writer.h"
#include "net/http1_parser.h"

namespace mettle::net {
namespace {

constexpr size_t kPaddingBytes = 64;  // readable behind every body: the JSON reader looks ahead
constexpr size_t kFieldBytes = 32;    // what a field counts beside its text (RFC 9113, 6.5.2)
constexpr size_t kBombFactor = 16;    // a header list so many times too large ends the connection
constexpr size_t kSmallBodyBytes = 16384;  // up to here a body needs no leave
constexpr size_t kLargeBodies = 4;
constexpr int32_t kLargeWindowBytes = 1 << 20;  // of a stream that may send a large body
constexpr int32_t kConnectionWindowBytes = 4 << 20;
constexpr size_t kKeptBytes = 16384;  // of a stream's buffers, for the next
constexpr size_t kSpareStreams = 16;
constexpr size_t kOutboundAcks = 200;  // PING and SETTINGS that the client does not let us answer
constexpr size_t kSettings = 32;       // in one frame

}  // namespace

struct Http2Session::Frames {
  nghttp2_session* session = nullptr;
  ~Frames() { nghttp2_session_del(session); }
};

namespace {

// nghttp2 allocates for each frame, field and stream: from the blocks that coroutines use, each
// with its size before it.
constexpr size_t kSizeBytes = alignof(std::max_align_t);

void* take_block(size_t size, void*) {
  if (size == 0) return nullptr;
  try {
    auto* const block = static_cast<char*>(allocate_frame(size + kSizeBytes));
    std::memcpy(block, &size, sizeof size);
    return block + kSizeBytes;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
size_t block_size(const void* block) {
  size_t size = 0;
  std::memcpy(&size, static_cast<const char*>(block) - kSizeBytes, sizeof size);
  return size;
}
void give_block(void* block, void*) {
  if (block == nullptr) return;
  free_frame(static_cast<char*>(block) - kSizeBytes, block_size(block) + kSizeBytes);
}
void* take_zeroed(size_t count, size_t size, void*) {
  void* const block = take_block(count * size, nullptr);
  return block != nullptr ? std::memset(block, 0, count * size) : nullptr;
}
void* resize_block(void* block, size_t size, void*) {
  if (block == nullptr) return take_block(size, nullptr);
  void* const larger = take_block(size, nullptr);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, block, std::min(size, block_size(block)));
  give_block(block, nullptr);
  return larger;
}

}  // namespace

bool Http2Session::Budget::take(int64_t now_us) {
  if (at_us == 0) at_us = now_us;
  tokens = std::min(most, tokens + per_second * static_cast<double>(now_us - at_us) / 1e6);
  at_us = now_us;
  if (tokens < 1) return false;
  tokens -= 1;
  return true;
}

// What nghttp2 calls; `user` is the session. Nothing may be thrown through its C.
struct Http2Session::Callbacks {
  static Http2Session& self(void* user) { return *static_cast<Http2Session*>(user); }
  static Http2Stream* stream_of(nghttp2_session* session, int32_t id) {
    return static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(session, id));
  }
  template <class Act>
  static int guarded(Act act) {
    try {
      act();
    } catch (const std::bad_alloc&) {
      return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    return 0;
  }

  static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    const int32_t id = frame->hd.stream_id;
    return guarded([&] {
      Http2Stream* const stream = self(user).open(id);
      if (stream == nullptr) {
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
      } else {
        nghttp2_session_set_stream_user_data(session, id, stream);
      }
    });
  }

  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                       size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                       void* user) {
    Http2Stream* const stream = stream_of(session, frame->hd.stream_id);
    if (stream == nullptr) return 0;
    return guarded([&] {
      self(user).add_field(*stream, {reinterpret_cast<const char*>(name), name_size},
                           {reinterpret_cast<const char*>(value), value_size});
    });
  }

  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    Http2Session& me = self(user);
    if (frame->hd.type == NGHTTP2_SETTINGS) me.has_settings_ = true;
    if (frame->hd.type == NGHTTP2_RST_STREAM) me.spend(me.resets_);
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    Http2Stream* const stream = stream_of(session, frame->hd.stream_id);
    if (stream == nullptr) return 0;
    const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    return guarded([&] {
      if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        me.end_of_head(*stream, ends);
      } else if (ends && !stream->whole && !stream->refusal) {
        stream->whole = true;
        me.resolve(*stream);
        me.sink_.on_request(*stream);
      }
    });
  }

  static int on_data(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data,
                     size_t size, void* user) {
    // The connection's window is never what holds a client back: each stream's own is.
    nghttp2_session_consume_connection(session, size);
    Http2Stream* const stream = stream_of(session, id);
    if (stream == nullptr) return 0;
    stream->unconsumed += size;
    return guarded(
        [&] { self(user).add_body(*stream, {reinterpret_cast<const char*>(data), size}); });
  }

  static int on_stream_close(nghttp2_session* session, int32_t id, uint32_t, void* user) {
    Http2Stream* const stream = stream_of(session, id);
    if (stream != nullptr) self(user).close(*stream);
    return 0;
  }

  static int on_frame_send(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    Http2Session& me = self(user);
    const nghttp2_frame_hd& head = frame->hd;
    if (head.type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_NO_ERROR &&
        frame->rst_stream.error_code != NGHTTP2_CANCEL) {
      me.spend(me.resets_);
    }
    const bool ends = (head.type == NGHTTP2_DATA || head.type == NGHTTP2_HEADERS) &&
                      (head.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    const Http2Stream* const stream = ends ? stream_of(session, head.stream_id) : nullptr;
    if (stream != nullptr && !stream->whole) {
      // It was answered before its body was there: what is still sent of that is not wanted.
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, head.stream_id, NGHTTP2_NO_ERROR);
    }
    return 0;
  }

  static ssize_t read_body(nghttp2_session*, int32_t, uint8_t* to, size_t room, uint32_t* flags,
                           nghttp2_data_source* source, void* user) {
    Http2Stream& stream = *static_cast<Http2Stream*>(source->ptr);
    const size_t size = std::min(room, stream.out.size() - stream.out_at);
    if (size > 0) {
      std::memcpy(to, stream.out.data() + stream.out_at, size);
      stream.out_at += size;
      stream.progress_us = self(user).now_us_;
    }
    if (stream.out_at == stream.out.size()) {
      if (!stream.more_comes) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
      } else {
        if (stream.taken != nullptr) self(user).sink_.on_taken(stream);
        if (size == 0) {
          stream.deferred = true;
          return NGHTTP2_ERR_DEFERRED;
        }
      }
    }
    return static_cast<ssize_t>(size);
  }

  static nghttp2_session* make(Http2Session* user) {
    nghttp2_session_callbacks* calls = nullptr;
    nghttp2_option* options = nullptr;
    if (nghttp2_session_callbacks_new(&calls) != 0) return nullptr;
    if (nghttp2_option_new(&options) != 0) {
      nghttp2_session_callbacks_del(calls);
      return nullptr;
    }
    nghttp2_session_callbacks_set_on_begin_headers_callback(calls, &on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(calls, &on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, &on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, &on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, &on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(calls, &on_frame_send);
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_option_set_no_closed_streams(options, 1);
    nghttp2_option_set_max_outbound_ack(options, kOutboundAcks);
    nghttp2_option_set_max_settings(options, kSettings);
    nghttp2_session* session = nullptr;
    nghttp2_mem memory{nullptr, &take_block, &give_block, &take_zeroed, &resize_block};
    const int made = nghttp2_session_server_new3(&session, calls, user, options, &memory);
    nghttp2_option_del(options);
    nghttp2_session_callbacks_del(calls);
    return made == 0 ? session : nullptr;
  }
};

Http2Session::Http2Session(const ServerLimits& limits, Http2Sink& sink)
    : limits_(limits),
      sink_(sink),
      frames_(std::make_unique<Frames>()),
      resets_{.tokens = limits.http2_resets, .most = limits.http2_resets, .per_second = 33},
      noise_{.tokens = limits.http2_noise, .most = limits.http2_noise, .per_second = 100} {
  frames_->session = Callbacks::make(this);
  if (frames_->session == nullptr) return;  // receive() says so
  const std::array<nghttp2_settings_entry, 3> settings = {{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.http2_streams},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(limits.request_head_bytes)},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  }};
  nghttp2_submit_settings(frames_->session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(frames_->session, NGHTTP2_FLAG_NONE, 0,
                                        kConnectionWindowBytes);
}

Http2Session::~Http2Session() = default;

// What makes us work and asks for nothing.
static bool is_noise(unsigned type, unsigned flags, size_t size) {
  switch (type) {
    case NGHTTP2_DATA:
      return size == 0 && (flags & NGHTTP2_FLAG_END_STREAM) == 0;
    case NGHTTP2_HEADERS:
    case NGHTTP2_CONTINUATION:
    case NGHTTP2_WINDOW_UPDATE:
    case NGHTTP2_RST_STREAM:
      return false;
    default:  // SETTINGS, PING, PRIORITY, GOAWAY, and what nghttp2 passes over without a word
      return true;
  }
}

void Http2Session::Walk::pass(std::string_view bytes, int64_t now_us) {
  while (!bytes.empty()) {
    if (left > 0) {
      const size_t passed = std::min(left, bytes.size());
      left -= passed;
      bytes.remove_prefix(passed);
      continue;
    }
    head[head_size++] = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    if (head_size < head.size()) continue;
    head_size = 0;
    left = size_t{head[0]} << 16 | size_t{head[1]} << 8 | size_t{head[2]};
    of_data = head[3] == NGHTTP2_DATA;
    const bool fields = head[3] == NGHTTP2_HEADERS || head[3] == NGHTTP2_CONTINUATION;
    noise += is_noise(head[3], head[4], left) ? 1 : 0;
    in_block = fields && (head[4] & NGHTTP2_FLAG_END_HEADERS) == 0;
  }
  const bool partial = in_block || head_size > 0 || (left > 0 && !of_data);
  if (!partial) since_us = 0;
  if (partial && since_us == 0) since_us = now_us;
}

bool Http2Session::receive(std::string_view bytes, int64_t now_us) {
  now_us_ = now_us;
  if (frames_->session == nullptr) return false;
  walk_.pass(bytes, now_us);
  for (size_t noise = std::exchange(walk_.noise, 0); noise > 0; --noise) spend(noise_);
  const ssize_t taken = nghttp2_session_mem_recv(
      frames_->session, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (taken >= 0) return !terminated_;
  if (taken != NGHTTP2_ERR_BAD_CLIENT_MAGIC) {
    nghttp2_session_terminate_session(frames_->session, taken == NGHTTP2_ERR_FLOODED
                                                            ? NGHTTP2_ENHANCE_YOUR_CALM
                                                            : NGHTTP2_INTERNAL_ERROR);
  }
  terminated_ = true;
  return false;
}

void Http2Session::take_output(std::string& out, size_t enough, int64_t now_us) {
  now_us_ = now_us;
  if (frames_->session == nullptr) return;
  while (out.size() < enough) {
    const uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(frames_->session, &data);
    if (size <= 0) return;
    out.append(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
  }
}

bool Http2Session::wants_output() const {
  return frames_->session != nullptr && nghttp2_session_want_write(frames_->session) != 0;
}

bool Http2Session::finished() const {
  return frames_->session == nullptr || (nghttp2_session_want_read(frames_->session) == 0 &&
                                         nghttp2_session_want_write(frames_->session) == 0);
}

void Http2Session::spend(Budget& budget) {
  if (terminated_ || budget.take(now_us_)) return;
  terminated_ = true;
  nghttp2_session_terminate_session(frames_->session, NGHTTP2_ENHANCE_YOUR_CALM);
}

// ------------------------------------------------------------------------------------- requests

// nullptr: the client has as many as it may have.
Http2Stream* Http2Session::open(int32_t id) {
  if (streams_.size() >= limits_.http2_streams || terminated_) return nullptr;
  if (spare_.empty()) {
    streams_.push_back(std::make_unique<Http2Stream>());
  } else {
    streams_.push_back(std::move(spare_.back()));
    spare_.pop_back();
  }
  Http2Stream& stream = *streams_.back();
  stream.id = id;
  stream.at = streams_.size() - 1;
  stream.began_us = now_us_;
  return &stream;
}

void Http2Session::add_field(Http2Stream& stream, std::string_view name, std::string_view value) {
  stream.head_bytes += name.size() + value.size() + kFieldBytes;
  if (stream.head_bytes > limits_.request_head_bytes) {
    if (stream.head_bytes > kBombFactor * limits_.request_head_bytes && !terminated_) {
      terminated_ = true;
      nghttp2_session_terminate_session(frames_->session, NGHTTP2_ENHANCE_YOUR_CALM);
    }
    if (!stream.refusal) {
      stream.refusal =
          make_error(Code::kHeadersTooLarge, "the headers are larger than this server takes");
    }
    return;
  }
  if (stream.fields.size() >= limits_.request_headers) {
    if (!stream.refusal) {
      stream.refusal =
          make_error(Code::kHeadersTooLarge, "there are more headers than this server takes");
    }
    return;
  }
  if (stream.whole || stream.body_began_us != 0) return;  // a trailer: checked and dropped
  // A browser may send a cookie a field, for the compression's sake (RFC 9113, section 8.2.3).
  if (name == "cookie") {
    if (!stream.cookie.empty()) stream.cookie += "; ";
    stream.cookie += value;
    return;
  }
  stream.fields.push_back({stream.text.size(), name.size(), value.size()});
  stream.text += name;
  stream.text += value;
}

// The views, when nothing moves any more.
void Http2Session::resolve(Http2Stream& stream) const {
  Request& request = stream.request;
  request.headers.clear();
  std::string_view authority;
  bool has_host = false;
  for (const Http2Stream::Field& field : stream.fields) {
    const std::string_view name(stream.text.data() + field.name_at, field.name_size);
    const std::string_view value(name.data() + name.size(), field.value_size);
    if (!name.starts_with(':')) {
      has_host |= name == "host";
      request.headers.push_back({name, value});
    } else if (name == ":method") {
      request.method_text = value;
      request.method = parse_method(value).value_or(Method::kOther);
    } else if (name == ":path") {
      request.target = value;
      const size_t question = value.find('?');
      request.path = value.substr(0, question);
      request.query =
          question == std::string_view::npos ? std::string_view() : value.substr(question + 1);
    } else if (name == ":authority") {
      authority = value;
    }
  }
  if (!has_host && !authority.empty()) request.headers.push_back({"host", authority});
  if (!stream.cookie.empty()) request.headers.push_back({"cookie", stream.cookie});
  stream.body.reserve(stream.body.size() + kPaddingBytes);
  request.body = stream.body;
}

// What nghttp2 leaves to us; it has refused what no message may hold.
Result<> Http2Session::check(Http2Stream& stream) const {
  const Request& request = stream.request;
  if (!is_valid_method(request.method_text)) {
    return fail(Code::kMalformedRequest, "the method is not a name");
  }
  const bool asterisk = request.target == "*" && request.method == Method::kOptions;
  if (!is_valid_target(request.target) || (!request.target.starts_with('/') && !asterisk)) {
    return fail(Code::kMalformedRequest,
                "the path must begin with a slash and be percent-encoded where it is not plain");
  }
  if (request.target.size() + request.method_text.size() > limits_.request_line_bytes) {
    return fail(Code::kUriTooLong, "the request target is longer than this server takes");
  }
  const auto host = request.header("host");
  if (!host || request.count("host") != 1 || !is_valid_host(*host)) {
    return fail(Code::kMalformedRequest, "a request names its host, once");
  }
  for (const Http2Stream::Field& field : stream.fields) {
    const std::string_view name(stream.text.data() + field.name_at, field.name_size);
    const std::string_view value(name.data() + name.size(), field.value_size);
    if (name == ":authority" && value != *host) {
      return fail(Code::kMalformedRequest, "Host is another than :authority");
    }
  }
  if (const auto expectation = request.header("expect")) {
    if (!iequals(*expectation, "100-continue")) {
      return fail(Code::kExpectationFailed, "the only expectation is 100-continue");
    }
    stream.expects_continue = true;
  }
  if (const auto length = request.header("content-length")) {
    size_t bytes = 0;
    const auto [end, fault] =
        std::from_chars(length->data(), length->data() + length->size(), bytes);
    if (fault != std::errc{} || bytes > limits_.body_bytes) {
      return fail(Code::kPayloadTooLarge, "the body is larger than this server takes");
    }
  }
  return {};
}

void Http2Session::refuse(Http2Stream& stream, Error error) {
  stream.refusal = std::move(error);
  stream.body = std::string();
  sink_.on_request(stream);
}

void Http2Session::end_of_head(Http2Stream& stream, bool ends) {
  stream.whole = ends;
  stream.body_began_us = now_us_;
  if (stream.refusal) return sink_.on_request(stream);
  resolve(stream);
  if (Result<> fine = check(stream); !fine) return refuse(stream, std::move(fine).error());
  if (ends) return sink_.on_request(stream);
  if (stream.expects_continue) {
    static constexpr std::string_view kName = ":status", kValue = "100";
    auto* const name = reinterpret_cast<uint8_t*>(const_cast<char*>(kName.data()));
    auto* const value = reinterpret_cast<uint8_t*>(const_cast<char*>(kValue.data()));
    const nghttp2_nv status{name, value, kName.size(), kValue.size(), NGHTTP2_NV_FLAG_NONE};
    nghttp2_submit_headers(frames_->session, NGHTTP2_FLAG_NONE, stream.id, nullptr, &status, 1,
                           nullptr);
  }
}

void Http2Session::add_body(Http2Stream& stream, std::string_view part) {
  if (stream.refusal) return;  // the window is not opened again: little more comes
  if (part.size() > limits_.body_bytes - stream.body.size()) {
    return refuse(stream,
                  make_error(Code::kPayloadTooLarge, "the body is larger than this server takes"));
  }
  stream.body += part;
  if (!stream.large_body && stream.body.size() > kSmallBodyBytes) return ask_for_room(stream);
  nghttp2_session_consume_stream(frames_->session, stream.id, stream.unconsumed);
  stream.unconsumed = 0;
}

// A body beyond the first window is let in only while few others are.
void Http2Session::ask_for_room(Http2Stream& stream) {
  if (stream.waits_for_room) return;
  stream.waits_for_room = true;
  waiting_.push_back(&stream);
  give_room();
}

void Http2Session::give_room() {
  while (large_bodies_ < kLargeBodies && !waiting_.empty()) {
    Http2Stream& stream = *waiting_.front();
    waiting_.pop_front();
    ++large_bodies_;
    stream.waits_for_room = false;
    stream.large_body = true;
    stream.body_began_us = now_us_;
    nghttp2_session_set_local_window_size(frames_->session, NGHTTP2_FLAG_NONE, stream.id,
                                          kLargeWindowBytes);
    nghttp2_session_consume_stream(frames_->session, stream.id, stream.unconsumed);
    stream.unconsumed = 0;
  }
}

// -------------------------------------------------------------------------------------- answers

void Http2Session::answer(Http2Stream& stream, const Response& response, std::string_view date,
                          std::string_view hsts) {
  CHECK(!stream.closed && !stream.answered);
  stream.answered = true;
  stream.progress_us = now_us_;
  // Names in lower case, one behind the other; nghttp2 copies what it is given.
  thread_local std::string names;
  thread_local std::vector<nghttp2_nv> fields;
  names.clear();
  fields.clear();
  size_t name_bytes = 0;
  for (const auto& [name, value] : response.headers) name_bytes += name.size();
  names.reserve(name_bytes);
  const auto add = [](std::string_view name, std::string_view value,
                      uint8_t flags = NGHTTP2_NV_FLAG_NONE) {
    fields.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                      reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(),
                      value.size(), flags});
  };
  const std::string status = std::to_string(response.status);
  add(":status", status);
  add("date", date);
  if (!response.content_type.empty()) add("content-type", response.content_type);
  for (const auto& [name, value] : response.headers) {
    const size_t at = names.size();
    for (const char c : name) names += ascii_lower(c);
    const std::string_view lower(names.data() + at, name.size());
    // Never the same twice: not worth a place in the table.
    add(lower, value, lower == "x-request-id" ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE);
  }
  if (!hsts.empty()) add("strict-transport-security", hsts);
  const bool has_no_body = status_has_no_body(response.status);
  std::string length;
  if (!has_no_body && (!response.stream || response.stream_bytes)) {
    length = std::to_string(response.stream ? *response.stream_bytes : stream.out.size());
    add("content-length", length);
  }
  nghttp2_data_provider body{.source = {.ptr = &stream}, .read_callback = &Callbacks::read_body};
  const bool sends_body = !has_no_body && stream.request.method != Method::kHead &&
                          (stream.more_comes || !stream.out.empty());
  nghttp2_submit_response(frames_->session, stream.id, fields.data(), fields.size(),
                          sends_body ? &body : nullptr);
}

void Http2Session::more(Http2Stream& stream) {
  if (std::exchange(stream.deferred, false)) {
    nghttp2_session_resume_data(frames_->session, stream.id);
  }
}

void Http2Session::reset_cancel(Http2Stream& stream) {
  nghttp2_submit_rst_stream(frames_->session, NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_CANCEL);
}
void Http2Session::reset_broken(Http2Stream& stream) {
  nghttp2_submit_rst_stream(frames_->session, NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_INTERNAL_ERROR);
}

void Http2Session::close(Http2Stream& stream) {
  stream.closed = true;
  if (stream.large_body) --large_bodies_;
  if (stream.waits_for_room) std::erase(waiting_, &stream);
  stream.large_body = stream.waits_for_room = false;
  give_room();
  sink_.on_closed(stream);
  if (!stream.in_use) drop(stream);
}

void Http2Session::release(Http2Stream& stream) {
  stream.in_use = false;
  if (stream.large_body) {
    --large_bodies_;
    stream.large_body = false;
    give_room();
  }
  stream.body.clear();
  if (stream.body.capacity() > kKeptBytes) stream.body = std::string();
  if (stream.closed) drop(stream);
}

void Http2Session::drop(Http2Stream& stream) {
  std::swap(streams_[stream.at], streams_.back());
  streams_[stream.at]->at = stream.at;
  const std::unique_ptr<Http2Stream> gone = std::move(streams_.back());
  streams_.pop_back();
  if (spare_.size() >= kSpareStreams) return;
  // Its buffers serve the next; all else is as new.
  auto next = std::make_unique<Http2Stream>();
  const auto keep = [](std::string& from, std::string& to) {
    from.clear();
    if (from.capacity() <= kKeptBytes) to = std::move(from);
  };
  keep(gone->text, next->text);
  keep(gone->body, next->body);
  next->fields = std::move(gone->fields);
  next->fields.clear();
  next->request.headers = std::move(gone->request.headers);
  next->request.headers.clear();
  if (gone->cancel && gone->cancel.use_count() == 1 &&
      !gone->cancel->cancelled.load(std::memory_order_relaxed)) {
    next->cancel = std::move(gone->cancel);
  }
  spare_.push_back(std::move(next));
}

// ------------------------------------------------------------------------------------- the end

void Http2Session::shut_down_soon() {
  if (frames_->session != nullptr) nghttp2_submit_shutdown_notice(frames_->session);
}

void Http2Session::shut_down() {
  if (frames_->session == nullptr) return;
  nghttp2_submit_goaway(frames_->session, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(frames_->session), NGHTTP2_NO_ERROR,
                        nullptr, 0);
}

void Http2Session::terminate() {
  if (frames_->session == nullptr || std::exchange(terminated_, true)) return;
  nghttp2_session_terminate_session(frames_->session, NGHTTP2_NO_ERROR);
}

}  // namespace mettle::net

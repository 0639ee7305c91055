#include "net/http2_conn.h"

#include <set>
#include <thread>

#include "net/server_fixture.h"

namespace mettle::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint8_t kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kPing = 6, kGoAway = 7,
                  kWindow = 8;
constexpr uint8_t kEndStream = 1, kEndHeaders = 4;
constexpr uint32_t kNoError = 0, kProtocolError = 1, kRefusedStream = 7, kCancel = 8, kCalm = 11;
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string number(uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
  return out;
}
uint32_t number_of(std::string_view bytes) {
  uint32_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}
std::string frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload = "") {
  std::string out = number(static_cast<uint32_t>(payload.size())).substr(1);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  return out + number(stream) + std::string(payload);
}
// A literal field without index and without Huffman's code; HPACK's integers of a 7-bit prefix.
std::string field(std::string_view name, std::string_view value) {
  std::string out(1, '\0');
  for (const std::string_view part : {name, value}) {
    size_t size = part.size();
    if (size < 127) {
      out += static_cast<char>(size);
    } else {
      out += '\x7f';
      for (size -= 127; size >= 128; size /= 128) out += static_cast<char>(size % 128 + 128);
      out += static_cast<char>(size);
    }
    out += part;
  }
  return out;
}
std::string head(std::string_view method, std::string_view path, const std::string& more = "") {
  return field(":method", method) + field(":scheme", "http") + field(":authority", "a") +
         field(":path", path) + more;
}
std::string get(uint32_t stream, std::string_view path, const std::string& more = "") {
  return frame(kHeaders, kEndStream | kEndHeaders, stream, head("GET", path, more));
}
std::string post(uint32_t stream, std::string_view path, const std::string& more = "") {
  return frame(kHeaders, kEndHeaders, stream, head("POST", path, more));
}

struct Frame {
  uint8_t type = 255, flags = 0;  // 255: the connection has ended
  uint32_t stream = 0;
  std::string payload;
};

class Http2ConnectionTest : public ServerTest {
 protected:
  void begin(const std::string& settings = "") {
    start();
    client_.connect(port());
    client_.send(std::string(kPreface) + frame(kSettings, 0, 0, settings));
  }
  Frame next() {
    const std::string start = client_.take(9);
    if (start.size() < 9) return {};
    Frame out;
    out.type = static_cast<uint8_t>(start[3]);
    out.flags = static_cast<uint8_t>(start[4]);
    out.stream = number_of(start.substr(5));
    out.payload = client_.take(number_of(start.substr(0, 3)));
    return out;
  }
  // The next frame of that type (and stream), past all others.
  Frame next(uint8_t type, uint32_t stream = UINT32_MAX) {
    for (;;) {
      Frame out = next();
      if (out.type == 255) return out;
      if (out.type == type && (stream == UINT32_MAX || out.stream == stream)) return out;
    }
  }
  // The whole body of the answer on that stream.
  std::string body(uint32_t stream) {
    std::string out;
    for (;;) {
      const Frame part = next(kData, stream);
      if (part.type != kData) return out + " (cut off)";
      out += part.payload;
      if ((part.flags & kEndStream) != 0) return out;
    }
  }
  // What ends the connection: the code of its last GOAWAY.
  uint32_t farewell() {
    uint32_t code = UINT32_MAX;
    for (Frame each = next(); each.type != 255; each = next()) {
      if (each.type == kGoAway) code = number_of(each.payload.substr(4, 4));
    }
    return code;
  }
  Client client_;
};

TEST_F(Http2ConnectionTest, AnswersByPriorKnowledge) {
  begin();
  client_.send(get(1, "/peer") + get(3, "/"));
  EXPECT_EQ(body(1), "127.0.0.1 true");
  EXPECT_EQ(body(3), "ok");
}

TEST_F(Http2ConnectionTest, AnswersAPrefaceThatComesByteByByte) {
  start();
  client_.connect(port());
  for (const char c : std::string(kPreface) + frame(kSettings, 0, 0) + get(1, "/")) {
    client_.send({&c, 1});
  }
  EXPECT_EQ(body(1), "ok");
}

TEST_F(Http2ConnectionTest, RunsRequestsBesideEachOther) {
  begin();
  client_.send(get(1, "/hold"));
  handler_.held.get_future().wait();
  client_.send(get(3, "/"));
  EXPECT_EQ(body(3), "ok");
}

TEST_F(Http2ConnectionTest, CancelsTheHandlerOfAStreamThatTheClientResets) {
  begin();
  client_.send(get(1, "/hold"));
  handler_.held.get_future().wait();
  client_.send(frame(kReset, 0, 1, number(kCancel)));
  EXPECT_EQ(handler_.ended.get_future().get(), Code::kCancelled);
  client_.send(get(3, "/"));
  EXPECT_EQ(body(3), "ok");
}

TEST_F(Http2ConnectionTest, CancelsWhatRunsWhenTheClientLeaves) {
  begin();
  client_.send(get(1, "/hold"));
  handler_.held.get_future().wait();
  client_.leave();
  EXPECT_EQ(handler_.ended.get_future().get(), Code::kCancelled);
}

TEST_F(Http2ConnectionTest, TakesABodyInParts) {
  begin();
  client_.send(post(1, "/echo") + frame(kData, 0, 1, "he") + frame(kData, 0, 1, "llo"));
  client_.send(frame(kData, kEndStream, 1));
  EXPECT_EQ(body(1), "POST hello");
}

TEST_F(Http2ConnectionTest, TakesABodyLargerThanTheWindow) {
  begin();
  client_.send(post(1, "/echo"));
  // The credit of stream and connection, as the server gives it.
  int64_t of_stream = 65535, of_connection = 65535;
  for (int sent = 0; sent < 20; ++sent) {
    while (of_stream < 16384 || of_connection < 16384) {
      const Frame credit = next(kWindow);
      ASSERT_EQ(credit.type, kWindow);
      (credit.stream == 0 ? of_connection : of_stream) += number_of(credit.payload);
    }
    client_.send(frame(kData, sent == 19 ? kEndStream : 0, 1, std::string(16384, 'x')));
    of_stream -= 16384;
    of_connection -= 16384;
  }
  std::string answer;
  while (answer.size() < 60'000) answer += next(kData, 1).payload;
  EXPECT_TRUE(answer.starts_with("POST xxx"));
}

TEST_F(Http2ConnectionTest, RefusesABodyThatIsTooLargeAndGoesOn) {
  limits_.body_bytes = 1000;
  begin();
  client_.send(post(1, "/echo") + frame(kData, 0, 1, std::string(1001, 'x')));
  EXPECT_EQ(body(1), "payload_too_large");
  EXPECT_EQ(number_of(next(kReset, 1).payload), kNoError);
  client_.send(post(3, "/echo", field("content-length", "1001")));
  EXPECT_EQ(body(3), "payload_too_large");
  client_.send(get(5, "/"));
  EXPECT_EQ(body(5), "ok");
}

TEST_F(Http2ConnectionTest, RefusesAHeadThatIsTooLargeOrMalformed) {
  limits_.request_head_bytes = 4000;
  begin();
  client_.send(get(1, "/", field("x", std::string(4000, 'y'))));
  EXPECT_EQ(body(1), "headers_too_large");
  client_.send(get(3, "/", field("host", "b")));
  EXPECT_EQ(body(3), "malformed_request");
  client_.send(get(5, "no-slash") + get(7, "/a b"));
  EXPECT_EQ(number_of(next(kReset, 5).payload), kProtocolError);
  EXPECT_EQ(number_of(next(kReset, 7).payload), kProtocolError);
  client_.send(get(9, "/", field("expect", "wonders")));
  EXPECT_EQ(body(9), "expectation_failed");
  EXPECT_EQ(handler_.handled, 0);
}

TEST_F(Http2ConnectionTest, AsksForABodyThatWaitsToBeAskedFor) {
  begin();
  client_.send(post(1, "/echo", field("expect", "100-continue")));
  EXPECT_EQ(next(kHeaders, 1).flags & kEndStream, 0);
  client_.send(frame(kData, kEndStream, 1, "now"));
  EXPECT_EQ(body(1), "POST now");
}

TEST_F(Http2ConnectionTest, SendsStreamsAsTheyAreMade) {
  begin();
  client_.send(get(1, "/stream"));
  EXPECT_EQ(body(1), "one,two,three");
  client_.send(get(3, "/sized"));
  EXPECT_EQ(body(3), "one,two");
  client_.send(get(5, "/large"));
  client_.send(frame(kWindow, 0, 0, number(4'000'000)) + frame(kWindow, 0, 5, number(4'000'000)));
  EXPECT_EQ(body(5), std::string(3'000'000, 'L'));
}

TEST_F(Http2ConnectionTest, ResetsAStreamWhoseBodyEndsEarly) {
  begin();
  client_.send(get(1, "/broken") + get(3, "/short"));
  std::set<uint32_t> reset = {next(kReset).stream};
  reset.insert(next(kReset).stream);
  EXPECT_EQ(reset, (std::set<uint32_t>{1, 3}));
  client_.send(get(5, "/"));
  EXPECT_EQ(body(5), "ok");
}

TEST_F(Http2ConnectionTest, SendsNoBodyWhereThereIsNone) {
  begin();
  client_.send(frame(kHeaders, kEndStream | kEndHeaders, 1, head("HEAD", "/")) + get(3, "/empty"));
  EXPECT_NE(next(kHeaders, 1).flags & kEndStream, 0);
  EXPECT_NE(next(kHeaders, 3).flags & kEndStream, 0);
}

TEST_F(Http2ConnectionTest, RefusesMoreStreamsThanItTakes) {
  limits_.http2_streams = 2;
  begin();
  client_.send(get(1, "/hold"));
  handler_.held.get_future().wait();
  handler_.held = {};
  client_.send(post(3, "/echo") + get(5, "/"));  // not yet acknowledged: it may not know the bound
  EXPECT_EQ(number_of(next(kReset, 5).payload), kRefusedStream);
}

TEST_F(Http2ConnectionTest, CountsAStreamUntilItsHandlerHasEnded) {
  limits_.http2_streams = 1;
  begin();
  client_.send(get(1, "/stay"));
  handler_.held.get_future().wait();
  client_.send(frame(kSettings, 1, 0) + frame(kReset, 0, 1, number(kCancel)) + get(3, "/"));
  EXPECT_EQ(number_of(next(kReset, 3).payload), kRefusedStream);
  advance(seconds(11));
  settle();
  client_.send(get(5, "/"));
  EXPECT_EQ(body(5), "ok");
}

TEST_F(Http2ConnectionTest, EndsAConnectionThatOpensAndResetsOverAndOver) {
  limits_.http2_resets = 20;
  begin();
  std::string flood;
  for (uint32_t stream = 1; stream < 61; stream += 2) {
    flood += get(stream, "/hold") + frame(kReset, 0, stream, number(kCancel));
  }
  client_.send(flood);
  EXPECT_EQ(farewell(), kCalm);
  EXPECT_EQ(handler_.handled, 0);  // what is reset before its turn never runs
}

TEST_F(Http2ConnectionTest, EndsAConnectionThatMakesUsResetOverAndOver) {
  limits_.http2_resets = 20;
  begin();
  std::string flood;
  for (uint32_t stream = 1; stream < 61; stream += 2) {
    flood += post(stream, "/echo") + frame(kWindow, 0, stream, number(0x7fffffff));
  }
  client_.send(flood);
  EXPECT_EQ(farewell(), kCalm);
}

TEST_F(Http2ConnectionTest, EndsAConnectionThatIsNoise) {
  limits_.http2_noise = 50;
  begin();
  std::string flood;
  for (int i = 0; i < 60; ++i) flood += frame(kPing, 0, 0, "12345678");
  client_.send(flood);
  EXPECT_EQ(farewell(), kCalm);
}

TEST_F(Http2ConnectionTest, EndsAConnectionWithAHeaderBomb) {
  begin();
  // A long field enters the table once, and is then named by one byte a time.
  std::string bomb(1, '\x40');
  bomb += field("x", std::string(4000, 'y')).substr(1);
  bomb += std::string(5000, '\xbe');
  client_.send(frame(kHeaders, kEndStream | kEndHeaders, 1, head("GET", "/", bomb)));
  EXPECT_EQ(farewell(), kCalm);
}

TEST_F(Http2ConnectionTest, EndsAHeadThatNeverEnds) {
  begin();
  client_.send(frame(kHeaders, kEndStream, 1, head("GET", "/")));
  EXPECT_EQ(next(kSettings, 0).type, kSettings);
  settle();
  advance(seconds(11));
  EXPECT_EQ(farewell(), kNoError);
}

TEST_F(Http2ConnectionTest, EndsAFloodOfContinuations) {
  begin();
  std::string flood = frame(kHeaders, kEndStream, 1, head("GET", "/"));
  for (int i = 0; i < 100; ++i) flood += frame(9, 0, 1, field("x", "y"));
  client_.send(flood);
  EXPECT_NE(farewell(), kNoError);
}

TEST_F(Http2ConnectionTest, EndsAClientThatSaysNothingAfterItsPreface) {
  start();
  client_.connect(port());
  client_.send(kPreface);
  EXPECT_EQ(next(kSettings, 0).type, kSettings);
  settle();
  advance(seconds(11));
  EXPECT_EQ(farewell(), kNoError);
}

TEST_F(Http2ConnectionTest, WaitsForAHeadThatComesInTwoParts) {
  start();
  advance(seconds(40));  // a body that began at no time would be late
  client_.connect(port());
  const std::string head = get(1, "/");
  client_.send(std::string(kPreface) + frame(kSettings, 0, 0) + head.substr(0, 30));
  EXPECT_EQ(next(kSettings, 0).type, kSettings);
  settle();
  advance(seconds(1));
  client_.send(head.substr(30));
  EXPECT_EQ(body(1), "ok");
}

TEST_F(Http2ConnectionTest, RefusesABodyThatIsTooSlow) {
  begin();
  client_.send(post(1, "/echo") + frame(kData, 0, 1, "a") + get(3, "/"));
  EXPECT_EQ(body(3), "ok");
  advance(seconds(31));
  EXPECT_EQ(body(1), "request_timeout");
}

TEST_F(Http2ConnectionTest, ResetsAStreamWhoseAnswerIsNotTaken) {
  std::string no_window = std::string("\0\4", 2) + number(0);
  begin(no_window);
  client_.send(get(1, "/"));
  EXPECT_EQ(next(kHeaders, 1).type, kHeaders);
  settle();
  advance(seconds(31));
  EXPECT_EQ(number_of(next(kReset, 1).payload), kCancel);
}

TEST_F(Http2ConnectionTest, EndsAConnectionThatIsIdle) {
  begin();
  client_.send(get(1, "/"));
  EXPECT_EQ(body(1), "ok");
  settle();
  advance(seconds(59));
  client_.send(get(3, "/"));
  EXPECT_EQ(body(3), "ok");
  settle();
  advance(seconds(61));
  EXPECT_EQ(farewell(), kNoError);
}

TEST_F(Http2ConnectionTest, HoldsAnAnswerThatIsToWait) {
  begin();
  client_.send(get(1, "/later") + get(3, "/"));
  EXPECT_EQ(body(3), "ok");
  settle();
  advance(milliseconds(400));
  EXPECT_EQ(body(1), "later");
}

TEST_F(Http2ConnectionTest, HidesWhatAHandlerDoesWrong) {
  begin();
  client_.send(get(1, "/inject"));
  EXPECT_EQ(body(1), "internal");
}

TEST_F(Http2ConnectionTest, LetsRequestsFinishWhenTheServerDrains) {
  begin();
  client_.send(get(1, "/later"));
  EXPECT_EQ(next(kSettings, 0).type, kSettings);
  settle();
  std::thread drain([this] { EXPECT_TRUE(server_->drain(seconds(20))); });
  EXPECT_EQ(next(kGoAway, 0).type, kGoAway);
  advance(milliseconds(600));
  EXPECT_EQ(body(1), "later");
  client_.leave();
  drain.join();
}

TEST_F(Http2ConnectionTest, CancelsWhatRunsWhenTheServerDoesNotWait) {
  begin();
  client_.send(get(1, "/hold"));
  handler_.held.get_future().wait();
  EXPECT_FALSE(server_->drain(milliseconds(1)));
  EXPECT_EQ(handler_.ended.get_future().get(), Code::kCancelled);
}

}  // namespace
}  // namespace mettle::net

#include "net/http1_parser.h"

#include <gtest/gtest.h>

#include <random>

namespace mettle::net {
namespace {

struct Outcome {
  Parsed parsed = Parsed::kMore;
  Code code = Code::kCount;
  std::string method, target, path, query;
  std::vector<std::pair<std::string, std::string>> headers;
  Framing framing = Framing::kNone;
  uint64_t content_length = 0;
  bool keep_alive = false;
  bool expects_continue = false;
  size_t size = 0;
  bool operator==(const Outcome&) const = default;
};

TEST(Token, IsOneOrMoreOfItsCharacters) {
  EXPECT_TRUE(is_token("X-Request-Id"));
  EXPECT_FALSE(is_token(""));
  EXPECT_FALSE(is_token("a b"));
  EXPECT_FALSE(is_token("a\x7f"));
}

// Gives the parser the bytes up to each of `ends` in turn, from a copy of exactly that size, so
// that the address sanitizer sees a look beyond them.
Outcome parse_in_steps(std::string_view bytes, const std::vector<size_t>& ends,
                       const ServerLimits& limits = {}) {
  Http1HeadParser parser(limits);
  Outcome outcome;
  for (const size_t end : ends) {
    const std::vector<char> copy(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(end));
    Request request;
    Http1Head head;
    outcome.parsed = parser.parse({copy.data(), copy.size()}, request, head);
    if (outcome.parsed == Parsed::kRefused) {
      outcome.code = parser.error().code;
      return outcome;
    }
    if (outcome.parsed != Parsed::kDone) continue;
    outcome.method = request.method_text;
    outcome.target = request.target;
    outcome.path = request.path;
    outcome.query = request.query;
    for (const auto& [name, value] : request.headers) outcome.headers.emplace_back(name, value);
    outcome.framing = head.framing;
    outcome.content_length = head.content_length;
    outcome.keep_alive = head.keep_alive;
    outcome.expects_continue = head.expects_continue;
    outcome.size = parser.size();
    return outcome;
  }
  return outcome;
}

Outcome parse(std::string_view bytes, const ServerLimits& limits = {}) {
  const Outcome whole = parse_in_steps(bytes, {bytes.size()}, limits);
  std::vector<size_t> each(bytes.size());
  for (size_t i = 0; i < each.size(); ++i) each[i] = i + 1;
  EXPECT_EQ(whole, parse_in_steps(bytes, each, limits)) << "split at every byte: " << bytes;
  std::mt19937 random(static_cast<unsigned>(bytes.size()));
  for (int round = 0; round < 4; ++round) {
    std::vector<size_t> some;
    for (size_t at = 0; at < bytes.size();) {
      at = std::min(bytes.size(), at + 1 + random() % 20);
      some.push_back(at);
    }
    EXPECT_EQ(whole, parse_in_steps(bytes, some, limits)) << "split at random: " << bytes;
  }
  return whole;
}

std::string get_with(std::string_view lines) {
  return fmt::format("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", lines);
}

TEST(Http1HeadParser, ReadsARequest) {
  const auto got = parse(
      "POST /api/v1/orders?limit=2 HTTP/1.1\r\nHost: example.org:8080\r\nContent-Length: 5\r\n"
      "X-Empty:\r\nX-Tail: a b \t\r\n\r\nhello");
  ASSERT_EQ(got.parsed, Parsed::kDone);
  EXPECT_EQ(got.method, "POST");
  EXPECT_EQ(got.path, "/api/v1/orders");
  EXPECT_EQ(got.query, "limit=2");
  EXPECT_EQ(got.framing, Framing::kLength);
  EXPECT_EQ(got.content_length, 5u);
  EXPECT_TRUE(got.keep_alive);
  ASSERT_EQ(got.headers.size(), 4u);
  EXPECT_EQ(got.headers[2], (std::pair<std::string, std::string>("X-Empty", "")));
  EXPECT_EQ(got.headers[3], (std::pair<std::string, std::string>("X-Tail", "a b")));
}

TEST(Http1HeadParser, LeavesWhatFollowsTheHead) {
  const std::string head = get_with("");
  EXPECT_EQ(parse(head + "GET").size, head.size());
}

TEST(Http1HeadParser, ReadsEachFormOfTarget) {
  EXPECT_EQ(parse("GET http://a/x?y HTTP/1.1\r\nHost: A\r\n\r\n").path, "/x");
  EXPECT_EQ(parse("GET https://a:1?y HTTP/1.1\r\nHost: a:1\r\n\r\n").path, "/");
  EXPECT_EQ(parse("GET https://a?y HTTP/1.1\r\nHost: a\r\n\r\n").query, "y");
  EXPECT_EQ(parse("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").path, "*");
  EXPECT_EQ(parse("GET /a//b/?x=1?2 HTTP/1.1\r\nHost: a\r\n\r\n").query, "x=1?2");
}

TEST(Http1HeadParser, TakesEachFormOfHost) {
  for (const char* host : {"a", "a:", "a:80", "[::1]", "[::1]:65535", "[::FFFF:127.0.0.1]"}) {
    EXPECT_EQ(parse(fmt::format("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", host)).parsed, Parsed::kDone)
        << host;
  }
  EXPECT_EQ(parse("GET http://a/x HTTP/1.0\r\n\r\n").path, "/x");  // 1.0 needs no Host
}

// Each of these names is as long as one that says where the message ends.
TEST(Http1HeadParser, TakesHeadersOfOtherNamesAsTheyAre) {
  const auto got = parse(
      get_with("Post: 1\r\nExpecs: 1\r\nExpecc: 1\r\nConnections: close\r\nConnectioN0: close\r\n"
               "Connectiox:\tclose\t\r\nContent-Lengtx: 7\r\nTransfer-Encodinx: chunked\r\n"));
  ASSERT_EQ(got.parsed, Parsed::kDone);
  EXPECT_EQ(got.framing, Framing::kNone);
  EXPECT_TRUE(got.keep_alive);
  EXPECT_FALSE(got.expects_continue);
  EXPECT_EQ(got.headers[6], (std::pair<std::string, std::string>("Connectiox", "close")));
}

TEST(Http1HeadParser, HasNoEmptyToken) {
  EXPECT_FALSE(is_token(""));
  EXPECT_TRUE(is_token("GET"));
}

TEST(Http1HeadParser, KeepsAliveAsEachVersionSays) {
  EXPECT_TRUE(parse(get_with("")).keep_alive);
  EXPECT_FALSE(parse(get_with("Connection: close\r\n")).keep_alive);
  EXPECT_FALSE(parse(get_with("Connection: keep-alive, Close\r\n")).keep_alive);
  EXPECT_FALSE(parse(get_with("Connection: x\r\nconnection: close\r\n")).keep_alive);
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
  EXPECT_TRUE(parse("GET / HTTP/1.7\r\nHost: a\r\n\r\n").keep_alive);
}

TEST(Http1HeadParser, SkipsOneEmptyLineBeforeARequest) {
  EXPECT_EQ(parse("\r\n" + get_with("")).parsed, Parsed::kDone);
  EXPECT_EQ(parse("\r\n\r\n" + get_with("")).code, Code::kMalformedRequest);
}

TEST(Http1HeadParser, KnowsItsTransferCoding) {
  EXPECT_EQ(parse(get_with("Transfer-Encoding: Chunked\r\n")).framing, Framing::kChunked);
  EXPECT_EQ(parse(get_with("Transfer-Encoding: gzip, chunked\r\n")).code, Code::kNotImplemented);
  EXPECT_EQ(parse(get_with("Transfer-Encoding: identity\r\n")).code, Code::kNotImplemented);
  EXPECT_EQ(parse(get_with("Transfer-Encoding: xchunked\r\n")).code, Code::kNotImplemented);
}

TEST(Http1HeadParser, MeetsOneExpectation) {
  EXPECT_TRUE(parse(get_with("Expect: 100-Continue\r\nContent-Length: 1\r\n")).expects_continue);
  EXPECT_EQ(parse(get_with("Expect: 200-ok\r\n")).code, Code::kExpectationFailed);
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").expects_continue);
  EXPECT_EQ(parse("GET / HTTP/1.0\r\nExpect: 200-ok\r\n\r\n").parsed, Parsed::kDone);
}

// What two readers could read differently: headers behind a good request line, and whole heads.
std::vector<std::string> malformed_headers() {
  using namespace std::string_literals;
  return {
      get_with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
      get_with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
      get_with("Content-Length: 5\r\nContent-Length: 5\r\n"),
      get_with("Content-Length: 5\r\nContent-Length: 6\r\n"),
      get_with("Content-Length: 5, 5\r\n"),
      get_with("Content-Length: +5\r\n"),
      get_with("Content-Length: -1\r\n"),
      get_with("Content-Length: 0x5\r\n"),
      get_with("Content-Length: 5 5\r\n"),
      get_with("Content-Length: 5a\r\n"),
      get_with("Content-Length:\r\n"),
      get_with("Transfer-Encoding:\r\n"),
      get_with("Transfer-Encoding: chunked, chunked\r\n"),
      get_with("Transfer-Encoding: chunked,\r\n"),
      get_with("Transfer-Encoding: ,chunked\r\n"),
      get_with("Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n"),
      get_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
      get_with("Transfer-Encoding: chunked;q=1\r\n"),
      get_with("Transfer-Encoding: \"chunked\"\r\n"),
      get_with("Transfer-Encoding : chunked\r\n"),
      get_with("Content-Length : 5\r\n"),
      get_with("X: a\n"),
      get_with("X: a\r\n b\r\n"),
      get_with(" X: a\r\n"),
      get_with("\tX: a\r\n"),
      get_with("X: a\rb\r\n"),
      get_with("X: a\r\r\n"),
      get_with("X: a\0b\r\n"s),
      get_with("X: a\x01\r\n"),
      get_with("X: a\x7f\r\n"),
      get_with("X\0: a\r\n"s),
      get_with("X(: a\r\n"),
      get_with("X\xc3: a\r\n"),
      get_with(": a\r\n"),
      get_with("X\r\n"),
      get_with("Host: a\r\n"),
      get_with("Host: b\r\n"),
  };
}

std::vector<std::string> malformed_heads() {
  using namespace std::string_literals;
  return {
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost:\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a,b\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: user@a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a:x\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: []\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: [::g]\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: [::1]80\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a:123456\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: :80\r\n\r\n",
      "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET a/b HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
      "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"s,
      "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1\nHost: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\n\n",
      "GET / HTTP/1.1\r\nHost: a\n\n",
      "GET / HTTP/1.1\r\rHost: a\r\n\r\n",
      "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
      " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /\r\n\r\n",
      "GET\r\n\r\n",
      "GET  HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET / http/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.10\r\nHost: a\r\n\r\n",
      "GET / HTTP/1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1,1\r\nHost: a\r\n\r\n",
      "GET / HTTP/x.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.x\r\nHost: a\r\n\r\n",
      "G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
      "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n",
      "\x16\x03\x01\x02",
      std::string(40, 'M') + " / HTTP/1.1\r\nHost: a\r\n\r\n",
  };
}

void expect_malformed(const std::vector<std::string>& all) {
  for (const std::string& bytes : all) {
    const Outcome got = parse(bytes);
    EXPECT_EQ(got.parsed, Parsed::kRefused) << bytes;
    EXPECT_EQ(got.code, Code::kMalformedRequest) << bytes;
  }
}

TEST(Http1HeadParser, RefusesWhatSmugglingIsMadeOf) {
  expect_malformed(malformed_headers());
  expect_malformed(malformed_heads());
}

TEST(Http1HeadParser, RefusesOtherVersions) {
  for (const char* version : {"HTTP/2.0", "HTTP/0.9", "HTTP/3.0"}) {
    EXPECT_EQ(parse(fmt::format("GET / {}\r\nHost: a\r\n\r\n", version)).code,
              Code::kVersionNotSupported);
  }
  EXPECT_EQ(parse("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").code, Code::kVersionNotSupported);
}

TEST(Http1HeadParser, HoldsEachLimitToTheByte) {
  ServerLimits limits;
  limits.request_line_bytes = 30;
  limits.request_head_bytes = 100;
  limits.request_headers = 3;
  limits.body_bytes = 10;
  const auto line = [](size_t size) {
    return "GET /" + std::string(size - 14, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  };
  EXPECT_EQ(parse(line(30), limits).parsed, Parsed::kDone);
  EXPECT_EQ(parse(line(31), limits).code, Code::kUriTooLong);
  EXPECT_EQ(parse(std::string(500, 'G'), limits).code, Code::kUriTooLong);
  const std::string small = get_with("");
  const auto head = [&](size_t size) {
    return get_with("X: " + std::string(size - small.size() - 5, 'x') + "\r\n");
  };
  EXPECT_EQ(parse(head(101), limits).parsed, Parsed::kDone);
  EXPECT_EQ(parse(head(102), limits).code, Code::kHeadersTooLarge);
  EXPECT_EQ(parse(get_with("A: b\r\nC: d\r\n"), limits).parsed, Parsed::kDone);
  EXPECT_EQ(parse(get_with("A: b\r\nC: d\r\nE: f\r\n"), limits).code, Code::kHeadersTooLarge);
  EXPECT_EQ(parse(get_with("Content-Length: 10\r\n"), limits).parsed, Parsed::kDone);
  EXPECT_EQ(parse(get_with("Content-Length: 11\r\n"), limits).code, Code::kPayloadTooLarge);
  EXPECT_EQ(parse(get_with("Content-Length: 99999999999999999999999999\r\n"), limits).code,
            Code::kPayloadTooLarge);
}

// ---------------------------------------------------------------------------------------- chunked

struct Decoded {
  Parsed parsed = Parsed::kMore;
  Code code = Code::kCount;
  std::string body;
  size_t used = 0;
  bool operator==(const Decoded&) const = default;
};

Decoded decode_in_steps(std::string_view bytes, size_t step, const ServerLimits& limits) {
  ChunkedDecoder decoder(limits);
  Decoded out;
  for (size_t at = 0; at < bytes.size() && out.parsed == Parsed::kMore;) {
    const std::string_view part = bytes.substr(at, step);
    const std::vector<char> copy(part.begin(), part.end());
    size_t used = 0;
    out.parsed = decoder.feed({copy.data(), copy.size()}, used, out.body);
    at += used;
    out.used = at;
  }
  if (out.parsed == Parsed::kRefused) {
    out.code = decoder.error().code;
    out.used = 0;
    out.body.clear();
  }
  return out;
}

Decoded decode(std::string_view bytes, const ServerLimits& limits = {}) {
  const Decoded whole = decode_in_steps(bytes, bytes.size(), limits);
  for (size_t step = 1; step < 20; ++step) {
    EXPECT_EQ(whole, decode_in_steps(bytes, step, limits)) << bytes << " in steps of " << step;
  }
  return whole;
}

TEST(ChunkedDecoder, PutsABodyTogether) {
  const auto got = decode("5\r\nhello\r\nA;x=\"y\"\r\n, 9 bytes.\r\n0\r\nX-Sum: 1\r\n\r\nGET /");
  EXPECT_EQ(got.parsed, Parsed::kDone);
  EXPECT_EQ(got.body, "hello, 9 bytes.");
  EXPECT_EQ(got.used, 46u);
  EXPECT_EQ(decode("0\r\n\r\n").parsed, Parsed::kDone);
  EXPECT_EQ(decode("0000000000000005\r\nhello\r\n0\r\n\r\n").body, "hello");
}

TEST(ChunkedDecoder, RefusesWhatIsNoChunk) {
  using namespace std::string_literals;
  for (const std::string& bytes :
       std::vector<std::string>{"\r\n",
                                "g\r\n",
                                "-5\r\nhello\r\n",
                                "+5\r\nhello\r\n",
                                "0x5\r\nhello\r\n",
                                " 5\r\nhello\r\n",
                                "5 \r\nhello\r\n",
                                "5\nhello\r\n",
                                "5\rhello\r\n",
                                "5\r\rhello",
                                "5\r\nhello0\r\n\r\n",
                                "5\r\nhello\n0\r\n\r\n",
                                "5\r\nhello\r0\r\n\r\n",
                                "5\r\nhelloworld\r\n",
                                ";x\r\n",
                                "5;\n\r\nhello",
                                "5;\0\r\n"s,
                                "5;a\rb\r\nhello",
                                "00000000000000005\r\nhello\r\n",
                                "0\r\nX\r\n\r\n",
                                "0\r\n: a\r\n\r\n",
                                "0\r\nX : a\r\n\r\n",
                                "0\r\n X: a\r\n\r\n",
                                "0\r\nX: a\n\r\n",
                                "0\r\nX: \0\r\n\r\n"s,
                                "0\r\n\n",
                                "0\r\n\rX",
                                "5;" + std::string(5000, 'x') + "\r\n"}) {
    const auto got = decode(bytes);
    EXPECT_EQ(got.parsed, Parsed::kRefused) << bytes;
    EXPECT_EQ(got.code, Code::kMalformedRequest) << bytes;
  }
}

TEST(ChunkedDecoder, HoldsItsLimits) {
  ServerLimits limits;
  limits.body_bytes = 8;
  EXPECT_EQ(decode("4\r\nabcd\r\n4\r\nefgh\r\n0\r\n\r\n", limits).body, "abcdefgh");
  EXPECT_EQ(decode("4\r\nabcd\r\n5\r\nefghi\r\n0\r\n\r\n", limits).code, Code::kPayloadTooLarge);
  EXPECT_EQ(decode("ffffffffffffffff\r\n", limits).code, Code::kPayloadTooLarge);
  EXPECT_EQ(decode("0\r\nX: " + std::string(5000, 'x') + "\r\n\r\n").code, Code::kHeadersTooLarge);
}

}  // namespace
}  // namespace mettle::net

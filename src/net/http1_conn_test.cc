#include "net/http1_conn.h"

#include <sys/resource.h>

#include "net/server_fixture.h"

namespace mettle::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Http1ConnectionTest : public ServerTest {
 protected:
  std::string ask(std::string_view request) {
    Client client(port());
    client.send(request);
    client.end_sending();
    return client.read_to_end();
  }
  static std::string get(std::string_view path, std::string_view headers = "") {
    return fmt::format("GET {} HTTP/1.1\r\nHost: a\r\n{}\r\n", path, headers);
  }
};

TEST_F(Http1ConnectionTest, AnswersWithItsOwnHeaders) {
  start();
  Client client(port());
  client.send(get("/"));
  EXPECT_EQ(client.read_until("ok"),
            "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:01 GMT\r\nContent-Type: text/plain\r\n"
            "Content-Length: 2\r\n\r\nok");
  client.send(get("/peer", "Connection: close\r\n"));
  EXPECT_EQ(client.read_to_end(),
            "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:01 GMT\r\nContent-Type: text/plain\r\n"
            "Content-Length: 14\r\nConnection: close\r\n\r\n127.0.0.1 true");
}

TEST_F(Http1ConnectionTest, AnswersPipelinedRequestsInOrder) {
  start();
  Client client(port());
  std::string all;
  for (int i = 0; i < 500; ++i) {
    const std::string body = fmt::format("<{}>", i);
    all += fmt::format("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{}",
                       body.size(), body);
  }
  std::thread sender([&] { client.send(all); });
  for (int i = 0; i < 500; ++i) {
    const std::string answer = client.read_until(">");
    EXPECT_TRUE(answer.ends_with(fmt::format("POST <{}>", i))) << answer;
  }
  sender.join();
  EXPECT_EQ(handler_.handled, 500);
}

TEST_F(Http1ConnectionTest, TakesARequestByteByByte) {
  start();
  Client client(port());
  const std::string_view request =
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
  for (const char c : request) {
    client.send(std::string_view(&c, 1));
    settle();
  }
  EXPECT_TRUE(client.read_until("hello").ends_with("\r\n\r\nPOST hello"));
}

TEST_F(Http1ConnectionTest, TakesBodiesOfEverySizeAndWhatFollowsThem) {
  start();
  Client client(port());
  for (const size_t size : {0u, 1u, 3900u, 4000u, 4096u, 16'000u, 70'000u, 5'000'000u}) {
    const std::string body(size, 'b');
    client.send(fmt::format("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{}{}",
                            size, body, get("/")));
    const std::string answer = client.read_until("ok");
    EXPECT_NE(answer.find(fmt::format("\r\n\r\nPOST {}HTTP/1.1 200", body)), std::string::npos)
        << size;
  }
}

TEST_F(Http1ConnectionTest, TakesChunkedBodiesAndWhatFollowsThem) {
  start();
  Client client(port());
  for (const size_t size : {1u, 4000u, 16'384u, 100'000u}) {
    const std::string part(size, 'c');
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 3; ++i) client.send(fmt::format("{:x}\r\n{}\r\n", size, part));
    client.send("0\r\n\r\n" + get("/"));
    const std::string answer = client.read_until("ok");
    EXPECT_NE(answer.find(fmt::format("\r\n\r\nPOST {0}{0}{0}HTTP/1.1 200", part)),
              std::string::npos)
        << size;
  }
}

TEST_F(Http1ConnectionTest, AsksForABodyThatWaitsForIt) {
  start();
  Client client(port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hi");
  EXPECT_TRUE(client.read_until("POST hi").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(Http1ConnectionTest, RefusesABodyThatIsTooLargeBeforeItComes) {
  start();
  const auto answer = ask(
      "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9000000\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
  EXPECT_EQ(handler_.handled, 0);
}

TEST_F(Http1ConnectionTest, RefusesAndClosesButLetsTheAnswerArrive) {
  start();
  Client client(port());
  // The rest of the message is still under way when the answer is given.
  client.send("GET / HTTP/1.1\r\n\r\n" + std::string(100'000, 'x'));
  const std::string answer = client.read_to_end();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 Bad Request\r\n")) << answer;
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\nmalformed_request"));
  EXPECT_EQ(handler_.handled, 0);
}

TEST_F(Http1ConnectionTest, AnswersWhatCameBeforeAFault) {
  start();
  const std::string answer = ask(get("/") + "BAD\r\n\r\n" + get("/"));
  EXPECT_NE(answer.find("\r\n\r\nokHTTP/1.1 400 "), std::string::npos) << answer;
  EXPECT_EQ(handler_.handled, 1);
}

TEST_F(Http1ConnectionTest, RefusesABadChunk) {
  start();
  const auto answer =
      ask("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
  EXPECT_EQ(handler_.handled, 0);
}

TEST_F(Http1ConnectionTest, SendsNoBodyWhereNoneBelongs) {
  start();
  Client client(port());
  client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_NE(head.find("Content-Length: 2\r\n"), std::string::npos);
  client.send(get("/empty"));
  const std::string empty = client.read_until("\r\n\r\n");
  EXPECT_TRUE(empty.starts_with("HTTP/1.1 204 No Content\r\n")) << empty;
  EXPECT_EQ(empty.find("Content-Length"), std::string::npos);
  client.send("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(client.read_until("\r\n\r\n").find("Transfer-Encoding: chunked"), std::string::npos);
  client.send(get("/", "Connection: close\r\n"));
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(Http1ConnectionTest, StreamsInChunks) {
  start();
  Client client(port());
  client.send(get("/stream") + get("/"));
  const std::string answer = client.read_until("ok");
  EXPECT_NE(answer.find("Transfer-Encoding: chunked\r\n\r\n4\r\none,\r\n4\r\ntwo,\r\n5\r\nthree\r\n"
                        "0\r\n\r\nHTTP/1.1 200"),
            std::string::npos)
      << answer;
}

TEST_F(Http1ConnectionTest, StreamsWithALengthWhereItIsKnown) {
  start();
  Client client(port());
  client.send(get("/sized") + get("/"));
  const std::string answer = client.read_until("ok");
  EXPECT_NE(answer.find("Content-Length: 7\r\n\r\none,twoHTTP/1.1 200"), std::string::npos)
      << answer;
}

TEST_F(Http1ConnectionTest, BreaksTheConnectionWhereAStreamEndsEarly) {
  start();
  const std::string broken = ask(get("/broken"));
  EXPECT_NE(broken.find("4\r\none,\r\n"), std::string::npos) << broken;
  EXPECT_EQ(broken.find("0\r\n\r\n"), std::string::npos) << broken;
  EXPECT_TRUE(ask(get("/short") + get("/")).ends_with("Content-Length: 7\r\n\r\none"));
}

TEST_F(Http1ConnectionTest, SpeaksHttp10) {
  start();
  EXPECT_TRUE(ask("GET / HTTP/1.0\r\n\r\n").find("Connection: close\r\n\r\nok") !=
              std::string::npos);
  const std::string kept =
      ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n");
  EXPECT_NE(kept.find("Connection: keep-alive\r\n\r\nokHTTP/1.1 200"), std::string::npos) << kept;
  const std::string stream = ask("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(stream.ends_with("Connection: close\r\n\r\none,two,three")) << stream;
}

TEST_F(Http1ConnectionTest, SendsLargeBodiesToASlowReader) {
  start();
  Client client(port());
  client.send(get("/large") + get("/large", "Connection: close\r\n"));
  const std::string all = client.read_to_end();
  EXPECT_EQ(std::ranges::count(all, 'L'), 6'000'002);  // two of them in Content-Length
}

TEST_F(Http1ConnectionTest, HidesWhatAHandlerMustNotSend) {
  start();
  const std::string injected = ask(get("/inject", "Connection: close\r\n"));
  EXPECT_TRUE(injected.starts_with("HTTP/1.1 500 ")) << injected;
  EXPECT_EQ(injected.find("Set-Cookie"), std::string::npos);
  const std::string thrown = ask(get("/throw", "Connection: close\r\n"));
  EXPECT_TRUE(thrown.starts_with("HTTP/1.1 500 ")) << thrown;
}

TEST_F(Http1ConnectionTest, ClosesWhereTheHandlerSaysSo) {
  start();
  Client client(port());
  client.send(get("/close") + get("/"));
  EXPECT_TRUE(client.read_to_end().ends_with("Connection: close\r\n\r\nbye"));
}

TEST_F(Http1ConnectionTest, HoldsAnAnswerBackWhileOthersLeave) {
  start();
  Client client(port());
  client.send(get("/") + get("/later") + get("/later") + get("/close"));
  EXPECT_TRUE(client.read_until("ok").ends_with("ok"));
  while (handler_.handled < 4) settle();
  advance(milliseconds(299));
  settle();
  EXPECT_TRUE(client.has_nothing());
  Client other(port());
  other.send(get("/"));
  EXPECT_TRUE(other.read_until("ok").ends_with("ok"));
  advance(milliseconds(100));
  EXPECT_TRUE(client.read_until("later").ends_with("later"));
  EXPECT_TRUE(client.read_until("later").ends_with("later"));
  EXPECT_TRUE(client.read_to_end().ends_with("bye"));
}

TEST_F(Http1ConnectionTest, ReadsNothingOfAConnectionWhoseAnswerIsHeld) {
  start();
  Client client(port());
  client.send(get("/later"));
  while (handler_.handled < 1) settle();
  settle();
  client.send(get("/"));
  settle();
  EXPECT_EQ(handler_.handled, 1);
  advance(milliseconds(400));
  EXPECT_TRUE(client.read_until("later").ends_with("later"));
  EXPECT_TRUE(client.read_until("ok").ends_with("ok"));
}

TEST_F(Http1ConnectionTest, SendsWhatItHeldWhenItDrains) {
  start();
  Client client(port());
  client.send(get("/later"));
  while (handler_.handled < 1) settle();
  settle();
  EXPECT_TRUE(server_->drain(seconds(20)));
  EXPECT_TRUE(client.read_to_end().ends_with("later"));
}

TEST_F(Http1ConnectionTest, LetsGoOfWhatItHeldWhenItIsAborted) {
  start();
  Client client(port());
  client.send(get("/hold"));
  handler_.held.get_future().wait();
  Client held(port());
  held.send(get("/later"));
  while (handler_.handled < 2) settle();
  EXPECT_FALSE(server_->drain(milliseconds(0)));
  EXPECT_EQ(handler_.ended.get_future().get(), Code::kCancelled);
}

TEST_F(Http1ConnectionTest, CancelsTheHandlerWhenItsClientLeaves) {
  limits_.request_deadline_ms = 24 * 60 * 60 * 1000;  // must not come first
  start();
  Client client(port());
  client.send(get("/hold"));
  handler_.held.get_future().wait();
  EXPECT_EQ(server_->in_flight(), 1u);
  client.leave();
  auto ended = handler_.ended.get_future();
  while (ended.wait_for(milliseconds(0)) != std::future_status::ready) {
    advance(milliseconds(150));
    settle();
  }
  EXPECT_EQ(ended.get(), Code::kCancelled);
}

TEST_F(Http1ConnectionTest, EndsTheHandlerAtTheDeadline) {
  limits_.request_deadline_ms = 1000;
  start();
  Client client(port());
  client.send(get("/hold", "Connection: close\r\n"));
  handler_.held.get_future().wait();
  auto ended = handler_.ended.get_future();
  advance(milliseconds(1100));
  EXPECT_EQ(ended.get(), Code::kDeadlineExceeded);
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 200 OK"));
}

TEST_F(Http1ConnectionTest, ClosesAnIdleConnectionWithoutAWord) {
  start();
  Client client(port());
  client.send(get("/"));
  client.read_until("ok");
  settle();
  advance(seconds(61));
  EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(Http1ConnectionTest, GivesTheHeadersALimitedTimeInAll) {
  start();
  Client client(port());
  client.send("GET / HTTP/1.1\r\n");
  // Each byte that trickles in must not buy more time.
  std::string answer;
  for (int i = 0; i < 12 && answer.empty(); ++i) {
    client.send("X");
    settle();
    settle();
    advance(seconds(1));
    settle();
  }
  client.end_sending();  // a server that still waits ends here, without a word
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 408 "));
}

TEST_F(Http1ConnectionTest, WantsALeastRateOfABody) {
  start();
  Client client(port());
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
  for (int i = 0; i < 34; ++i) {
    client.send("x");
    settle();
    settle();
    advance(seconds(1));
    settle();
  }
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 408 "));
  EXPECT_EQ(handler_.handled, 0);
}

TEST_F(Http1ConnectionTest, TurnsAwayMoreConnectionsThanItTakes) {
  limits_.connections = 1;
  start();
  Client first(port());
  first.send(get("/"));
  first.read_until("ok");
  Client second(port());
  EXPECT_TRUE(second.read_to_end().starts_with("HTTP/1.1 503 "));
  EXPECT_EQ(server_->refused(), 1u);
  EXPECT_EQ(server_->connections(), 1u);
}

bool accepts(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool open = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  ::close(fd);
  return open;
}

TEST_F(Http1ConnectionTest, DrainsWhatRunsAndClosesWhatIdles) {
  start();
  Client idle(port());
  idle.send(get("/"));
  idle.read_until("ok");
  Client busy(port());
  busy.send(get("/hold"));
  handler_.held.get_future().wait();
  auto ended = handler_.ended.get_future();
  auto drained = std::async(std::launch::async, [&] { return server_->drain(seconds(20)); });
  EXPECT_EQ(idle.read_to_end(), "");
  // Nobody is let in once every core knows; the one with the held request may be the last to.
  while (accepts(port())) std::this_thread::yield();
  settle();
  advance(std::chrono::hours(11));  // the held request's deadline ends it
  EXPECT_EQ(ended.get(), Code::kDeadlineExceeded);
  EXPECT_NE(busy.read_to_end().find("Connection: close\r\n"), std::string::npos);
  busy.leave();
  EXPECT_TRUE(drained.get());
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(Http1ConnectionTest, CancelsWhatDoesNotDrainInTime) {
  start();
  Client busy(port());
  busy.send(get("/hold"));
  handler_.held.get_future().wait();
  EXPECT_FALSE(server_->drain(milliseconds(0)));
  EXPECT_EQ(handler_.ended.get_future().get(), Code::kCancelled);
  EXPECT_EQ(busy.read_to_end(), "");
}

TEST_F(Http1ConnectionTest, WaitsForFileDescriptorsInsteadOfSpinning) {
#if __has_feature(undefined_behavior_sanitizer)
  GTEST_SKIP() << "UBSan's look at an object's type takes a file descriptor, and none is left";
#endif
  start();
  Client client;
  rlimit before{};
  CHECK(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none{3, before.rlim_max};
  CHECK(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  client.connect(port());
  while (server_->accept_failures() == 0) std::this_thread::yield();
  // Each core was woken and has tried once; one that spins tries at each turn.
  for (int turn = 0; turn < 100; ++turn) settle();
  EXPECT_LE(server_->accept_failures(), cores_.size());
  CHECK(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  client.send(get("/", "Connection: close\r\n"));
  advance(milliseconds(150));
  EXPECT_TRUE(client.read_to_end().ends_with("ok"));
}

TEST_F(Http1ConnectionTest, KnowsAnIpv4ClientOfAnIpv6Socket) {
  cores_.start();
  std::vector<Endpoint> endpoints = {{"::", 0, &handler_}};
  auto server = Server::start(cores_, limits_, std::move(endpoints));
  if (!server) GTEST_SKIP() << server.error().detail;
  server_ = std::move(*server);
  EXPECT_TRUE(ask(get("/peer", "Connection: close\r\n")).ends_with("127.0.0.1 true"));
}

TEST_F(Http1ConnectionTest, RefusesAPortThatIsTaken) {
  start();
  std::vector<Endpoint> endpoints = {{"127.0.0.1", port(), &handler_}};
  const auto second = Server::start(cores_, limits_, std::move(endpoints));
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().detail.find("cannot listen on 127.0.0.1"), std::string::npos);
}

TEST_F(Http1ConnectionTest, KnowsAnAddressFromAName) {
  cores_.start();
  std::vector<Endpoint> endpoints = {{"example.org", 0, &handler_}};
  const auto server = Server::start(cores_, limits_, std::move(endpoints));
  ASSERT_FALSE(server.has_value());
  EXPECT_EQ(server.error().code, Code::kUsage);
}

}  // namespace
}  // namespace mettle::net

#include "net/http1_conn.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>

#include "async/completion.h"
#include "async/held_clock.h"
#include "base/check.h"
#include "net/server.h"

namespace mettle::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A blocking client that sees the very bytes.
class Client {
 public:
  Client() : fd_(::socket(AF_INET, SOCK_STREAM, 0)) { CHECK(fd_ >= 0); }
  explicit Client(uint16_t port) : Client() { connect(port); }
  void connect(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{20, 0};  // of a broken test
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    CHECK(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  }
  ~Client() { leave(); }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // the server has closed: the test looks at what it said
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  void end_sending() { ::shutdown(fd_, SHUT_WR); }
  void leave() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  std::string read_until(std::string_view end) {
    while (in_.find(end) == std::string::npos) {
      if (!read_more()) return std::exchange(in_, {});
    }
    const size_t size = in_.find(end) + end.size();
    std::string out = in_.substr(0, size);
    in_.erase(0, size);
    return out;
  }
  bool has_nothing() {
    char byte = 0;
    return in_.empty() && ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
  }
  std::string read_to_end() {
    while (read_more()) {
    }
    return std::exchange(in_, {});
  }

 private:
  bool read_more() {
    std::array<char, 65536> part;
    const ssize_t got = ::recv(fd_, part.data(), part.size(), 0);
    if (got > 0) in_.append(part.data(), static_cast<size_t>(got));
    return got > 0;
  }
  int fd_;
  std::string in_;
};

class Parts final : public BodyStream {
 public:
  explicit Parts(std::vector<std::string> parts, bool fails = false)
      : parts_(std::move(parts)), fails_(fails) {}
  Task<Result<bool>> next(Context&, std::string& out) override {
    if (at_ < parts_.size()) out += parts_[at_++];
    if (at_ < parts_.size()) co_return true;
    if (fails_) co_return fail(Code::kUnavailable, "the source broke");
    co_return false;
  }

 private:
  std::vector<std::string> parts_;
  bool fails_;
  size_t at_ = 0;
};

class TestHandler final : public RequestHandler {
 public:
  Task<Response> handle(Context& ctx, const Request& request) override {
    ++handled;
    Response response;
    response.content_type = "text/plain";
    if (request.path == "/echo") {
      response.body = fmt::format("{} {}", request.method_text, request.body);
      // Reading the padding must be safe; the sanitizer looks.
      unsigned sum = 0;
      const volatile char* const padding = request.body.data() + request.body.size();
      for (int i = 0; i < 64 && !request.body.empty(); ++i)
        sum += static_cast<unsigned>(padding[i]);
      sum_ = sum;
    } else if (request.path == "/hold") {
      held.set_value();
      const Result<> slept = co_await sleep_for(ctx, std::chrono::hours(10));
      ended.set_value(slept ? Code::kCount : slept.error().code);
    } else if (request.path == "/stream") {
      response.stream = std::make_unique<Parts>(std::vector<std::string>{"one,", "two,", "three"});
    } else if (request.path == "/sized") {
      response.stream = std::make_unique<Parts>(std::vector<std::string>{"one,", "two"});
      response.stream_bytes = 7;
    } else if (request.path == "/broken") {
      response.stream = std::make_unique<Parts>(std::vector<std::string>{"one,", "two"}, true);
    } else if (request.path == "/short") {
      response.stream = std::make_unique<Parts>(std::vector<std::string>{"one"});
      response.stream_bytes = 7;
    } else if (request.path == "/large") {
      response.body = std::string(3'000'000, 'L');
    } else if (request.path == "/empty") {
      response.status = 204;
    } else if (request.path == "/inject") {
      response.add("Location", "/a\r\nSet-Cookie: x");
    } else if (request.path == "/throw") {
      throw std::runtime_error("inside");
    } else if (request.path == "/close") {
      response.close = true;
      response.body = "bye";
    } else if (request.path == "/later") {
      response.hold_us = 300'000;
      response.body = "later";
    } else if (request.path == "/peer") {
      response.body = fmt::format("{} {}", request.peer, request.peer_is_loopback);
    } else {
      response.body = "ok";
    }
    co_return response;
  }
  Response refuse(const Error& error) override {
    Response response;
    response.status = error.status();
    response.body = error.name();
    return response;
  }

  std::atomic<int> handled{0};
  std::promise<void> held;
  std::promise<Code> ended;
  std::atomic<unsigned> sum_{0};
};

class Http1ConnectionTest : public testing::Test {
 protected:
  void start() {
    cores_.start();
    std::vector<Endpoint> endpoints = {{"127.0.0.1", 0, &handler_}};
    auto server = Server::start(cores_, limits_, std::move(endpoints));
    CHECK(server.has_value());
    server_ = std::move(*server);
  }
  void TearDown() override {
    server_.reset();
    cores_.stop();
  }
  uint16_t port() { return server_->port(0); }
  // Moves time until the server notices; timers look at their clock on their own thread.
  void advance(std::chrono::microseconds by) {
    clock_.advance(by);
    for (size_t i = 0; i < cores_.size(); ++i) cores_.at(i).wake_timers();
  }
  // Waits until a core has done what it had to do so far.
  void settle() {
    for (size_t i = 0; i < cores_.size(); ++i) {
      std::promise<void> done;
      cores_.at(i).post([&done] { done.set_value(); });
      done.get_future().wait();
    }
  }
  std::string ask(std::string_view request) {
    Client client(port());
    client.send(request);
    client.end_sending();
    return client.read_to_end();
  }
  static std::string get(std::string_view path, std::string_view headers = "") {
    return fmt::format("GET {} HTTP/1.1\r\nHost: a\r\n{}\r\n", path, headers);
  }

  HeldClock clock_;
  Seams seams_ = clock_.seams();
  ServerLimits limits_;
  Cores cores_{seams_, 2};
  TestHandler handler_;
  std::unique_ptr<Server> server_;
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
  settle();
  const uint64_t failures = server_->accept_failures();
  settle();
  EXPECT_EQ(server_->accept_failures(), failures);
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

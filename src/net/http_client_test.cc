#include "net/http_client.h"

#include <gtest/gtest.h>

#include "async/scope.h"
#include "async/timers.h"
#include "net/fake_http_client.h"
#include "net/server.h"

namespace mettle::net {
namespace {

TEST(Reach, KeepsCallsOutOfTheInside) {
  const Reach none;
  for (const char* address : {"127.0.0.1",
                              "127.8.8.8",
                              "10.1.2.3",
                              "172.16.0.1",
                              "172.31.255.255",
                              "192.168.1.1",
                              "100.64.0.1",
                              "169.254.169.254",
                              "0.0.0.0",
                              "0.1.2.3",
                              "224.0.0.1",
                              "255.255.255.255",
                              "240.0.0.1",
                              "192.0.2.1",
                              "198.18.0.1",
                              "::",
                              "::1",
                              "::7f00:1",
                              "::ffff:127.0.0.1",
                              "::ffff:169.254.169.254",
                              "::ffff:10.0.0.1",
                              "64:ff9b::10.0.0.1",
                              "2002:7f00:1::",
                              "fe80::1",
                              "fe80::1%eth0",
                              "fc00::1",
                              "fd12::1",
                              "fec0::1",
                              "ff02::1",
                              "2001:db8::1",
                              "2001::1",
                              "100::1",
                              "example.org",
                              ""}) {
    EXPECT_FALSE(is_in_reach(address, none)) << address;
  }
  for (const char* address : {"8.8.8.8", "172.32.0.1", "192.167.1.1", "169.253.1.1", "100.63.0.1",
                              "::ffff:8.8.8.8", "2606:4700::1111", "2001:4860::8888"}) {
    EXPECT_TRUE(is_in_reach(address, none)) << address;
  }
}

TEST(Reach, OpensWhatItIsToldToAndNothingElse) {
  const Reach loopback{.loopback = true};
  EXPECT_TRUE(is_in_reach("127.0.0.1", loopback));
  EXPECT_TRUE(is_in_reach("::1", loopback));
  EXPECT_TRUE(is_in_reach("::ffff:127.0.0.1", loopback));
  EXPECT_FALSE(is_in_reach("10.0.0.1", loopback));
  EXPECT_FALSE(is_in_reach("169.254.169.254", loopback));
  const Reach private_networks{.private_networks = true};
  EXPECT_TRUE(is_in_reach("10.0.0.1", private_networks));
  EXPECT_TRUE(is_in_reach("fd12::1", private_networks));
  EXPECT_FALSE(is_in_reach("169.254.169.254", private_networks));
  EXPECT_TRUE(is_in_reach("169.254.169.254", Reach::everywhere()));
  EXPECT_FALSE(is_in_reach("0.0.0.0", Reach::everywhere()));
  EXPECT_FALSE(is_in_reach("224.0.0.1", Reach::everywhere()));
}

class AnsweringHandler final : public RequestHandler {
 public:
  Task<Response> handle(Context& ctx, const Request& request) override {
    Response response;
    if (request.path == "/hang") {
      std::ignore = co_await sleep_for(ctx, std::chrono::hours(1));
    } else if (request.path == "/large") {
      response.body = std::string(200'000, 'x');
    } else if (request.path == "/moved") {
      response.status = 302;
      response.add("Location", "/echo");
    } else {
      response.status = 201;
      response.add("X-Seen", std::string(request.header("x-given").value_or("nothing")));
      response.add("X-Type", std::string(request.header("content-type").value_or("none")));
      response.body = fmt::format("{} {}", request.method_text, request.body);
    }
    co_return response;
  }
  Response refuse(const Error& error) override {
    Response response;
    response.status = error.status();
    return response;
  }
};

class HttpClientTest : public testing::Test {
 protected:
  void SetUp() override {
    cores_.start();
    std::vector<Endpoint> endpoints = {{"127.0.0.1", 0, &handler_}};
    auto server = Server::start(cores_, limits_, std::move(endpoints));
    ASSERT_TRUE(server.has_value());
    server_ = std::move(*server);
  }
  void TearDown() override {
    server_.reset();
    cores_.stop();
  }
  HttpCall call_to(std::string_view path) {
    HttpCall call;
    call.url = fmt::format("http://127.0.0.1:{}{}", server_->port(0), path);
    call.timeout = std::chrono::seconds(20);
    call.reach.loopback = true;
    return call;
  }
  Result<HttpAnswer> send(HttpCall call) {
    return run_task(core_, client_->send(ctx_, std::move(call)));
  }

  Cores cores_{system_seams(), 1};
  ServerLimits limits_;
  AnsweringHandler handler_;
  std::unique_ptr<Server> server_;
  Core core_{system_seams()};
  Context ctx_{core_, system_seams(), INT64_MAX};
  std::unique_ptr<HttpClient> client_ = make_http_client();
};

TEST_F(HttpClientTest, SendsAndReceives) {
  HttpCall call = call_to("/echo");
  call.method = "POST";
  call.body = "hello";
  call.headers.emplace_back("X-Given", "this");
  const auto answer = send(std::move(call));
  ASSERT_TRUE(answer.has_value()) << answer.error().inside;
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->body, "POST hello");
  EXPECT_EQ(answer->header("x-seen"), "this");
  EXPECT_EQ(answer->header("x-type"), "none");
}

TEST_F(HttpClientTest, UsesItsMethodsAsTheyAre) {
  for (const char* method : {"GET", "PUT", "PATCH", "DELETE", "POST"}) {
    HttpCall call = call_to("/echo");
    call.method = method;
    const auto answer = send(std::move(call));
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->body, fmt::format("{} ", method));
  }
  HttpCall head = call_to("/echo");
  head.method = "HEAD";
  const auto answer = send(std::move(head));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->body, "");
}

TEST_F(HttpClientTest, DoesNotFollowRedirects) {
  const auto answer = send(call_to("/moved"));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 302);
}

TEST_F(HttpClientTest, RefusesAddressesOutOfReach) {
  HttpCall call = call_to("/echo");
  call.reach = Reach{};
  const auto refused = send(call);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kHandlerFailed);
  EXPECT_NE(refused.error().detail.find("may not reach"), std::string::npos);
  // A connection kept by a call that was allowed more must not open the way.
  const auto allowed = send(call_to("/echo"));
  ASSERT_TRUE(allowed.has_value());
  const auto again = send(call);
  ASSERT_FALSE(again.has_value());
  EXPECT_NE(again.error().detail.find("may not reach"), std::string::npos);
  HttpCall named = call;
  named.url = fmt::format("http://localhost:{}/echo", server_->port(0));
  EXPECT_FALSE(send(named).has_value());
}

TEST_F(HttpClientTest, BoundsTheAnswer) {
  HttpCall call = call_to("/large");
  call.answer_bytes_max = 199'999;
  const auto refused = send(call);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().detail.find("larger"), std::string::npos);
  call.answer_bytes_max = 200'000;
  const auto taken = send(call);
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->body.size(), 200'000u);
}

TEST_F(HttpClientTest, EndsAtItsTimeout) {
  HttpCall call = call_to("/hang");
  call.timeout = std::chrono::milliseconds(20);
  const auto answer = send(std::move(call));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, Code::kHandlerTimeout);
}

TEST_F(HttpClientTest, EndsWithItsContext) {
  Context brief(core_, system_seams(), system_seams().clock->monotonic_us() + 10'000);
  const auto answer = run_task(core_, client_->send(brief, call_to("/hang")));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, Code::kDeadlineExceeded);
}

TEST_F(HttpClientTest, RefusesCallsThatAreNone) {
  HttpCall file = call_to("/echo");
  file.url = "file:///etc/passwd";
  EXPECT_FALSE(send(file).has_value());
  HttpCall injected = call_to("/echo");
  injected.headers.emplace_back("X-Given", "a\r\nHost: b");
  EXPECT_FALSE(send(injected).has_value());
  HttpCall method = call_to("/echo");
  method.method = "GET /x";
  EXPECT_FALSE(send(method).has_value());
  HttpCall nobody = call_to("/echo");
  nobody.url = "http://127.0.0.1:1/";
  const auto answer = send(nobody);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, Code::kHandlerFailed);
}

TEST(FakeHttpClient, AnswersAsToldAndRemembers) {
  Core core(system_seams());
  Context ctx(core, system_seams(), INT64_MAX);
  FakeHttpClient client([](const HttpCall&) {
    HttpAnswer answer;
    answer.status = 204;
    return Result<HttpAnswer>(std::move(answer));
  });
  HttpCall call;
  call.url = "http://a/";
  const auto answer = run_task(core, client.send(ctx, call));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 204);
  ASSERT_EQ(client.calls.size(), 1u);
  EXPECT_EQ(client.calls[0].url, "http://a/");
}

}  // namespace
}  // namespace mettle::net

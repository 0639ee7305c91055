// What the tests of connections share: a blocking client that sees the very bytes, a handler with a
// path for each thing that a handler may do, and a server on two cores whose time is held. Tests
// only; the test's thread.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <future>

#include "async/completion.h"
#include "async/held_clock.h"
#include "base/check.h"
#include "net/server.h"
#include "net/wire_client.h"

namespace mettle::net {

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
    } else if (request.path == "/stay") {
      held.set_value();
      Context alone = ctx.detached();  // nobody's cancellation reaches it
      std::ignore = co_await sleep_for(alone, std::chrono::seconds(10));
      response.body = "stayed";
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
      throw std::runtime_error("inside");  // lint: allow throw because a handler might
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

class ServerTest : public testing::Test {
 protected:
  void start() {
    cores_.start();
    Endpoint endpoint;
    endpoint.host = "127.0.0.1";
    endpoint.handler = &handler_;
    endpoint.tls = tls_;
    endpoint.hsts = hsts_;
    auto server = Server::start(cores_, limits_, {std::move(endpoint)});
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
  HeldClock clock_;
  Seams seams_ = clock_.seams();
  ServerLimits limits_;
  Cores cores_{seams_, 2};
  TestHandler handler_;
  std::shared_ptr<const TlsSetup> tls_;
  std::string hsts_;
  std::unique_ptr<Server> server_;
};

}  // namespace mettle::net

// FakeHttpClient: answers from a function instead of the network, and remembers what was asked. For
// tests; one thread.
#pragma once

#include <functional>
#include <vector>

#include "net/http_client.h"

namespace mettle::net {

class FakeHttpClient final : public HttpClient {
 public:
  using Answer = std::function<Result<HttpAnswer>(const HttpCall&)>;
  explicit FakeHttpClient(Answer answer) : answer_(std::move(answer)) {}

  Task<Result<HttpAnswer>> send(Context& ctx, HttpCall call) override {
    CO_TRY_VOID(ctx.alive());
    calls.push_back(std::move(call));
    co_return answer_(calls.back());
  }

  std::vector<HttpCall> calls;

 private:
  Answer answer_;
};

}  // namespace mettle::net

// Retries, Retry-After and the circuit breaker of HttpClient, over a transport that does as it is
// told, on a clock that stands until the test moves it.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <deque>

#include "async/held_clock.h"
#include "async/scope.h"
#include "async/timers.h"
#include "base/limits.h"
#include "base/metrics.h"
#include "net/http_transport.h"

namespace mettle::net {
namespace {

Tried answered(int status, std::string retry_after = {}) {
  HttpAnswer answer;
  answer.status = status;
  if (!retry_after.empty()) answer.headers.emplace_back("Retry-After", std::move(retry_after));
  return {Fate::kAnswered, std::move(answer)};
}
Tried lost(Fate fate, Code code = Code::kHandlerFailed) {
  return {fate, fail(make_error(code, "told so"))};
}

// Plays its script; the last line repeats.
class ScriptedTransport final : public HttpTransport {
 public:
  explicit ScriptedTransport(HeldClock& clock) : clock_(clock) {}
  Task<Tried> attempt(Context& ctx, HttpCall) override {
    at_us.push_back(clock_.monotonic_us());
    const auto next = script[std::min(at_us.size(), script.size()) - 1];
    if (takes_us > 0) clock_.advance(std::chrono::microseconds(takes_us));
    if (auto alive = ctx.alive(); !alive) co_return lost(Fate::kGivenUp, alive.error().code);
    co_return next();
  }
  std::deque<std::function<Tried()>> script;
  std::vector<int64_t> at_us;  // when it was tried
  int64_t takes_us = 0;

 private:
  HeldClock& clock_;
};

class HttpRetryTest : public testing::Test {
 protected:
  HttpRetryTest() {
    auto transport = std::make_unique<ScriptedTransport>(clock_);
    transport_ = transport.get();
    client_ = make_http_client(std::move(transport), {.metrics = &metrics_});
  }
  void script(std::vector<std::function<Tried()>> lines) {
    transport_->script.assign(lines.begin(), lines.end());
  }
  // Runs the call, moving the clock to the next timer whenever nothing else is left to do.
  Result<HttpAnswer> send(HttpCall call, int64_t deadline_us = INT64_MAX) {
    Context ctx(core_, seams_, deadline_us);
    std::optional<Result<HttpAnswer>> out;
    Scope scope(core_);
    Task<> task = keep(&out, client_->send(ctx, std::move(call)));
    core_.post([&] { scope.spawn(std::move(task)); });
    for (int i = 0; !out && i < 100'000; ++i) {
      core_.run_ready();
      if (out) break;
      clock_.advance(std::chrono::milliseconds(10));
      core_.wake_timers();
    }
    core_.run_ready();
    EXPECT_TRUE(out.has_value()) << "the call never ended";
    return out ? std::move(*out) : fail(Code::kInternal, "");
  }
  static Task<> keep(std::optional<Result<HttpAnswer>>* out, Task<Result<HttpAnswer>> task) {
    out->emplace(co_await std::move(task));
  }
  static HttpCall get(int tries) {
    HttpCall call;
    call.url = "http://a.example/x";
    call.tries = tries;
    return call;
  }
  static HttpCall post(int tries) {
    HttpCall call = get(tries);
    call.method = "POST";
    return call;
  }
  size_t tries() const { return transport_->at_us.size(); }
  int64_t pause_us(size_t i) const { return transport_->at_us[i + 1] - transport_->at_us[i]; }

  HeldClock clock_;
  Seams seams_ = clock_.seams();
  Core core_{seams_};
  Metrics metrics_;
  ScriptedTransport* transport_ = nullptr;
  std::unique_ptr<HttpClient> client_;
};

TEST_F(HttpRetryTest, TriesOnceUnlessToldOtherwise) {
  script({[] { return answered(503); }});
  EXPECT_EQ(send(get(1))->status, 503);
  EXPECT_EQ(tries(), 1u);
}

TEST_F(HttpRetryTest, TriesAgainWhatIsSafeToRepeat) {
  script({[] { return answered(503); }, [] { return lost(Fate::kBroken); },
          [] { return answered(200); }});
  EXPECT_EQ(send(get(5))->status, 200);
  EXPECT_EQ(tries(), 3u);
}

TEST_F(HttpRetryTest, DoesNotRepeatAPostThatMayHaveBeenActedOn) {
  script({[] { return lost(Fate::kBroken, Code::kHandlerTimeout); }});
  const auto answer = send(post(5));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, Code::kHandlerTimeout);
  EXPECT_EQ(tries(), 1u);
  script({[] { return answered(503); }});
  EXPECT_EQ(send(post(5))->status, 503);
  EXPECT_EQ(tries(), 2u);
}

TEST_F(HttpRetryTest, RepeatsAPostThatTheCallerCallsRepeatable) {
  script({[] { return answered(502); }, [] { return answered(201); }});
  HttpCall call = post(2);
  call.repeatable = true;
  EXPECT_EQ(send(call)->status, 201);
  EXPECT_EQ(tries(), 2u);
}

TEST_F(HttpRetryTest, RepeatsAPostOfWhichNothingWasSent) {
  script({[] { return lost(Fate::kUnreached); }, [] { return answered(201); }});
  EXPECT_EQ(send(post(2))->status, 201);
}

TEST_F(HttpRetryTest, DoesNotRepeatWhatWeRefusedOrCannotTrust) {
  script({[] { return lost(Fate::kRefused); }});
  EXPECT_FALSE(send(get(5)).has_value());
  script({[] { return lost(Fate::kUntrusted); }});
  EXPECT_FALSE(send(get(5)).has_value());
  EXPECT_EQ(tries(), 2u);
}

TEST_F(HttpRetryTest, DoesNotRepeatAnAnswerThatWillBeTheSame) {
  script({[] { return answered(404); }});
  EXPECT_EQ(send(get(5))->status, 404);
  EXPECT_EQ(tries(), 1u);
}

TEST_F(HttpRetryTest, PausesGrowAndAreJittered) {
  script({[] { return answered(429); }});  // says nothing bad about the host's health
  EXPECT_EQ(send(get(6))->status, 429);
  ASSERT_EQ(tries(), 6u);
  int64_t whole_us = limits::kOutgoingPauseMs * 1000;
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_GE(pause_us(i), whole_us / 2);
    EXPECT_LE(pause_us(i), whole_us + 20'000);  // the test's own step
    whole_us = std::min(whole_us * 2, limits::kOutgoingPauseMaxMs * 1000);
  }
}

TEST_F(HttpRetryTest, HeedsRetryAfterInSecondsAndAsADate) {
  script({[] { return answered(429, "7"); }, [] { return answered(200); }});
  EXPECT_EQ(send(get(2))->status, 200);
  EXPECT_GE(pause_us(0), 7'000'000);
  EXPECT_LE(pause_us(0), 7'100'000);
  transport_->at_us.clear();
  const std::string date = "Thu, 01 Jan 2026 00:01:00 GMT";  // the held clock's first minute
  script({[date] { return answered(503, date); }, [] { return answered(200); }});
  EXPECT_EQ(send(get(2))->status, 200);
  EXPECT_GE(pause_us(0), 40'000'000);
  transport_->at_us.clear();
  script({[] { return answered(429, "soon"); }, [] { return answered(200); }});
  EXPECT_EQ(send(get(2))->status, 200);
  EXPECT_LE(pause_us(0), limits::kOutgoingPauseMaxMs * 1000);
}

TEST_F(HttpRetryTest, APauseThatWouldOutlastTheDeadlineIsNotBegun) {
  script({[] { return answered(429, "60"); }});
  const int64_t before_us = clock_.monotonic_us();
  EXPECT_EQ(send(get(5), before_us + 5'000'000)->status, 429);  // the answer that there is
  EXPECT_EQ(tries(), 1u);
  EXPECT_EQ(clock_.monotonic_us(), before_us);
}

TEST_F(HttpRetryTest, AHostThatFailsIsLeftAloneAndTheCallerIsToldUntilWhen) {
  script({[] { return lost(Fate::kUnreached); }});
  for (uint32_t i = 0; i < limits::kCircuitFailures; ++i) EXPECT_FALSE(send(get(1)).has_value());
  const auto refused = send(get(1));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kUnavailable);
  EXPECT_EQ(refused.error().retry_after_s, 1);
  EXPECT_NE(refused.error().detail.find("asked again in 1 s"), std::string::npos);
  EXPECT_EQ(tries(), limits::kCircuitFailures);  // it was not asked
  const std::string shown = metrics_.expose();
  EXPECT_NE(shown.find("mettle_outgoing_circuits_open 1"), std::string::npos) << shown;
  EXPECT_NE(shown.find("result=\"left_alone\""), std::string::npos) << shown;
  EXPECT_NE(shown.find("mettle_outgoing_circuit_opened_total{host=\"http://a.example\"} 1"),
            std::string::npos)
      << shown;
  clock_.advance(std::chrono::milliseconds(limits::kCircuitOpenMs));
  script({[] { return answered(200); }});
  EXPECT_EQ(send(get(1))->status, 200);
  EXPECT_EQ(send(get(1))->status, 200);
}

TEST_F(HttpRetryTest, ServerErrorsCountAsFailuresAndRefusalsOfOurOwnDoNot) {
  script({[] { return lost(Fate::kRefused); }});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(send(get(1)).error().code, Code::kHandlerFailed);
  script({[] { return answered(500); }});
  for (uint32_t i = 0; i < limits::kCircuitFailures; ++i) EXPECT_TRUE(send(get(1)).has_value());
  EXPECT_EQ(send(get(1)).error().code, Code::kUnavailable);
}

TEST_F(HttpRetryTest, ACallThatWasGivenUpLateCountsAndOneGivenUpAtOnceDoesNot) {
  script({[] { return answered(200); }});
  transport_->takes_us = 50'000;
  for (uint32_t i = 0; i < 2 * limits::kCircuitFailures; ++i) {
    EXPECT_EQ(send(get(1), clock_.monotonic_us() + 10'000).error().code, Code::kDeadlineExceeded);
  }
  transport_->takes_us = limits::kCircuitSlowMs * 1000;
  for (uint32_t i = 0; i < limits::kCircuitFailures; ++i) {
    EXPECT_EQ(send(get(1), clock_.monotonic_us() + 10'000).error().code, Code::kDeadlineExceeded);
  }
  EXPECT_EQ(send(get(1)).error().code, Code::kUnavailable);
}

TEST_F(HttpRetryTest, OnlySoManyHostsHaveMetricsOfTheirOwn) {
  script({[] { return answered(200); }});
  for (size_t i = 0; i < limits::kOutgoingMetricHosts + 10; ++i) {
    HttpCall call = get(1);
    call.url = fmt::format("http://h{}.example/", i);
    EXPECT_TRUE(send(call).has_value());
  }
  const std::string shown = metrics_.expose();
  EXPECT_NE(shown.find("mettle_outgoing_calls_total{host=\"other\",result=\"answered\"} 10"),
            std::string::npos)
      << shown;
}

}  // namespace
}  // namespace mettle::net

#include "net/http_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <mutex>

#include "async/timers.h"
#include "base/datetime.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/mutant.h"
#include "base/text.h"
#include "net/circuits.h"
#include "net/http_transport.h"

namespace mettle::net {
namespace {

constexpr int64_t kMs = 1000;

bool is_repeatable(const HttpCall& call) {
  if (planted(Mutant::kPostRepeated)) return true;
  if (call.repeatable) return *call.repeatable;
  static constexpr std::array<std::string_view, 6> kIdempotent = {"GET", "HEAD",   "OPTIONS",
                                                                  "PUT", "DELETE", "TRACE"};
  return std::ranges::find(kIdempotent, call.method) != kIdempotent.end();
}

// Statuses that may be another in a moment.
bool is_passing(int status) {
  return status == 408 || status == 425 || status == 429 || status == 500 || status == 502 ||
         status == 503 || status == 504;
}

bool may_repeat(const HttpCall& call, const Tried& tried) {
  switch (tried.fate) {
    case Fate::kAnswered:
      return is_passing(tried.answer->status) && is_repeatable(call);
    case Fate::kUnreached:
      return true;
    case Fate::kBroken:
      return is_repeatable(call);
    case Fate::kUntrusted:
    case Fate::kRefused:
    case Fate::kGivenUp:
      return false;
  }
  return false;
}

Health health_of(const Tried& tried, int64_t took_us) {
  switch (tried.fate) {
    case Fate::kAnswered:
      return tried.answer->status >= 500 && tried.answer->status != 501 ? Health::kFailed
                                                                        : Health::kWell;
    case Fate::kUnreached:
    case Fate::kBroken:
    case Fate::kUntrusted:
      return Health::kFailed;
    case Fate::kRefused:
      return Health::kUnknown;
    // A caller that waited long enough learned that the host is slow.
    case Fate::kGivenUp:
      return tried.answer.error().code == Code::kDeadlineExceeded &&
                     took_us >= limits::kCircuitSlowMs * kMs
                 ? Health::kFailed
                 : Health::kUnknown;
  }
  return Health::kUnknown;
}

std::string_view result_name(const Tried& tried) {
  switch (tried.fate) {
    case Fate::kAnswered:
      return tried.answer->status >= 500 ? "server_error" : "answered";
    case Fate::kUnreached:
      return "unreached";
    case Fate::kBroken:
      return tried.answer.error().code == Code::kHandlerTimeout ? "timeout" : "broken";
    case Fate::kUntrusted:
      return "untrusted";
    case Fate::kRefused:
      return "refused";
    case Fate::kGivenUp:
      return "given_up";
  }
  return "given_up";
}

// RFC 9110 section 10.2.3: seconds, or a date.
int64_t retry_after_us(const Tried& tried, Clock& clock) {
  if (tried.fate != Fate::kAnswered) return 0;
  const auto text = tried.answer->header("Retry-After");
  if (!text) return 0;
  int64_t seconds = 0;
  const char* const end = text->data() + text->size();
  if (const auto read = std::from_chars(text->data(), end, seconds);
      read.ec == std::errc{} && read.ptr == end && seconds >= 0) {
    return std::min<int64_t>(seconds, 86'400) * kMicrosPerSecond;
  }
  const Timestamp now = clock.now();
  const auto date = parse_http_date(*text, now);
  return date ? std::clamp<int64_t>(date->us - now.us, 0, kMicrosPerDay) : 0;
}

int64_t pause_us(int tried, Random& random) {
  const int64_t whole =
      std::min(limits::kOutgoingPauseMs << std::min(tried - 1, 20), limits::kOutgoingPauseMaxMs) *
      kMs;
  return whole - static_cast<int64_t>(random.next() % static_cast<uint64_t>(whole / 2));
}

Error left_alone(const std::string& host, int64_t wait_us) {
  const int64_t seconds = std::max<int64_t>(1, (wait_us + kMicrosPerSecond - 1) / kMicrosPerSecond);
  Error error = make_error(
      Code::kUnavailable,
      fmt::format("{} failed again and again and is left alone; it is asked again in {} s", host,
                  seconds));
  error.retry_after_s = static_cast<int>(seconds);
  return error;
}

// mettle_outgoing_*. Hosts come from the app file, and later from customers: only so many get a
// label of their own.
class OutgoingMetrics {
 public:
  OutgoingMetrics(Metrics* registry, const Circuits& circuits) : registry_(registry) {
    if (registry == nullptr) return;
    seconds_ = &registry->histogram("mettle_outgoing_seconds", "How long a try of a call took",
                                    latency_bounds());
    registry->callback_gauge("mettle_outgoing_circuits_open", "Hosts that are left alone", {},
                             [&circuits] { return static_cast<double>(circuits.open()); });
  }
  ~OutgoingMetrics() {
    if (registry_ == nullptr) return;
    registry_->callback_gauge("mettle_outgoing_circuits_open", "Hosts that are left alone", {},
                              [] { return 0.0; });
  }
  OutgoingMetrics(const OutgoingMetrics&) = delete;

  void tried(const std::string& host, std::string_view result, int64_t us) {
    if (registry_ == nullptr) return;
    count("mettle_outgoing_calls", "Tries of outgoing calls",
          {{"host", label(host)}, {"result", std::string(result)}});
    if (us >= 0) seconds_->observe(static_cast<double>(us) / 1e6);
  }
  void retried(const std::string& host) {
    if (registry_ == nullptr) return;
    count("mettle_outgoing_retries", "Tries after the first", {{"host", label(host)}});
  }
  void opened(const std::string& host) {
    if (registry_ == nullptr) return;
    count("mettle_outgoing_circuit_opened", "Times that a host began to be left alone",
          {{"host", label(host)}});
  }

 private:
  void count(std::string_view name, std::string_view help, const MetricLabels& labels) {
    registry_->counter(name, help, labels).add();
  }
  std::string label(const std::string& host) {
    const std::lock_guard lock(mutex_);
    if (std::ranges::find(hosts_, host) != hosts_.end()) return host;
    if (hosts_.size() >= limits::kOutgoingMetricHosts) return "other";
    hosts_.push_back(host);
    return host;
  }

  Metrics* const registry_;
  Histogram* seconds_ = nullptr;
  std::mutex mutex_;
  std::vector<std::string> hosts_;
};

class SteadyClient final : public HttpClient {
 public:
  SteadyClient(std::unique_ptr<HttpTransport> transport, const HttpClientOptions& options)
      : metrics_(options.metrics, circuits_), transport_(std::move(transport)) {}

  Task<Result<HttpAnswer>> send(Context& ctx, HttpCall call) override {
    const std::string host = host_of(call.url);
    const int tries = std::clamp(call.tries, 1, limits::kOutgoingTries);
    for (int tried = 1;; ++tried) {
      const Circuits::Leave leave = circuits_.ask(host, ctx.seams());
      if (!leave.granted) {
        metrics_.tried(host, "left_alone", -1);
        co_return fail(left_alone(host, leave.wait_us));
      }
      Tried outcome = co_await attempt(ctx, call, host, leave);
      if (tried >= tries || !may_repeat(call, outcome)) co_return std::move(outcome.answer);
      const int64_t pause = std::max(pause_us(tried, *ctx.seams().random),
                                     retry_after_us(outcome, *ctx.seams().clock));
      if (pause >= ctx.remaining_us()) co_return std::move(outcome.answer);
      CO_TRY_VOID(co_await sleep_for(ctx, std::chrono::microseconds(pause)));
      metrics_.retried(host);
    }
  }

 private:
  Task<Tried> attempt(Context& ctx, HttpCall call, const std::string& host,
                      const Circuits::Leave& leave) {
    const int64_t began_us = ctx.seams().clock->monotonic_us();
    Tried outcome = co_await transport_->attempt(ctx, std::move(call));
    const int64_t took_us = ctx.seams().clock->monotonic_us() - began_us;
    metrics_.tried(host, result_name(outcome), took_us);
    if (circuits_.ended(host, leave, health_of(outcome, took_us), ctx.seams())) {
      metrics_.opened(host);
      LOG_WARN("a host fails again and again and is left alone", {{"host", host}});
    }
    co_return outcome;
  }

  Circuits circuits_;
  OutgoingMetrics metrics_;
  const std::unique_ptr<HttpTransport> transport_;
};

}  // namespace

std::optional<std::string_view> HttpAnswer::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (iequals(key, name)) return value;
  }
  return std::nullopt;
}

std::unique_ptr<HttpClient> make_http_client(std::unique_ptr<HttpTransport> transport,
                                             HttpClientOptions options) {
  return std::make_unique<SteadyClient>(std::move(transport), options);
}

std::unique_ptr<HttpClient> make_http_client(HttpClientOptions options) {
  auto transport = make_http_transport(options);
  return make_http_client(std::move(transport), std::move(options));
}

}  // namespace mettle::net

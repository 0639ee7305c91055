#include "features/observe/observe.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <future>

#include "base/log.h"
#include "base/text.h"
#include "engine/running_engine.h"
#include "features/observe/observe_api.h"

namespace mettle::observe {
namespace {

using engine::RunningEngine;

class ObserveTest : public testing::Test {
 protected:
  ObserveTest() {
    LogOptions options;
    options.format = LogFormat::kJson;
    options.sink = [this](std::string_view line) { log_ += line; };
    configure_log(std::move(options));
  }
  ~ObserveTest() override {
    if (running_ != nullptr) running_->engine->stop();
    configure_log({});
  }

  RunningEngine& serve(engine::Config config = engine::default_config()) {
    engine::Features features;
    features.push_back(make_observe());
    running_ = std::make_unique<RunningEngine>(std::move(features), std::move(config));
    model::Faults faults;
    EXPECT_TRUE(running_->engine->start(RunningEngine::app("shop"), faults).has_value());
    return *running_;
  }
  // Ends the server, so that all of its lines are there.
  std::string log_after_stop() {
    running_->engine->stop();
    running_.reset();
    return log_;
  }

  std::string log_;
  std::unique_ptr<RunningEngine> running_;
};

TEST_F(ObserveTest, SaysThatTheProcessIsAlive) {
  const std::string answer = serve().get("/livez");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  EXPECT_EQ(RunningEngine::body_of(answer), R"({"status":"ok"})");
}

TEST_F(ObserveTest, IsReadyWhileTheStoreAnswers) {
  RunningEngine& running = serve();
  EXPECT_EQ(RunningEngine::body_of(running.get("/readyz")),
            R"({"status":"ok","checks":{"server":"ok","store":"ok"}})");
  *running.store_broken = true;
  const std::string answer = running.get("/readyz");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 ")) << answer;
  EXPECT_EQ(RunningEngine::body_of(answer),
            R"({"status":"unavailable","checks":{"server":"ok","store":"unavailable"}})");
}

TEST_F(ObserveTest, CountsRequestsByRouteTemplateNeverByPath) {
  RunningEngine& running = serve();
  running.get("/livez");
  running.get("/secret-path-1");
  const std::string text = RunningEngine::body_of(running.get("/metrics"));
  EXPECT_NE(text.find(R"(mettle_http_requests_total{method="GET",route="/livez",status="200"} 1)"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find(R"(mettle_http_requests_total{method="-",route="-",status="404"} 1)"),
            std::string::npos);
  EXPECT_NE(text.find(R"(mettle_http_errors_total{code="not_found"} 1)"), std::string::npos);
  EXPECT_NE(text.find("mettle_http_request_duration_seconds_bucket"), std::string::npos);
  EXPECT_NE(text.find("mettle_process_resident_memory_bytes"), std::string::npos);
  // At least the one that asks; those before it may not be known to have gone yet.
  EXPECT_NE(text.find("mettle_http_connections "), std::string::npos) << text;
  EXPECT_EQ(text.find("mettle_http_connections 0\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("secret-path"), std::string::npos);
}

TEST_F(ObserveTest, WritesMetricsThatPromtoolTakes) {
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) GTEST_SKIP() << "no promtool";
  RunningEngine& running = serve();
  running.get("/livez");
  const std::string text =
      RunningEngine::body_of(running.get("/metrics", "Accept: text/plain\r\n"));
  std::FILE* promtool = popen("promtool check metrics", "w");
  ASSERT_NE(promtool, nullptr);
  std::fwrite(text.data(), 1, text.size(), promtool);
  EXPECT_EQ(pclose(promtool), 0) << text;
}

TEST_F(ObserveTest, OffersMetricsInBothFormats) {
  RunningEngine& running = serve();
  const std::string open = running.get("/metrics", "Accept: application/openmetrics-text\r\n");
  EXPECT_NE(open.find("application/openmetrics-text"), std::string::npos);
  EXPECT_TRUE(open.ends_with("# EOF\n"));
  EXPECT_NE(running.get("/metrics", "Accept: text/plain\r\n").find("Content-Type: text/plain"),
            std::string::npos);
}

TEST_F(ObserveTest, HidesMetricsFromWhoCameThroughAProxyUnlessTheyArePublic) {
  EXPECT_TRUE(
      serve().get("/metrics", "X-Forwarded-For: 192.0.2.1\r\n").starts_with("HTTP/1.1 404 "));
  running_->engine->stop();
  engine::Config config = engine::default_config();
  config.metrics_public = true;
  EXPECT_TRUE(
      serve(config).get("/metrics", "X-Forwarded-For: 192.0.2.1\r\n").starts_with("HTTP/1.1 200 "));
}

TEST_F(ObserveTest, WritesALineForEachRequestWithoutItsPath) {
  serve().get("/livez?token=hush", "X-Request-Id: r-1\r\nAuthorization: Bearer hush\r\n");
  const std::string log = log_after_stop();
  EXPECT_NE(log.find(R"("request_id":"r-1","method":"GET","route":"/livez","status":200)"),
            std::string::npos)
      << log;
  EXPECT_EQ(log.find("hush"), std::string::npos) << log;
}

TEST_F(ObserveTest, WritesNoLinesWhereTheyAreSwitchedOff) {
  engine::Config config = engine::default_config();
  config.log_requests = false;
  serve(config).get("/livez", "X-Request-Id: r-1\r\n");
  EXPECT_EQ(log_after_stop().find("r-1"), std::string::npos);
}

class Ignore final : public db::RowSink {
 public:
  Result<bool> on_row(const db::Row&) override { return true; }
  void restart() override {}
};

class OneStatement final : public db::WriteUnit {
 public:
  explicit OneStatement(db::StatementRef statement) : statement_(std::move(statement)) {}
  Task<Result<>> run(db::WriteTx& tx) override {
    CO_TRY_VOID(co_await tx.run(statement_, {}));
    co_return Result<>();
  }

 private:
  const db::StatementRef statement_;
};

Task<> read_and_write(Context& ctx, db::Store& store, db::StatementRef statement) {
  Ignore sink;
  const Result<> read = co_await store.read(ctx, statement, {}, sink);
  EXPECT_TRUE(read.has_value());
  const Result<> written = co_await store.write(ctx, std::make_shared<OneStatement>(statement));
  EXPECT_TRUE(written.has_value());
}

// Every look at it is a second later.
class RunningClock final : public Clock {
 public:
  Timestamp now() override { return {}; }
  int64_t monotonic_us() override { return now_us_ += 1'000'000; }

 private:
  std::atomic<int64_t> now_us_{0};
};

TEST_F(ObserveTest, LogsSlowStatementsWithTheirPlan) {
  Metrics registry;
  RunningClock clock;
  Seams seams{&clock, system_seams().random, system_seams().process};
  Core core(seams);
  {
    const auto store = log_slow_statements(
        std::make_unique<engine::BlankStore>(), 500'000,
        [](const db::Statement&) -> Result<std::string> { return "SCAN items"; }, registry);
    Context ctx(core, seams, INT64_MAX);
    ctx.request_id = "r-7";
    run_until_done(core, read_and_write(ctx, *store, db::Statement::make("SELECT slow")));
  }
  EXPECT_NE(log_.find("SELECT slow"), std::string::npos) << log_;
  EXPECT_NE(log_.find("SCAN items"), std::string::npos) << log_;
  EXPECT_NE(log_.find("r-7"), std::string::npos) << log_;
  EXPECT_EQ(registry.counter("mettle_slow_statements", "Statements over slow_statement").value(),
            2U);
}

TEST_F(ObserveTest, AddsNothingToTheStoreWhereNoStatementIsCalledSlow) {
  Metrics registry;
  auto blank = std::make_unique<engine::BlankStore>();
  const db::Store* same = blank.get();
  EXPECT_EQ(log_slow_statements(std::move(blank), 0, {}, registry).get(), same);
}

}  // namespace
}  // namespace mettle::observe

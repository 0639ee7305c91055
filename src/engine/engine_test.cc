#include "engine/engine.h"

#include <gtest/gtest.h>

#include <future>

#include "async/timers.h"
#include "base/log.h"
#include "engine/running_engine.h"

namespace mettle::engine {
namespace {

// Told by the endpoint /slow that it runs, and how long it takes.
std::promise<void>* slow_runs = nullptr;
std::chrono::milliseconds slow_takes{0};

Task<Result<net::Response>> say_app(Call& call) {
  net::Response response;
  response.content_type = "text/plain";
  response.body = call.app.model().app;
  co_return response;
}

Task<Result<net::Response>> take_long(Call& call) {
  if (slow_runs != nullptr) std::exchange(slow_runs, nullptr)->set_value();
  CO_TRY_VOID(co_await sleep_for(call.ctx, slow_takes));
  net::Response response;
  response.content_type = "text/plain";
  response.body = "done";
  co_return response;
}

class Hello final : public Feature, public SchemaKeeper {
 public:
  explicit Hello(std::vector<std::string>* events) : events_(events) {}
  std::string_view name() const override { return "hello"; }
  std::vector<std::string> own_tables() const override { return {"CREATE TABLE mettle_hello"}; }
  void build(SnapshotBuilder& builder) override {
    events_->push_back("build " + builder.model().app);
    builder.add(Route(net::Method::kGet, "/app", Policy::kPublic, endpoint(&say_app)));
    builder.add(Route(net::Method::kGet, "/slow", Policy::kPublic, endpoint(&take_long)));
    if (builder.model().app == "clash") {
      builder.add(Route(net::Method::kGet, "/app", Policy::kPublic, endpoint(&say_app)));
    }
  }
  Result<> start(Engine&) override {
    events_->push_back("start");
    return {};
  }
  void stop(Engine&) override { events_->push_back("stop"); }
  SchemaKeeper* schema_keeper() override { return this; }
  Task<Result<>> fit(Context&, db::Store&, const Wanted& wanted, model::Faults& faults) override {
    events_->push_back("fit " + wanted.app.app + " " + wanted.own_tables.at(0));
    if (wanted.app.app == "lossy") faults.error({}, "tables.x", "drop", "x would be dropped");
    co_return Result<>();
  }

 private:
  std::vector<std::string>* events_;
};

class EngineTest : public testing::Test {
 protected:
  EngineTest() {
    LogOptions quiet;
    quiet.sink = [](std::string_view) {};
    configure_log(std::move(quiet));
  }
  ~EngineTest() override { configure_log({}); }

  RunningEngine& make(Config config = default_config()) {
    Features features;
    features.push_back(std::make_unique<Hello>(&events_));
    running_ = std::make_unique<RunningEngine>(std::move(features), std::move(config));
    return *running_;
  }

  std::vector<std::string> events_;
  std::unique_ptr<RunningEngine> running_;
  model::Faults faults_;
};

TEST_F(EngineTest, FitsTheDatabaseThenStartsFeaturesThenServes) {
  RunningEngine& running = make();
  const auto started = running.engine->start(RunningEngine::app("one"), faults_);
  ASSERT_TRUE(started.has_value()) << started.error().detail << started.error().inside;
  EXPECT_TRUE(running.get("/app").ends_with("\r\n\r\none"));
  EXPECT_TRUE(running.engine->stop());
  EXPECT_EQ(events_, (std::vector<std::string>{"build one", "fit one CREATE TABLE mettle_hello",
                                               "start", "stop"}));
}

TEST_F(EngineTest, StartsNothingForAnAppWithFaults) {
  RunningEngine& running = make();
  const auto started = running.engine->start(RunningEngine::app("clash"), faults_);
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, Code::kInvalidApp);
  EXPECT_TRUE(faults_.has_errors());
  EXPECT_EQ(events_, std::vector<std::string>{"build clash"});
  running.engine->stop();
}

TEST_F(EngineTest, SwapsTheAppWhenItsNewVersionIsGood) {
  RunningEngine& running = make();
  ASSERT_TRUE(running.engine->start(RunningEngine::app("one"), faults_).has_value());
  ASSERT_TRUE(running.engine->reload(RunningEngine::app("two"), faults_).has_value());
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(running.get("/app").ends_with("two"));  // on any core
  running.engine->stop();
}

TEST_F(EngineTest, GoesOnWithTheOldAppWhenTheNewOneHasFaultsOrLosesData) {
  RunningEngine& running = make();
  ASSERT_TRUE(running.engine->start(RunningEngine::app("one"), faults_).has_value());
  for (const char* bad : {"clash", "lossy"}) {
    model::Faults faults;
    EXPECT_FALSE(running.engine->reload(RunningEngine::app(bad), faults).has_value()) << bad;
    EXPECT_TRUE(faults.has_errors()) << bad;
    EXPECT_TRUE(running.get("/app").ends_with("one")) << bad;
  }
  running.engine->stop();
}

TEST_F(EngineTest, LetsWhatRunsFinishWhenItStops) {
  RunningEngine& running = make();
  ASSERT_TRUE(running.engine->start(RunningEngine::app("one"), faults_).has_value());
  std::promise<void> runs;
  slow_runs = &runs;
  slow_takes = std::chrono::milliseconds(200);
  const int fd = RunningEngine::ask(running.engine->port(), "/slow");
  runs.get_future().wait();
  const uint16_t port = running.engine->port();
  EXPECT_TRUE(running.engine->stop());
  EXPECT_TRUE(RunningEngine::answer(fd).ends_with("done"));
  EXPECT_EQ(RunningEngine::ask(port, "/app"), -1);
}

TEST_F(EngineTest, CancelsWhatTakesTooLongToFinish) {
  Config config = default_config();
  config.shutdown_timeout_us = 10'000;
  RunningEngine& running = make(config);
  ASSERT_TRUE(running.engine->start(RunningEngine::app("one"), faults_).has_value());
  std::promise<void> runs;
  slow_runs = &runs;
  slow_takes = std::chrono::hours(1);
  const int fd = RunningEngine::ask(running.engine->port(), "/slow");
  runs.get_future().wait();
  EXPECT_FALSE(running.engine->stop());
  EXPECT_FALSE(RunningEngine::answer(fd).ends_with("done"));
}

TEST_F(EngineTest, SaysWhichAddressItCannotHave) {
  RunningEngine& first = make();
  ASSERT_TRUE(first.engine->start(RunningEngine::app("one"), faults_).has_value());
  Config config = default_config();
  config.admin_listen = "127.0.0.1:" + std::to_string(first.engine->port());
  Features features;
  features.push_back(std::make_unique<Hello>(&events_));
  RunningEngine second(std::move(features), config);
  const auto started = second.engine->start(RunningEngine::app("two"), faults_);
  ASSERT_FALSE(started.has_value());
  EXPECT_NE(started.error().detail.find(std::to_string(first.engine->port())), std::string::npos)
      << started.error().detail;
  second.engine->stop();
  first.engine->stop();
}

}  // namespace
}  // namespace mettle::engine

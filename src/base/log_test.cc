#include "base/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "base/fake_seams.h"
#include "base/json_read.h"

namespace mettle {
namespace {

class Log : public testing::Test {
 protected:
  void capture(LogFormat format, LogLevel level = LogLevel::kInfo, bool colour = false) {
    LogOptions options;
    options.level = level;
    options.format = format;
    options.colour = colour;
    options.clock = &clock_;
    options.sink = [this](std::string_view line) { lines_.emplace_back(line); };
    configure_log(std::move(options));
  }
  void TearDown() override { configure_log({}); }

  FakeClock clock_{Timestamp{1'770'091'506'123'456}};
  std::vector<std::string> lines_;
};

TEST_F(Log, WritesALineOfJsonWithTypedFields) {
  capture(LogFormat::kJson);
  LOG_INFO("request", {{"route", "/api/v1/x"},
                       {"status", 200},
                       {"bytes", size_t{12}},
                       {"ms", 0.25},
                       {"cached", false}});
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_EQ(lines_[0],
            "{\"time\":\"2026-02-03T04:05:06.123456Z\",\"level\":\"info\",\"message\":\"request\","
            "\"route\":\"/api/v1/x\",\"status\":200,\"bytes\":12,\"ms\":0.25,\"cached\":false}\n");
}

TEST_F(Log, WritesAlignedTextForPeople) {
  capture(LogFormat::kPretty);
  LOG_WARN("slow statement", {{"ms", 12}, {"sql", "SELECT 1"}, {"plan", "scan"}});
  LOG_ERROR("gone");
  ASSERT_EQ(lines_.size(), 2U);
  EXPECT_EQ(lines_[0], "04:05:06.123 WARN  slow statement  ms=12 sql=\"SELECT 1\" plan=scan\n");
  EXPECT_EQ(lines_[1], "04:05:06.123 ERROR gone\n");
}

TEST_F(Log, ColoursOnlyWhenAsked) {
  capture(LogFormat::kPretty, LogLevel::kInfo, true);
  LOG_INFO("x", {{"a", 1}});
  capture(LogFormat::kJson, LogLevel::kInfo, true);
  LOG_INFO("x", {{"a", 1}});
  EXPECT_NE(lines_[0].find("\x1b["), std::string::npos);
  EXPECT_EQ(lines_[1].find("\x1b["), std::string::npos);
}

TEST_F(Log, HoldsBackWhatIsBelowTheLevelWithoutMakingItsFields) {
  capture(LogFormat::kJson, LogLevel::kWarn);
  int made = 0;
  const auto field = [&] { return ++made; };
  LOG_INFO("x", {{"n", field()}});
  EXPECT_EQ(made, 0);
  set_log_level(LogLevel::kDebug);
  LOG_DEBUG("x", {{"n", field()}});
  EXPECT_EQ(made, 1);
  set_log_level(LogLevel::kOff);
  LOG_ERROR("x");
  EXPECT_EQ(lines_.size(), 1U);
}

TEST_F(Log, MasksWhatIsNamedLikeASecret) {
  capture(LogFormat::kJson);
  LOG_INFO("x", {{"password", "p1"}, {"api_key", "p2"}, {"Authorization", "p3"}, {"token", 4444}});
  capture(LogFormat::kPretty);
  LOG_INFO("x", {{"client_secret", "p1"}, {"X-Api-Key", "p2"}, {"Cookie", "p3"}});
  for (const std::string& line : lines_) {
    for (const char* secret : {"p1", "p2", "p3", "4444"}) {
      EXPECT_EQ(line.find(secret), std::string::npos) << line;
    }
    EXPECT_NE(line.find("[redacted]"), std::string::npos);
  }
  EXPECT_TRUE(is_secret_name("PASSWORD"));
  EXPECT_FALSE(is_secret_name("monkey"));
  EXPECT_FALSE(is_secret_name("key_count"));
}

TEST_F(Log, TextFromOutsideCannotForgeALineOrReachTheTerminal) {
  const std::string evil = "a\n{\"level\":\"error\"}\r\x1b[2J\xff\xc2\x9b\x7f\"";
  capture(LogFormat::kJson);
  LOG_INFO(evil, {{"path", evil}});
  capture(LogFormat::kPretty);
  LOG_INFO(evil, {{"path", evil}});
  ASSERT_EQ(lines_.size(), 2U);
  const auto document = JsonDocument::parse(lines_[0]);
  ASSERT_TRUE(document) << document.error().detail;
  EXPECT_EQ(document->root().size(), 4U);
  for (const std::string& line : lines_) {
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    EXPECT_EQ(line.find_first_of("\r\x1b"), std::string::npos);
  }
  EXPECT_EQ(lines_[1].find("\xc2\x9b"), std::string::npos);
  EXPECT_EQ(lines_[1].find('\x7f'), std::string::npos);
}

TEST_F(Log, KeepsLinesOfManyThreadsWhole) {
  capture(LogFormat::kJson);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 200; ++i) LOG_INFO("from a thread", {{"thread", t}, {"i", i}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(lines_.size(), 800U);
  for (const std::string& line : lines_) ASSERT_TRUE(JsonDocument::parse(line)) << line;
}

TEST_F(Log, GoesToStandardErrorByDefault) {
  LogOptions options;
  options.format = LogFormat::kJson;
  options.clock = &clock_;
  configure_log(std::move(options));
  testing::internal::CaptureStderr();
  LOG_INFO("hello");
  EXPECT_EQ(
      testing::internal::GetCapturedStderr(),
      "{\"time\":\"2026-02-03T04:05:06.123456Z\",\"level\":\"info\",\"message\":\"hello\"}\n");
}

TEST_F(Log, ABatchIsWrittenInOneGoAndErrorsDoNotWait) {
  LogOptions options;
  options.format = LogFormat::kJson;
  options.clock = &clock_;
  configure_log(std::move(options));
  int asked = 0;
  testing::internal::CaptureStderr();
  {
    LogBatch batch([&asked] { ++asked; });
    LOG_INFO("one");
    LOG_INFO("two");
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    EXPECT_EQ(asked, 1);
    testing::internal::CaptureStderr();
    LOG_ERROR("three");
    const std::string all = testing::internal::GetCapturedStderr();
    EXPECT_LT(all.find("one"), all.find("two"));
    EXPECT_LT(all.find("two"), all.find("three"));
    EXPECT_EQ(std::ranges::count(all, '\n'), 3);
    testing::internal::CaptureStderr();
    LOG_INFO("four");
    EXPECT_EQ(asked, 2);
    flush_log();
    EXPECT_NE(testing::internal::GetCapturedStderr().find("four"), std::string::npos);
    testing::internal::CaptureStderr();
    LOG_INFO("five");
  }
  EXPECT_NE(testing::internal::GetCapturedStderr().find("five"), std::string::npos);
}

TEST_F(Log, EachLineHasTheTimeOfItsOwn) {
  capture(LogFormat::kJson);
  for (const int64_t us : {int64_t{1770091506123456}, int64_t{1770091506000007},
                           int64_t{1770091507999999}, int64_t{1770091506123456}, int64_t{-1}}) {
    clock_.set_wall(Timestamp{us});
    LOG_INFO("tick");
  }
  ASSERT_EQ(lines_.size(), 5U);
  EXPECT_TRUE(lines_[0].starts_with("{\"time\":\"2026-02-03T04:05:06.123456Z\"")) << lines_[0];
  EXPECT_TRUE(lines_[1].starts_with("{\"time\":\"2026-02-03T04:05:06.000007Z\"")) << lines_[1];
  EXPECT_TRUE(lines_[2].starts_with("{\"time\":\"2026-02-03T04:05:07.999999Z\"")) << lines_[2];
  EXPECT_TRUE(lines_[3].starts_with("{\"time\":\"2026-02-03T04:05:06.123456Z\"")) << lines_[3];
  EXPECT_TRUE(lines_[4].starts_with("{\"time\":\"1969-12-31T23:59:59.999999Z\"")) << lines_[4];
}

TEST_F(Log, LevelsReadBackByName) {
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError, LogLevel::kOff}) {
    EXPECT_EQ(parse_log_level(log_level_name(level)), level);
  }
  EXPECT_FALSE(parse_log_level("verbose"));
}

}  // namespace
}  // namespace mettle

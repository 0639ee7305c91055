#include "base/metrics.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace mettle {
namespace {

void fill(Metrics& registry) {
  registry
      .counter("mettle_http_requests", "Requests answered.", {{"route", "/a"}, {"status", "200"}})
      .add(3);
  registry
      .counter("mettle_http_requests", "Requests answered.", {{"route", "/b"}, {"status", "404"}})
      .add();
  registry.gauge("mettle_connections", "Connections open.").set(2);
  Histogram& latency = registry.histogram("mettle_request_seconds", "Time to answer.",
                                          {0.001, 0.5, 1}, {{"route", "/a"}});
  for (const double seconds : {0.0005, 0.001, 0.25, 7.0}) latency.observe(seconds);
  registry.callback_gauge("mettle_memory_bytes", "Memory in use.", {}, [] { return 4096.0; });
  registry.callback_counter("mettle_cpu_seconds", "CPU used.", {}, [] { return 1.5; });
}

TEST(Metrics, AreWrittenAsOpenMetrics) {
  Metrics registry;
  fill(registry);
  EXPECT_EQ(registry.expose(),
            "# TYPE mettle_connections gauge\n"
            "# HELP mettle_connections Connections open.\n"
            "mettle_connections 2\n"
            "# TYPE mettle_cpu_seconds counter\n"
            "# UNIT mettle_cpu_seconds seconds\n"
            "# HELP mettle_cpu_seconds CPU used.\n"
            "mettle_cpu_seconds_total 1.5\n"
            "# TYPE mettle_http_requests counter\n"
            "# HELP mettle_http_requests Requests answered.\n"
            "mettle_http_requests_total{route=\"/a\",status=\"200\"} 3\n"
            "mettle_http_requests_total{route=\"/b\",status=\"404\"} 1\n"
            "# TYPE mettle_memory_bytes gauge\n"
            "# UNIT mettle_memory_bytes bytes\n"
            "# HELP mettle_memory_bytes Memory in use.\n"
            "mettle_memory_bytes 4096\n"
            "# TYPE mettle_request_seconds histogram\n"
            "# UNIT mettle_request_seconds seconds\n"
            "# HELP mettle_request_seconds Time to answer.\n"
            "mettle_request_seconds_bucket{route=\"/a\",le=\"0.001\"} 2\n"
            "mettle_request_seconds_bucket{route=\"/a\",le=\"0.5\"} 3\n"
            "mettle_request_seconds_bucket{route=\"/a\",le=\"1.0\"} 3\n"
            "mettle_request_seconds_bucket{route=\"/a\",le=\"+Inf\"} 4\n"
            "mettle_request_seconds_sum{route=\"/a\"} 7.2515\n"
            "mettle_request_seconds_count{route=\"/a\"} 4\n"
            "# EOF\n");
}

TEST(Metrics, TheOlderTextNamesCountersWithTheirSuffixAndHasNoEnd) {
  Metrics registry;
  registry.counter("mettle_x_bytes", "X.").add(1);
  EXPECT_EQ(registry.expose(MetricsFormat::kPrometheusText),
            "# TYPE mettle_x_bytes_total counter\n"
            "# HELP mettle_x_bytes_total X.\n"
            "mettle_x_bytes_total 1\n");
}

TEST(Metrics, EscapeLabelValuesAndHelp) {
  Metrics registry;
  registry.gauge("mettle_x", "a \"b\" \\ c\nd", {{"path", "a\"b\\c\nd\xff"}}).set(-1.5);
  EXPECT_EQ(registry.expose(),
            "# TYPE mettle_x gauge\n"
            "# HELP mettle_x a \\\"b\\\" \\\\ c\\nd\n"
            "mettle_x{path=\"a\\\"b\\\\c\\nd\xEF\xBF\xBD\"} -1.5\n"
            "# EOF\n");
}

TEST(Metrics, TheSameNameAndLabelsAreTheSameMetric) {
  Metrics registry;
  Counter& a = registry.counter("mettle_x", "X.", {{"l", "1"}});
  EXPECT_EQ(&a, &registry.counter("mettle_x", "X.", {{"l", "1"}}));
  EXPECT_NE(&a, &registry.counter("mettle_x", "X.", {{"l", "2"}}));
}

TEST(MetricsDeathTest, WrongNamesAndTypesAreOurOwnFaults) {
  Metrics registry;
  registry.counter("mettle_x", "X.");
  EXPECT_DEATH(registry.gauge("mettle_x", "X."), "CHECK failed");
  EXPECT_DEATH(registry.gauge("x", "X."), "CHECK failed");
  EXPECT_DEATH(registry.counter("mettle_x_total", "X."), "CHECK failed");
  EXPECT_DEATH(registry.counter("mettle_y", "X.", {{"le", "1"}}), "CHECK failed");
}

TEST(Metrics, LoseNoCountAcrossThreads) {
  Metrics registry;
  Counter& counter = registry.counter("mettle_x", "X.");
  Histogram& histogram = registry.histogram("mettle_y", "Y.", size_bounds());
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) {
        counter.add();
        histogram.observe(i % 10);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), 80'000U);
  EXPECT_EQ(histogram.snapshot().count, 80'000U);
  EXPECT_EQ(histogram.snapshot().sum, 360'000.0);
}

TEST(Metrics, OpenMetricsIsServedToWhoeverNamesIt) {
  EXPECT_EQ(negotiate_metrics("Application/OpenMetrics-Text;version=1.0.0,text/plain;q=0.5"),
            MetricsFormat::kOpenMetrics);
  EXPECT_EQ(negotiate_metrics("*/*"), MetricsFormat::kPrometheusText);
  EXPECT_EQ(negotiate_metrics(""), MetricsFormat::kPrometheusText);
}

class Promtool : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("command -v promtool >/dev/null 2>&1") != 0) {
      GTEST_SKIP() << "NOT TESTED: promtool is not installed (Debian: prometheus)";
    }
    folder_ = std::filesystem::temp_directory_path() /
              ("mettle_metrics_test_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string file(std::string_view name, std::string_view content) const {
    const auto path = folder_ / name;
    std::ofstream(path) << content;
    return path.string();
  }

  std::filesystem::path folder_;
};

TEST_F(Promtool, FindsNothingWrongWithTheOlderText) {
  Metrics registry;
  fill(registry);
  const std::string text = file("text", registry.expose(MetricsFormat::kPrometheusText));
  EXPECT_EQ(std::system(("promtool check metrics < " + text + " >&2").c_str()), 0);
}

// Its only reader of OpenMetrics wants a time with every sample.
TEST_F(Promtool, ReadsTheOpenMetrics) {
  Metrics registry;
  fill(registry);
  std::string dated;
  std::string line;
  for (std::istringstream lines(registry.expose()); std::getline(lines, line);) {
    dated += line + (line.starts_with('#') ? "\n" : " 1767225600\n");
  }
  const std::string text = file("openmetrics", dated);
  const std::string blocks = (folder_ / "blocks").string();
  EXPECT_EQ(std::system(
                ("promtool tsdb create-blocks-from openmetrics -q " + text + " " + blocks + " >&2")
                    .c_str()),
            0);
}

}  // namespace
}  // namespace mettle

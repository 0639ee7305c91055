// Metrics: counters, gauges and histograms, registered once and kept by reference, shown as
// OpenMetrics 1.0 or as the older Prometheus text.
//
// Registering and writing out take a lock; any thread. Counting does not: a counter and a histogram
// have one cell a core on cache lines of their own, so add() and observe() are one or a few
// uncontended atomic additions (about 5 ns). Metrics live as long as their registry.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mettle {

// In the order in which they are to be shown. Values may hold anything, names are ours.
using MetricLabels = std::vector<std::pair<std::string, std::string>>;

namespace metrics_inside {
// The cell of the calling thread, below shard_count().
size_t shard();
size_t shard_count();
struct alignas(64) Cell {
  std::atomic<uint64_t> count{0};
};
}  // namespace metrics_inside

class Counter {  // only grows
 public:
  Counter();
  void add(uint64_t n = 1) {
    cells_[metrics_inside::shard()].count.fetch_add(n, std::memory_order_relaxed);
  }
  uint64_t value() const;

 private:
  std::unique_ptr<metrics_inside::Cell[]> cells_;
};

class Gauge {  // goes up and down; one cell, for what changes seldom
 public:
  void set(double v) { value_.store(v, std::memory_order_relaxed); }
  void add(double v) { value_.fetch_add(v, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Histogram {
 public:
  // `bounds`: ascending upper bounds, inclusive; the last bucket, +Inf, comes by itself.
  explicit Histogram(std::vector<double> bounds);
  ~Histogram();
  void observe(double v);  // not NaN

  struct Snapshot {
    std::vector<uint64_t> buckets;  // not cumulative; one more than bounds
    uint64_t count = 0;
    double sum = 0;
  };
  Snapshot snapshot() const;
  const std::vector<double>& bounds() const { return bounds_; }

 private:
  struct Shard;
  std::vector<double> bounds_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

// 100 µs to 10 s, in seconds: for requests and statements.
std::vector<double> latency_bounds();
// 1, 2, 4 … up to 1024: for sizes of groups.
std::vector<double> size_bounds();

enum class MetricsFormat : uint8_t { kOpenMetrics, kPrometheusText };
std::string_view metrics_content_type(MetricsFormat format);
// What an Accept header asks for: OpenMetrics if it names application/openmetrics-text.
MetricsFormat negotiate_metrics(std::string_view accept);

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // A name is mettle_…, without _total; with a unit (seconds, bytes, ratio) it ends in that. The
  // same name and labels give the same metric; the same name with another type is a CHECK.
  Counter& counter(std::string_view name, std::string_view help, const MetricLabels& labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, const MetricLabels& labels = {});
  Histogram& histogram(std::string_view name, std::string_view help, std::vector<double> bounds,
                       const MetricLabels& labels = {});
  // Asked for when written out, under the registry's lock; must not use the registry. Once more for
  // the same labels: the newer one is asked.
  void callback_counter(std::string_view name, std::string_view help, const MetricLabels& labels,
                        std::function<double()> read);
  void callback_gauge(std::string_view name, std::string_view help, const MetricLabels& labels,
                      std::function<double()> read);

  std::string expose(MetricsFormat format = MetricsFormat::kOpenMetrics) const;

 private:
  struct Family;
  struct Series;
  enum class Type : uint8_t { kCounter, kGauge, kHistogram };
  Series& series(std::string_view name, std::string_view help, Type type,
                 const MetricLabels& labels);

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Family>> families_;  // by name
};

// The process's own registry.
Metrics& metrics();

}  // namespace mettle

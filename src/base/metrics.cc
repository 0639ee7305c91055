#include "base/metrics.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <optional>
#include <thread>

#include "base/check.h"
#include "base/text.h"

namespace mettle {
namespace metrics_inside {

size_t shard_count() {
  static const size_t count =
      std::bit_ceil(std::clamp<size_t>(std::thread::hardware_concurrency(), 1, 64));
  return count;
}

// Threads take cells in turn: with one thread a core each has its own.
size_t shard() {
  static std::atomic<size_t> next{0};
  thread_local const size_t mine =
      next.fetch_add(1, std::memory_order_relaxed) & (shard_count() - 1);
  return mine;
}

}  // namespace metrics_inside

namespace {

bool is_metric_name(std::string_view name) {
  if (!name.starts_with("mettle_") || name.ends_with("_total")) return false;
  return std::ranges::all_of(
      name, [](char c) { return (c >= 'a' && c <= 'z') || is_ascii_digit(c) || c == '_'; });
}

bool is_label_name(std::string_view name) {
  if (name.empty() || is_ascii_digit(name[0]) || name == "le" || name.starts_with("__")) {
    return false;
  }
  return std::ranges::all_of(
      name, [](char c) { return (c >= 'a' && c <= 'z') || is_ascii_digit(c) || c == '_'; });
}

std::string_view unit_of(std::string_view name) {
  for (const std::string_view unit : {"seconds", "bytes", "ratio"}) {
    if (name.ends_with(unit) && name[name.size() - unit.size() - 1] == '_') return unit;
  }
  return {};
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out.append("\\\\");
    } else if (c == '\n') {
      out.append("\\n");
    } else if (c == '"' && quotes) {
      out.append("\\\"");
    } else {
      out.push_back(c);
    }
  }
}

void append_double(std::string& out, double d, bool with_point) {
  if (std::isnan(d)) {
    out.append("NaN");
    return;
  }
  if (std::isinf(d)) {
    out.append(d > 0 ? "+Inf" : "-Inf");
    return;
  }
  char text[32];
  const auto [end, fault] = std::to_chars(std::begin(text), std::end(text), d);
  CHECK(fault == std::errc());
  const std::string_view number(text, static_cast<size_t>(end - text));
  out.append(number);
  if (with_point && number.find_first_of(".e") == std::string_view::npos) out.append(".0");
}

void append_count(std::string& out, uint64_t n) {
  char text[24];
  const auto [end, fault] = std::to_chars(std::begin(text), std::end(text), n);
  CHECK(fault == std::errc());
  out.append(text, end);
}

// name="value",… without braces: also what tells two series of a family apart.
std::string format_labels(const MetricLabels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    CHECK(is_label_name(name));
    if (!text.empty()) text.push_back(',');
    text.append(name);
    text.append("=\"");
    append_escaped(text, to_valid_utf8(value), true);
    text.push_back('"');
  }
  return text;
}

// `extra`: one more label, made already.
void append_series(std::string& out, std::string_view name, std::string_view suffix,
                   std::string_view labels, std::string_view extra = {}) {
  out.append(name);
  out.append(suffix);
  if (!labels.empty() || !extra.empty()) {
    out.push_back('{');
    out.append(labels);
    if (!labels.empty() && !extra.empty()) out.push_back(',');
    out.append(extra);
    out.push_back('}');
  }
  out.push_back(' ');
}

void append_histogram(std::string& out, std::string_view name, std::string_view labels,
                      const Histogram& histogram) {
  const Histogram::Snapshot snapshot = histogram.snapshot();
  uint64_t below = 0;
  for (size_t i = 0; i < snapshot.buckets.size(); ++i) {
    below += snapshot.buckets[i];
    std::string bound = "le=\"";
    append_double(bound, i < histogram.bounds().size() ? histogram.bounds()[i] : HUGE_VAL, true);
    bound.push_back('"');
    append_series(out, name, "_bucket", labels, bound);
    append_count(out, below);
    out.push_back('\n');
  }
  append_series(out, name, "_sum", labels);
  append_double(out, snapshot.sum, true);
  out.push_back('\n');
  append_series(out, name, "_count", labels);
  append_count(out, snapshot.count);
  out.push_back('\n');
}

}  // namespace

Counter::Counter()
    : cells_(std::make_unique<metrics_inside::Cell[]>(metrics_inside::shard_count())) {}

uint64_t Counter::value() const {
  uint64_t sum = 0;
  for (size_t i = 0; i < metrics_inside::shard_count(); ++i) {
    sum += cells_[i].count.load(std::memory_order_relaxed);
  }
  return sum;
}

struct alignas(64) Histogram::Shard {
  explicit Shard(size_t n) : buckets(n) {}
  std::atomic<double> sum{0};
  std::vector<std::atomic<uint64_t>> buckets;
};

Histogram::Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)) {
  CHECK(std::ranges::is_sorted(bounds_, std::ranges::less_equal()) &&
        std::ranges::all_of(bounds_, [](double d) { return std::isfinite(d); }));
  for (size_t i = 0; i < metrics_inside::shard_count(); ++i) {
    shards_.push_back(std::make_unique<Shard>(bounds_.size() + 1));
  }
}

Histogram::~Histogram() = default;

void Histogram::observe(double v) {
  const auto bucket = std::ranges::lower_bound(bounds_, v) - bounds_.begin();
  Shard& shard = *shards_[metrics_inside::shard()];
  shard.buckets[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  shard.sum.fetch_add(v, std::memory_order_relaxed);
}

// The count is the buckets' sum, so that a scrape between two additions still adds up.
Histogram::Snapshot Histogram::snapshot() const {
  Snapshot snapshot;
  snapshot.buckets.resize(bounds_.size() + 1);
  for (const auto& shard : shards_) {
    for (size_t i = 0; i < snapshot.buckets.size(); ++i) {
      const uint64_t n = shard->buckets[i].load(std::memory_order_relaxed);
      snapshot.buckets[i] += n;
      snapshot.count += n;
    }
    snapshot.sum += shard->sum.load(std::memory_order_relaxed);
  }
  return snapshot;
}

std::vector<double> latency_bounds() {
  return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
          0.05,   0.1,     0.25,   0.5,   1.0,    2.5,   5.0,  10.0};
}

std::vector<double> size_bounds() {
  return {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};
}

std::string_view metrics_content_type(MetricsFormat format) {
  return format == MetricsFormat::kOpenMetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

MetricsFormat negotiate_metrics(std::string_view accept) {
  return to_ascii_lower(accept).find("application/openmetrics-text") != std::string::npos
             ? MetricsFormat::kOpenMetrics
             : MetricsFormat::kPrometheusText;
}

// What one set of labels counts; one of the members, as the family's type says.
struct Metrics::Series {
  std::string labels;
  std::unique_ptr<Counter> counter;
  std::unique_ptr<Gauge> gauge;
  std::unique_ptr<Histogram> histogram;
  std::function<double()> read;
};

struct Metrics::Family {
  std::string name;
  std::string help;
  Type type;
  std::vector<std::unique_ptr<Series>> series;  // in order of registration

  void expose(std::string& out, MetricsFormat format) const;
  void expose_head(std::string& out, MetricsFormat format) const;
};

Metrics::Metrics() = default;
Metrics::~Metrics() = default;

// REQUIRES: mutex_ is held.
Metrics::Series& Metrics::series(std::string_view name, std::string_view help, Type type,
                                 const MetricLabels& labels) {
  CHECK(is_metric_name(name));
  auto place = std::ranges::lower_bound(
      families_, name, {}, [](const auto& family) -> std::string_view { return family->name; });
  if (place == families_.end() || (*place)->name != name) {
    auto made = std::make_unique<Family>();
    made->name = name;
    made->help = help;
    made->type = type;
    place = families_.insert(place, std::move(made));
  }
  Family& family = **place;
  CHECK(family.type == type);
  std::string text = format_labels(labels);
  for (const auto& known : family.series) {
    if (known->labels == text) return *known;
  }
  family.series.push_back(std::make_unique<Series>());
  family.series.back()->labels = std::move(text);
  return *family.series.back();
}

Counter& Metrics::counter(std::string_view name, std::string_view help,
                          const MetricLabels& labels) {
  const std::lock_guard lock(mutex_);
  Series& one = series(name, help, Type::kCounter, labels);
  CHECK(!one.read);
  if (!one.counter) one.counter = std::make_unique<Counter>();
  return *one.counter;
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, const MetricLabels& labels) {
  const std::lock_guard lock(mutex_);
  Series& one = series(name, help, Type::kGauge, labels);
  CHECK(!one.read);
  if (!one.gauge) one.gauge = std::make_unique<Gauge>();
  return *one.gauge;
}

Histogram& Metrics::histogram(std::string_view name, std::string_view help,
                              std::vector<double> bounds, const MetricLabels& labels) {
  const std::lock_guard lock(mutex_);
  Series& one = series(name, help, Type::kHistogram, labels);
  if (!one.histogram) one.histogram = std::make_unique<Histogram>(std::move(bounds));
  return *one.histogram;
}

void Metrics::callback_counter(std::string_view name, std::string_view help,
                               const MetricLabels& labels, std::function<double()> read) {
  const std::lock_guard lock(mutex_);
  Series& one = series(name, help, Type::kCounter, labels);
  CHECK(!one.counter);
  one.read = std::move(read);
}

void Metrics::callback_gauge(std::string_view name, std::string_view help,
                             const MetricLabels& labels, std::function<double()> read) {
  const std::lock_guard lock(mutex_);
  Series& one = series(name, help, Type::kGauge, labels);
  CHECK(!one.gauge);
  one.read = std::move(read);
}

// In the older text a counter's family bears the suffix of its samples, and there are no units.
void Metrics::Family::expose_head(std::string& out, MetricsFormat format) const {
  constexpr std::string_view kTypes[] = {"counter", "gauge", "histogram"};
  const bool open = format == MetricsFormat::kOpenMetrics;
  const std::string shown = name + (!open && type == Type::kCounter ? "_total" : "");
  out.append("# TYPE " + shown + " ");
  out.append(kTypes[static_cast<size_t>(type)]);
  out.push_back('\n');
  const std::string_view unit = unit_of(name);
  if (open && !unit.empty()) {
    out.append("# UNIT " + shown + " ");
    out.append(unit);
    out.push_back('\n');
  }
  out.append("# HELP " + shown + " ");
  append_escaped(out, help, open);
  out.push_back('\n');
}

void Metrics::Family::expose(std::string& out, MetricsFormat format) const {
  expose_head(out, format);
  for (const auto& one : series) {
    if (one->histogram) {
      append_histogram(out, name, one->labels, *one->histogram);
      continue;
    }
    append_series(out, name, type == Type::kCounter ? "_total" : "", one->labels);
    if (one->counter) {
      append_count(out, one->counter->value());
    } else {
      append_double(out, one->read ? one->read() : one->gauge->value(), false);
    }
    out.push_back('\n');
  }
}

std::string Metrics::expose(MetricsFormat format) const {
  std::string out;
  const std::lock_guard lock(mutex_);
  for (const auto& family : families_) family->expose(out, format);
  if (format == MetricsFormat::kOpenMetrics) out.append("# EOF\n");
  return out;
}

Metrics& metrics() {
  static Metrics* const registry = new Metrics();  // never destroyed: threads count until the end
  return *registry;
}

}  // namespace mettle

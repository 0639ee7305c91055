// The log: lines on standard error, each a level, a message and typed fields; JSON lines for
// machines, coloured text for a terminal. Any thread; a line is formatted in a buffer of the
// thread, about 1 µs, and written at once, or with others where the thread has a LogBatch.
//
//   LOG_INFO("listening", {{"address", address}, {"port", port}});
//
// Fields that are named like a secret are masked. Text from outside may hold anything: it cannot
// break a line, forge one or send codes to the terminal.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/seams.h"

namespace mettle {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarn, kError, kOff };
std::string_view log_level_name(LogLevel level);
std::optional<LogLevel> parse_log_level(std::string_view name);

enum class LogFormat : uint8_t {
  kAuto,  // pretty where standard error is a terminal, else JSON
  kJson,
  kPretty,
};

// Views: a field lives as long as the statement that logs it.
struct LogField {
  using Content = std::variant<std::string_view, int64_t, uint64_t, double, bool>;

  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, bool v) : key(k), value(v) {}
  LogField(std::string_view k, double v) : key(k), value(v) {}
  template <std::signed_integral T>
  LogField(std::string_view k, T v) : key(k), value(static_cast<int64_t>(v)) {}
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  LogField(std::string_view k, T v) : key(k), value(static_cast<uint64_t>(v)) {}

  std::string_view key;  // snake_case; not time, level or message
  Content value;
};

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kAuto;
  std::optional<bool> colour;  // nullopt: where pretty, unless NO_COLOR is set
  Clock* clock = nullptr;      // nullptr: the system's
  // Where finished lines go; none: standard error. Called under the log's lock.
  std::function<void(std::string_view line)> sink;
};

// At the start of the program and in tests. Until then: info and above, as kAuto.
void configure_log(LogOptions options);
// At any time.
void set_log_level(LogLevel level);

namespace log_inside {
extern std::atomic<LogLevel> level;
}
inline bool log_enabled(LogLevel level) {
  return level >= log_inside::level.load(std::memory_order_relaxed);
}

// Writes whatever the level; the macros below ask first, before they make the fields.
void log_line(LogLevel level, std::string_view message,
              std::initializer_list<LogField> fields = {});
void log_line(LogLevel level, std::string_view message, const LogField* fields, size_t count);

// While it lives, this thread's lines are gathered, so that many cost one system call; errors go
// out at once, behind what was gathered. A killed process loses what waits, so flush() must follow
// soon: `on_first` is called when a line has come to an empty batch.
class LogBatch {
 public:
  explicit LogBatch(std::function<void()> on_first);
  ~LogBatch();  // flushes
  LogBatch(const LogBatch&) = delete;
  LogBatch& operator=(const LogBatch&) = delete;
  void flush();
  void add(std::string_view line, bool urgent);

 private:
  static constexpr size_t kBytesMax = size_t{64} << 10;
  std::function<void()> on_first_;
  std::string lines_;
};

// Writes what the calling thread has gathered, if anything.
void flush_log();

// Whether a field or header of that name holds a secret: password, secret, token, authorization,
// cookie, key, alone or behind '_' or '-', in either case ("X-Api-Key").
bool is_secret_name(std::string_view name);

}  // namespace mettle

#define METTLE_LOG_(level, ...) \
  (::mettle::log_enabled(level) ? ::mettle::log_line(level, __VA_ARGS__) : void(0))
#define LOG_DEBUG(...) METTLE_LOG_(::mettle::LogLevel::kDebug, __VA_ARGS__)
#define LOG_INFO(...) METTLE_LOG_(::mettle::LogLevel::kInfo, __VA_ARGS__)
#define LOG_WARN(...) METTLE_LOG_(::mettle::LogLevel::kWarn, __VA_ARGS__)
#define LOG_ERROR(...) METTLE_LOG_(::mettle::LogLevel::kError, __VA_ARGS__)

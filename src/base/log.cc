#include "base/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <mutex>

#include "base/check.h"
#include "base/datetime.h"
#include "base/json_write.h"
#include "base/mutant.h"
#include "base/text.h"

namespace mettle {
namespace log_inside {
std::atomic<LogLevel> level{LogLevel::kInfo};
}

namespace {

constexpr std::string_view kMask = "[redacted]";
constexpr std::string_view kLevelNames[] = {"debug", "info", "warn", "error", "off"};

// What configure_log() set, resolved; replaced as a whole, so that a line never sees half of it.
struct Config {
  bool pretty = false;
  bool colour = false;
  Clock* clock = nullptr;
  std::function<void(std::string_view)> sink;
};

std::unique_ptr<const Config> resolve(LogOptions options) {
  auto config = std::make_unique<Config>();
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  config->pretty =
      options.format == LogFormat::kPretty || (options.format == LogFormat::kAuto && terminal);
  const char* const no_colour = std::getenv("NO_COLOR");
  const bool wanted = terminal && (no_colour == nullptr || *no_colour == '\0');
  config->colour = config->pretty && options.colour.value_or(wanted);
  config->clock = options.clock != nullptr ? options.clock : system_seams().clock;
  config->sink = std::move(options.sink);
  return config;
}

std::mutex& sink_mutex() {
  static std::mutex mutex;
  return mutex;
}

// Old ones are kept until the end, since a line may still be made by one; they are few.
class Configs {
 public:
  Configs() { set(resolve(LogOptions{})); }
  const Config& current() const { return *current_.load(std::memory_order_acquire); }
  void set(std::unique_ptr<const Config> config) {
    const std::lock_guard lock(mutex_);
    current_.store(config.get(), std::memory_order_release);
    all_.push_back(std::move(config));
  }

 private:
  std::atomic<const Config*> current_{nullptr};
  std::mutex mutex_;
  std::vector<std::unique_ptr<const Config>> all_;
};

Configs& configs() {
  static Configs* const configs = new Configs();  // never destroyed: others log until the end
  return *configs;
}

// The sink writes what it is given: the line is finished, so the pattern is the message alone.
spdlog::sinks::sink& standard_error() {
  static spdlog::sinks::stderr_sink_mt* const sink = [] {
    auto* made = new spdlog::sinks::stderr_sink_mt();  // never destroyed: others log until the end
    made->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "%v", spdlog::pattern_time_type::utc, std::string()));
    return made;
  }();
  return *sink;
}

thread_local LogBatch* thread_batch = nullptr;

void write_out(std::string_view lines) {
  const spdlog::string_view_t text(lines.data(), lines.size());
  try {
    standard_error().log(
        spdlog::details::log_msg(spdlog::string_view_t(), spdlog::level::info, text));
  } catch (const std::exception&) {
    // Standard error is closed or full: there is nobody left to tell.
  }
}

void append_number(std::string& out, auto number) {
  char text[32];
  const auto [end, fault] = std::to_chars(std::begin(text), std::end(text), number);
  CHECK(fault == std::errc());
  out.append(text, end);
}

void append_real(std::string& out, double d) {
  if (!std::isfinite(d)) return append_json_string(out, std::isnan(d) ? "nan" : "inf");
  append_number(out, d);
}

// Most of what is logged is short, and plain: found out in one pass.
bool is_plain_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
  });
}

void append_text(std::string& out, std::string_view text) {
  if (is_plain_ascii(text)) {
    out.push_back('"');
    out.append(text);
    out.push_back('"');
    return;
  }
  if (is_utf8(text)) return append_json_string(out, text);
  append_json_string(out, to_valid_utf8(text));
}

// For people: quoted only where it would be ambiguous; the quoting also takes the sting out of
// control characters. C1 controls, which a terminal obeys too, are two bytes in UTF-8.
bool is_bare(std::string_view text) {
  if (text.empty()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c <= 0x20 || c == '"' || c == '\\' || c == '=' || c == 0x7f) return false;
  }
  return true;
}

std::string without_controls(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool c1 =
        c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c == 0x7f || c1) {
      out.push_back('?');
      if (c1) ++i;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

void append_pretty_text(std::string& out, std::string_view text) {
  const std::string safe = without_controls(to_valid_utf8(text));
  if (is_bare(safe)) {
    out.append(safe);
  } else {
    append_json_string(out, safe);
  }
}

void append_content(std::string& out, const LogField& field, bool pretty) {
  const auto write_text = [&](std::string_view text) {
    pretty ? append_pretty_text(out, text) : append_text(out, text);
  };
  if (is_secret_name(field.key)) return write_text(kMask);
  std::visit(
      [&](const auto& content) {
        using T = std::decay_t<decltype(content)>;
        if constexpr (std::is_same_v<T, std::string_view>) {
          write_text(content);
        } else if constexpr (std::is_same_v<T, bool>) {
          out.append(content ? "true" : "false");
        } else if constexpr (std::is_same_v<T, double>) {
          append_real(out, content);
        } else {
          append_number(out, content);
        }
      },
      field.value);
}

// As append_timestamp, whose calendar is asked once a second: this is done for each request.
void append_log_time(std::string& out, Timestamp now) {
  if (now.us < 0) return append_timestamp(out, now);
  constexpr int64_t kSecondUs = 1'000'000;
  constexpr size_t kToSeconds = 19;  // 2026-02-03T04:05:06
  thread_local int64_t second = -1;
  thread_local std::string text;
  if (now.us / kSecondUs != second) {
    text.clear();
    append_timestamp(text, now);
    second = now.us / kSecondUs;
  }
  out.append(text, 0, kToSeconds);
  char fraction[] = ".000000Z";
  int64_t us = now.us % kSecondUs;
  for (int i = 6; i > 0; --i, us /= 10) fraction[i] = static_cast<char>('0' + us % 10);
  out.append(fraction, 8);
}

// {"time":"…","level":"info","message":"…","key":value,…}
void format_json(std::string& out, Timestamp now, LogLevel level, std::string_view message,
                 std::span<const LogField> fields) {
  out.append("{\"time\":\"");
  append_log_time(out, now);
  out.append("\",\"level\":\"");
  out.append(log_level_name(level));
  out.append("\",\"message\":");
  append_text(out, message);
  for (const LogField& field : fields) {
    out.append(",\"");  // a key is a literal of ours
    out.append(field.key);
    out.append("\":");
    append_content(out, field, false);
  }
  out.append("}\n");
}

// 14:03:22.123 INFO  message  key=value key="a value"
void format_pretty(std::string& out, Timestamp now, LogLevel level, std::string_view message,
                   std::span<const LogField> fields, bool colour) {
  constexpr std::string_view kColours[] = {"\x1b[2m", "\x1b[32m", "\x1b[33m", "\x1b[31m", ""};
  constexpr std::string_view kDim = "\x1b[2m";
  constexpr std::string_view kPlain = "\x1b[0m";
  constexpr std::string_view kPadded[] = {"DEBUG", "INFO ", "WARN ", "ERROR", "OFF  "};
  const auto index = static_cast<size_t>(level);
  append_time(out, time_of(now));
  out.resize(out.size() - 3);  // milliseconds are enough for eyes
  out.push_back(' ');
  if (colour) out.append(kColours[index]);
  out.append(kPadded[index]);
  if (colour) out.append(kPlain);
  out.push_back(' ');
  const std::string safe = without_controls(to_valid_utf8(message));
  for (const char c : safe) out.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  if (!fields.empty()) out.push_back(' ');
  for (const LogField& field : fields) {
    out.push_back(' ');
    if (colour) out.append(kDim);
    append_pretty_text(out, field.key);
    out.push_back('=');
    if (colour) out.append(kPlain);
    append_content(out, field, true);
  }
  out.push_back('\n');
}

}  // namespace

std::string_view log_level_name(LogLevel level) {
  const auto index = static_cast<size_t>(level);
  CHECK(index < std::size(kLevelNames));
  return kLevelNames[index];
}

std::optional<LogLevel> parse_log_level(std::string_view name) {
  for (size_t i = 0; i < std::size(kLevelNames); ++i) {
    if (kLevelNames[i] == name) return static_cast<LogLevel>(i);
  }
  return std::nullopt;
}

void configure_log(LogOptions options) {
  set_log_level(options.level);
  configs().set(resolve(std::move(options)));
}

void set_log_level(LogLevel level) {
  log_inside::level.store(level, std::memory_order_relaxed);
}

void log_line(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  log_line(level, message, fields.begin(), fields.size());
}

void log_line(LogLevel level, std::string_view message, const LogField* fields, size_t count) {
  thread_local std::string line;
  const Config& config = configs().current();
  const std::span<const LogField> all(fields, count);
  line.clear();
  if (config.pretty) {
    format_pretty(line, config.clock->now(), level, message, all, config.colour);
  } else {
    format_json(line, config.clock->now(), level, message, all);
  }
  if (config.sink) {
    const std::lock_guard lock(sink_mutex());
    config.sink(line);
    return;
  }
  if (thread_batch != nullptr) {
    thread_batch->add(line, level >= LogLevel::kError);
  } else {
    write_out(line);
  }
}

LogBatch::LogBatch(std::function<void()> on_first) : on_first_(std::move(on_first)) {
  CHECK(thread_batch == nullptr);
  thread_batch = this;
}

LogBatch::~LogBatch() {
  flush();
  thread_batch = nullptr;
}

void LogBatch::flush() {
  if (lines_.empty()) return;
  write_out(lines_);
  lines_.clear();
}

void LogBatch::add(std::string_view line, bool urgent) {
  const bool first = lines_.empty();
  lines_.append(line);
  if (urgent || lines_.size() >= kBytesMax) {
    flush();
  } else if (first) {
    on_first_();
  }
}

void flush_log() {
  if (thread_batch != nullptr) thread_batch->flush();
}

bool is_secret_name(std::string_view name) {
  if (planted(Mutant::kSecretLogged)) return false;
  constexpr std::string_view kSecrets[] = {"password",      "secret", "token",
                                           "authorization", "cookie", "key"};
  const char last = name.empty() ? '\0' : ascii_lower(name.back());
  for (const std::string_view secret : kSecrets) {
    if (secret.back() != last || name.size() < secret.size()) continue;
    const size_t before = name.size() - secret.size();
    if (!iequals(name.substr(before), secret)) continue;
    if (before == 0 || name[before - 1] == '_' || name[before - 1] == '-') return true;
  }
  return false;
}

}  // namespace mettle

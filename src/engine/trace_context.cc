#include "engine/trace_context.h"

#include "base/text.h"

namespace mettle::engine {
namespace {

constexpr size_t kLength = 55;  // 00-<32>-<16>-<2>
constexpr size_t kStateMax = 512;

bool is_lower_hex(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

uint8_t nibble(char c) {
  return static_cast<uint8_t>(c <= '9' ? c - '0' : c - 'a' + 10);
}

// False where every byte is zero, which means "no id".
template <size_t N>
bool read_id(std::string_view hex, std::array<uint8_t, N>& out) {
  uint8_t any = 0;
  for (size_t i = 0; i < N; ++i) {
    out[i] = static_cast<uint8_t>(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    any |= out[i];
  }
  return any != 0;
}

template <size_t N>
std::string_view as_view(const std::array<uint8_t, N>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), N};
}

}  // namespace

std::optional<Trace> parse_traceparent(std::string_view text) {
  if (text.size() < kLength) return std::nullopt;
  // Version 00 has exactly this length; a later one may go on after another dash.
  if (text.starts_with("00") ? text.size() != kLength
                             : text.size() > kLength && text[kLength] != '-') {
    return std::nullopt;
  }
  const std::string_view version = text.substr(0, 2), trace_id = text.substr(3, 32);
  const std::string_view span_id = text.substr(36, 16), flags = text.substr(53, 2);
  if (text[2] != '-' || text[35] != '-' || text[52] != '-' || version == "ff") return std::nullopt;
  for (const std::string_view part : {version, trace_id, span_id, flags}) {
    if (!is_lower_hex(part)) return std::nullopt;
  }
  Trace trace;
  if (!read_id(trace_id, trace.trace_id) || !read_id(span_id, trace.span_id)) return std::nullopt;
  trace.sampled = (nibble(flags[1]) & 1) != 0;
  return trace;
}

std::string format_traceparent(const Trace& trace) {
  return "00-" + encode_hex(as_view(trace.trace_id)) + "-" + encode_hex(as_view(trace.span_id)) +
         (trace.sampled ? "-01" : "-00");
}

std::string passable_tracestate(std::string_view text) {
  if (text.size() > kStateMax) return {};
  const bool printable = std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7e; });
  return printable ? std::string(text) : std::string();
}

}  // namespace mettle::engine

#include "features/statics/range.h"

#include <charconv>

#include "base/text.h"

namespace mettle::statics {

namespace {

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return value;
}

}  // namespace

Range parse_range(std::string_view header, uint64_t size) {
  Range whole{Range::Kind::kWhole, 0, size};
  header = trim_ascii(header);
  if (!istarts_with(header, "bytes=")) return whole;
  header.remove_prefix(6);
  if (header.find(',') != std::string_view::npos) return whole;
  const auto [first_text, last_text] = split_once(trim_ascii(header), '-');
  if (!last_text) return whole;
  if (first_text.empty()) {
    const auto suffix = number(*last_text);
    if (!suffix) return whole;
    if (*suffix == 0 || size == 0) return {Range::Kind::kUnsatisfiable, 0, 0};
    const uint64_t count = std::min(*suffix, size);
    return {Range::Kind::kPart, size - count, count};
  }
  const auto first = number(first_text);
  if (!first) return whole;
  uint64_t last = size == 0 ? 0 : size - 1;
  if (!last_text->empty()) {
    const auto given = number(*last_text);
    if (!given || *given < *first) return whole;
    last = std::min(last, *given);
  }
  if (*first >= size) return {Range::Kind::kUnsatisfiable, 0, 0};
  return {Range::Kind::kPart, *first, last - *first + 1};
}

}  // namespace mettle::statics

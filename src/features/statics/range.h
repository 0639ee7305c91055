// Range requests (RFC 9110 section 14). Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mettle::statics {

struct Range {
  enum class Kind : uint8_t { kWhole, kPart, kUnsatisfiable } kind = Kind::kWhole;
  uint64_t first = 0;
  uint64_t count = 0;
};

// What a Range header asks of a file of `size` bytes. One range is served; several, another unit or
// a malformed header mean the whole file, as the RFC allows (section 14.2).
Range parse_range(std::string_view header, uint64_t size);

}  // namespace mettle::statics

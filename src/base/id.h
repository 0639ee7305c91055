// Row ids: UUIDv7 (RFC 9562 section 5.7), 48 bits of milliseconds, then a 12-bit counter that keeps
// ids of one generator ascending within a millisecond and through clocks that step back, then 62
// random bits.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/seams.h"

namespace mettle {

class IdGenerator {  // one per thread; not thread-safe
 public:
  explicit IdGenerator(Seams& seams) : seams_(seams) {}
  Uuid next();

 private:
  Seams& seams_;
  uint64_t last_ = 0;  // milliseconds << 12 | counter
};

std::optional<Uuid> parse_uuid(std::string_view text);  // 8-4-4-4-12, either case
std::string format_uuid(const Uuid& id);                // lower case
void append_uuid(std::string& out, const Uuid& id);

}  // namespace mettle

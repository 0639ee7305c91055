#include "base/id.h"

#include <array>
#include <cstring>

namespace mettle {
namespace {

constexpr char kHex[] = "0123456789abcdef";
constexpr auto kHexPairs = [] {
  std::array<char, 512> pairs{};
  for (size_t byte = 0; byte < 256; ++byte) {
    pairs[2 * byte] = kHex[byte >> 4];
    pairs[2 * byte + 1] = kHex[byte & 0xf];
  }
  return pairs;
}();

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr bool dash_at(size_t index) {
  return index == 8 || index == 13 || index == 18 || index == 23;
}
constexpr size_t kUuidLength = 36;

}  // namespace

// A full counter runs over into the milliseconds, and a clock that stepped back keeps counting from
// the last id: order matters more than the exact time in an id.
Uuid IdGenerator::next() {
  const int64_t now_ms = seams_.clock->now().us / 1000;
  const uint64_t stamp = now_ms > 0 ? static_cast<uint64_t>(now_ms) << 12 : 0;
  last_ = stamp > last_ ? stamp : last_ + 1;
  const uint64_t ms = last_ >> 12;
  const uint64_t counter = last_ & 0xfff;
  const uint64_t random = seams_.random->next();

  Uuid id;
  for (size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<uint8_t>(ms >> (40 - 8 * i));
  id.bytes[6] = static_cast<uint8_t>(0x70 | (counter >> 8));  // version 7
  id.bytes[7] = static_cast<uint8_t>(counter);
  for (size_t i = 0; i < 8; ++i) id.bytes[8 + i] = static_cast<uint8_t>(random >> (56 - 8 * i));
  id.bytes[8] = static_cast<uint8_t>((id.bytes[8] & 0x3f) | 0x80);  // variant 10
  return id;
}

std::optional<Uuid> parse_uuid(std::string_view text) {
  if (text.size() != kUuidLength) return std::nullopt;
  Uuid id;
  size_t byte = 0;
  for (size_t i = 0; i < kUuidLength;) {
    if (dash_at(i)) {
      if (text[i] != '-') return std::nullopt;
      ++i;
      continue;
    }
    const int high = hex_digit(text[i]);
    const int low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    id.bytes[byte++] = static_cast<uint8_t>(high << 4 | low);
    i += 2;
  }
  return id;
}

void append_uuid(std::string& out, const Uuid& id) {
  char text[kUuidLength];
  char* at = text;
  for (size_t i = 0; i < id.bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
    // Both digits at once: a list writes twenty of these.
    std::memcpy(at, kHexPairs.data() + size_t{2} * id.bytes[i], 2);
    at += 2;
  }
  out.append(text, sizeof(text));
}

std::string format_uuid(const Uuid& id) {
  std::string text;
  append_uuid(text, id);
  return text;
}

}  // namespace mettle

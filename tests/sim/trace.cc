#include "sim/trace.h"

#include <cstdio>
#include <cstring>

namespace mettle::sim {

uint64_t hash_bytes(std::string_view bytes, uint64_t from) {
  constexpr uint64_t kMix = 0x9ddfea08eb382d69;
  uint64_t hash = from ^ (bytes.size() * kMix);
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, at, 8);
    hash = (hash ^ word) * kMix;
    hash ^= hash >> 29;
  }
  uint64_t tail = 0;
  std::memcpy(&tail, at, left);
  hash = (hash ^ tail) * kMix;
  return hash ^ (hash >> 32);
}

void Trace::event(std::string_view what, std::initializer_list<int64_t> numbers,
                  std::string_view text) {
  ++events_;
  hash_ = hash_bytes(what, hash_);
  for (const int64_t number : numbers) {
    hash_ = (hash_ ^ static_cast<uint64_t>(number)) * 0x9ddfea08eb382d69;
    hash_ ^= hash_ >> 31;
  }
  if (!text.empty()) hash_ = hash_bytes(text, hash_);
  if (!prints_) return;
  constexpr size_t kShown = 160;
  std::printf("%5lld  %.*s", static_cast<long long>(events_), static_cast<int>(what.size()),
              what.data());
  for (const int64_t number : numbers) std::printf(" %lld", static_cast<long long>(number));
  if (!text.empty()) {
    std::printf("  %.*s", static_cast<int>(std::min(text.size(), kShown)), text.data());
  }
  std::printf("\n");
}

}  // namespace mettle::sim

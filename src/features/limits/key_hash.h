// SipHash-2-4 (Aumasson and Bernstein, 2012): a hash with a secret, so that nobody can choose keys
// that meet in one place of a table. Pure function, about 15 ns for a short key.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace mettle::limits {

struct HashSecret {
  uint64_t k0 = 0, k1 = 0;
};

class SipHash {
 public:
  explicit SipHash(HashSecret secret)
      : v0_(secret.k0 ^ 0x736f6d6570736575),
        v1_(secret.k1 ^ 0x646f72616e646f6d),
        v2_(secret.k0 ^ 0x6c7967656e657261),
        v3_(secret.k1 ^ 0x7465646279746573) {}

  uint64_t of(std::string_view text) && {
    uint64_t word = 0;
    size_t at = 0;
    for (; at + 8 <= text.size(); at += 8) {
      std::memcpy(&word, text.data() + at, 8);
      take(word);
    }
    word = uint64_t{text.size()} << 56;
    for (size_t i = at; i < text.size(); ++i) {
      word |= uint64_t{static_cast<uint8_t>(text[i])} << (8 * (i - at));
    }
    take(word);
    v2_ ^= 0xff;
    for (int i = 0; i < 4; ++i) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  static_assert(std::endian::native == std::endian::little);
  void take(uint64_t word) {
    v3_ ^= word;
    round();
    round();
    v0_ ^= word;
  }
  void round() {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }
  uint64_t v0_, v1_, v2_, v3_;
};

inline uint64_t key_hash(HashSecret secret, std::string_view text) {
  return SipHash(secret).of(text);
}

}  // namespace mettle::limits

// Digests, codes and secrets. Any thread. OpenSSL stays inside crypto.cc; that it has SHA-256 is a
// CHECK at first use, so nothing here fails.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/seams.h"

namespace mettle {

using Sha256 = std::array<uint8_t, 32>;

Sha256 sha256(std::string_view data);           // about 0.4 µs for a short text
std::string sha256_hex(std::string_view data);  // lower case
Sha256 hmac_sha256(std::string_view key, std::string_view data);

// For one-time codes alone (RFC 4226), where SHA-1 is what every authenticator app has.
using Sha1 = std::array<uint8_t, 20>;
Sha1 hmac_sha1(std::string_view key, std::string_view data);

// A hash of long texts, three times as fast as SHA-256, whose collisions nobody finds who lacks the
// secret: Poly1305 under a key made of it (a universal hash, so two texts chosen without the key
// collide with a probability below 2^-90), and SHA-256 over that with another, so that results tell
// nothing of the keys. Equal for equal secrets and texts, in every process.
Sha256 keyed_hash(std::string_view secret, std::string_view data);

inline std::string_view as_text(const Sha256& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// Whether the two are equal, in time that depends on their lengths alone: for secrets and codes.
bool equal_in_constant_time(std::string_view a, std::string_view b);

// `bytes` random bytes as base64url: 32 bytes are 43 characters.
std::string random_token(Random& random, size_t bytes);

}  // namespace mettle

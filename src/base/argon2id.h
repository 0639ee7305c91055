// Passwords as hashes: argon2id (RFC 9106) in the text form of the PHC, which says its own cost:
// "$argon2id$v=19$m=32768,t=3,p=1$salt$hash".
//
// Each call blocks its thread for about as long as the cost was chosen for (a tenth of a second)
// and takes `memory_kib` meanwhile: never on a core. The only place that names libargon2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/seams.h"

namespace mettle {

struct Argon2Cost {
  uint32_t memory_kib = 32U << 10;  // at least 8
  uint32_t passes = 3;              // at least 1
  bool operator==(const Argon2Cost&) const = default;
};

// kOverloaded where the memory for it is not there.
Result<std::string> argon2id_hash(std::string_view password, Argon2Cost cost, Random& random);

// Whether the hash is that of the password. What is no such hash, or one that asks for more than
// 1 GiB or 100 passes, is false.
Result<bool> argon2id_holds(const std::string& hash, std::string_view password);

// nullopt for what is no such hash.
std::optional<Argon2Cost> argon2id_cost(std::string_view hash);

}  // namespace mettle

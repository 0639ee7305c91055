// Credentials that are a text: PREFIX ID "_" SECRET. The id finds the row, the secret (256 random
// bits) proves who bears it; only the secret's SHA-256 is ever stored. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/seams.h"

namespace mettle::auth {

inline constexpr std::string_view kKeyPrefix = "mtl_";      // keys
inline constexpr std::string_view kRefreshPrefix = "mtr_";  // refresh tokens
inline constexpr std::string_view kCookiePrefix = "mts_";   // sessions of browsers

struct CredentialText {
  std::string_view id, secret;
};

std::string new_credential_id(Random& random);      // 16 letters, 80 bits
std::string new_credential_secret(Random& random);  // 43 letters, 256 bits
std::string credential_text(std::string_view prefix, std::string_view id, std::string_view secret);
// nullopt for what cannot be one of that prefix.
std::optional<CredentialText> parse_credential(std::string_view prefix, std::string_view text);
// What is stored of a secret: 32 bytes.
std::string secret_hash(std::string_view secret);

}  // namespace mettle::auth

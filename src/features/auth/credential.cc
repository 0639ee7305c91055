#include "features/auth/credential.h"

#include <fmt/format.h>

#include <array>

#include "base/crypto.h"

namespace mettle::auth {
namespace {

constexpr size_t kIdLength = 16;  // 80 bits, five a letter
constexpr size_t kSecretBytes = 32;
constexpr size_t kSecretLength = 43;  // base64url
constexpr std::string_view kIdLetters = "abcdefghijklmnopqrstuvwxyz234567";

}  // namespace

std::string new_credential_id(Random& random) {
  std::array<uint8_t, kIdLength> bytes{};
  random.fill(bytes);
  std::string out;
  for (const uint8_t byte : bytes) out += kIdLetters[byte & 31U];
  return out;
}

std::string new_credential_secret(Random& random) {
  return random_token(random, kSecretBytes);
}

std::string credential_text(std::string_view prefix, std::string_view id, std::string_view secret) {
  return fmt::format("{}{}_{}", prefix, id, secret);
}

std::optional<CredentialText> parse_credential(std::string_view prefix, std::string_view text) {
  if (text.size() != prefix.size() + kIdLength + 1 + kSecretLength) return std::nullopt;
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  const std::string_view id = text.substr(0, kIdLength);
  if (text[kIdLength] != '_' || id.find_first_not_of(kIdLetters) != std::string_view::npos) {
    return std::nullopt;
  }
  return CredentialText{id, text.substr(kIdLength + 1)};
}

std::string secret_hash(std::string_view secret) {
  return std::string(as_text(sha256(secret)));
}

}  // namespace mettle::auth

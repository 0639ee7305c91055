// VerifyingKey: somebody else's key for signatures, as a JWK tells it (RFC 7517, RFC 7518 section
// 6, RFC 8037), for the asymmetric algorithms of JWS. There is no symmetric one: whoever publishes
// such a key lets anybody sign. Immutable and cheap to copy; any thread. OpenSSL stays inside the
// .cc.
//
// parse() costs 30 to 200 µs and fails with kInvalid, whose `inside` says why, for what is no such
// key or a weak one: RSA below 2048 bits, a point that is not on its curve. holds() costs 40 to
// 300 µs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mettle {

enum class JwsAlgorithm : uint8_t {
  kRs256,
  kRs384,
  kRs512,
  kPs256,
  kPs384,
  kPs512,
  kEs256,
  kEs384,
  kEs512,
  kEdDsa,  // Ed25519
};
// nullopt for every other name: "none" and the HMACs among them.
std::optional<JwsAlgorithm> parse_jws_algorithm(std::string_view name);
// The digest of the algorithm over `data`; SHA-512 for Ed25519 (OpenID Connect Core 3.1.3.6).
std::string jws_digest(JwsAlgorithm algorithm, std::string_view data);

class VerifyingKey {
 public:
  static Result<VerifyingKey> parse(std::string_view jwk);

  // Whether the key is of the kind and curve that the algorithm signs with.
  bool fits(JwsAlgorithm algorithm) const;
  // `signature` in the form of JWS. False where the key does not fit.
  bool holds(JwsAlgorithm algorithm, std::string_view data, std::string_view signature) const;

 private:
  struct Inside;
  explicit VerifyingKey(std::shared_ptr<const Inside> inside) : inside_(std::move(inside)) {}
  std::shared_ptr<const Inside> inside_;
};

}  // namespace mettle

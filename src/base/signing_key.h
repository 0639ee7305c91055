// SigningKey: a key that signs tokens, in the algorithms of JOSE (RFC 7518, RFC 8037) that Mettle
// offers. Immutable and cheap to copy; any thread. OpenSSL stays inside signing_key.cc.
//
// Signing costs 20 to 40 µs (RS256 a millisecond), verifying 40 to 120 µs; HS256 2 µs both ways.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/seams.h"

namespace mettle {

enum class SigningAlgorithm : uint8_t {
  kEdDsa,  // Ed25519
  kEs256,  // ECDSA over P-256 with SHA-256
  kRs256,  // RSASSA-PKCS1-v1_5 with SHA-256, 2048 bits
  kHs256,  // HMAC with SHA-256, 256 bits: whoever verifies can sign
};
std::string_view signing_algorithm_name(SigningAlgorithm algorithm);  // "EdDSA", "ES256", …
std::optional<SigningAlgorithm> parse_signing_algorithm(std::string_view name);

class SigningKey {
 public:
  // A new one. RSA takes a few hundred milliseconds. The keys of EdDSA and HS256 are bytes of
  // `random`; OpenSSL's own generator makes the others.
  static SigningKey generate(SigningAlgorithm algorithm, Random& random);
  // Of what private_form() gave; kInternal for anything else.
  static Result<SigningKey> parse(SigningAlgorithm algorithm, std::string_view private_form);

  SigningAlgorithm algorithm() const;
  std::string private_form() const;  // PKCS #8 DER, or the secret of HS256
  // The public half as a JWK (RFC 7517), its members in the order of RFC 7638; empty for HS256,
  // which has none.
  std::string public_jwk_members() const;
  // In the form of JWS: of ES256 the two numbers, 32 bytes each.
  std::string sign(std::string_view data) const;
  bool holds(std::string_view data, std::string_view signature) const;

 private:
  struct Inside;
  explicit SigningKey(std::shared_ptr<const Inside> inside) : inside_(std::move(inside)) {}
  std::shared_ptr<const Inside> inside_;
};

}  // namespace mettle

#include "base/verifying_key.h"

#include <gtest/gtest.h>

#include "base/fake_seams.h"
#include "base/signing_key.h"
#include "base/text.h"

namespace mettle {
namespace {

std::string jwk_of(const SigningKey& key) {
  return "{" + key.public_jwk_members() + "}";
}

struct Pair {
  SigningAlgorithm signs;
  JwsAlgorithm verifies;
};
constexpr Pair kPairs[] = {{SigningAlgorithm::kEdDsa, JwsAlgorithm::kEdDsa},
                           {SigningAlgorithm::kEs256, JwsAlgorithm::kEs256},
                           {SigningAlgorithm::kRs256, JwsAlgorithm::kRs256}};

TEST(VerifyingKey, TakesWhatTheOtherHalfSignedAndNothingElse) {
  for (const Pair& pair : kPairs) {
    const SigningKey key = SigningKey::generate(pair.signs, *system_seams().random);
    const auto theirs = VerifyingKey::parse(jwk_of(key));
    ASSERT_TRUE(theirs.has_value()) << theirs.error().inside;
    std::string signature = key.sign("words");
    EXPECT_TRUE(theirs->holds(pair.verifies, "words", signature));
    EXPECT_FALSE(theirs->holds(pair.verifies, "other words", signature));
    signature[signature.size() / 2] ^= 1;
    EXPECT_FALSE(theirs->holds(pair.verifies, "words", signature));
    EXPECT_FALSE(theirs->holds(pair.verifies, "words", ""));
    EXPECT_FALSE(theirs->holds(pair.verifies, "words", std::string(64, '\0')));
    for (const Pair& other : kPairs) {
      EXPECT_EQ(theirs->fits(other.verifies), other.verifies == pair.verifies);
    }
  }
}

TEST(VerifyingKey, AnRsaKeyIsNoKeyOfPssSignaturesThatItDidNotMake) {
  const SigningKey key = SigningKey::generate(SigningAlgorithm::kRs256, *system_seams().random);
  const auto theirs = VerifyingKey::parse(jwk_of(key));
  ASSERT_TRUE(theirs.has_value());
  const std::string signature = key.sign("words");
  for (const JwsAlgorithm other : {JwsAlgorithm::kRs384, JwsAlgorithm::kRs512, JwsAlgorithm::kPs256,
                                   JwsAlgorithm::kPs384, JwsAlgorithm::kPs512}) {
    EXPECT_TRUE(theirs->fits(other));
    EXPECT_FALSE(theirs->holds(other, "words", signature));
  }
}

TEST(VerifyingKey, RefusesKeysThatAreNoneOrWeak) {
  const std::string zeros = encode_base64url(std::string(32, '\0'));
  const std::string ones = encode_base64url(std::string(32, '\1'));
  const std::string small = encode_base64url(std::string(128, '\xff'));
  const std::string large = encode_base64url(std::string(256, '\xff'));
  const std::string bad[] = {
      "",
      "[]",
      "{}",
      R"({"kty":"oct","k":"c2VjcmV0"})",
      R"({"kty":"RSA","n":")" + small + R"(","e":"AQAB"})",
      R"({"kty":"RSA","n":")" + large + R"(","e":"AQ"})",
      R"({"kty":"RSA","n":")" + large + R"(","e":"Ag"})",
      R"({"kty":"RSA","n":"","e":"AQAB"})",
      R"({"kty":"RSA","n":"*","e":"AQAB"})",
      R"({"kty":"RSA","n":")" + encode_base64url(std::string(4096, '\xff')) + R"(","e":"AQAB"})",
      R"({"kty":"EC","crv":"P-256","x":")" + zeros + R"(","y":")" + zeros + R"("})",
      R"({"kty":"EC","crv":"P-256","x":")" + ones + R"(","y":")" + ones + R"("})",
      R"({"kty":"EC","crv":"P-384","x":")" + ones + R"(","y":")" + ones + R"("})",
      R"({"kty":"EC","crv":"secp256k1","x":")" + ones + R"(","y":")" + ones + R"("})",
      R"({"kty":"OKP","crv":"X25519","x":")" + ones + R"("})",
      R"({"kty":"OKP","crv":"Ed25519","x":"AQ"})"};
  for (const std::string& jwk : bad) {
    EXPECT_FALSE(VerifyingKey::parse(jwk).has_value()) << jwk;
  }
}

TEST(VerifyingKey, KnowsNoAlgorithmsThatAnybodyCouldSignWith) {
  for (const std::string_view name :
       {"none", "None", "HS256", "HS384", "HS512", "rs256", "RS1", "", "dir"}) {
    EXPECT_FALSE(parse_jws_algorithm(name).has_value()) << name;
  }
  EXPECT_EQ(parse_jws_algorithm("PS384"), JwsAlgorithm::kPs384);
  EXPECT_EQ(jws_digest(JwsAlgorithm::kEs384, "").size(), 48U);
  EXPECT_EQ(jws_digest(JwsAlgorithm::kEdDsa, "").size(), 64U);
  EXPECT_EQ(jws_digest(JwsAlgorithm::kRs256, "").size(), 32U);
}

}  // namespace
}  // namespace mettle

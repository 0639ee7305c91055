#include "base/signing_key.h"

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>

#include "base/check.h"
#include "base/crypto.h"
#include "base/text.h"

namespace mettle {
namespace {

template <auto kFree>
struct Freed {
  void operator()(auto* pointer) const { kFree(pointer); }
};
using PkeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using NumberPtr = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using MdContextPtr = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using EcdsaPtr = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;

constexpr size_t kSecretBytes = 32;
constexpr size_t kCurveBytes = 32;  // of P-256: a coordinate, and each half of a signature
constexpr unsigned int kRsaBits = 2048;

constexpr std::string_view kNames[] = {"EdDSA", "ES256", "RS256", "HS256"};

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

std::string random_bytes(Random& random) {
  std::string out(kSecretBytes, '\0');
  random.fill({bytes_of(out), out.size()});
  return out;
}

PkeyPtr generate_pkey(SigningAlgorithm algorithm, Random& random) {
  switch (algorithm) {
    case SigningAlgorithm::kEdDsa: {
      const std::string seed = random_bytes(random);
      return PkeyPtr(
          EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes_of(seed), seed.size()));
    }
    case SigningAlgorithm::kEs256:
      return PkeyPtr(EVP_EC_gen("P-256"));
    case SigningAlgorithm::kRs256:
      return PkeyPtr(EVP_RSA_gen(kRsaBits));
    case SigningAlgorithm::kHs256:
      break;
  }
  return nullptr;
}

bool is_of(EVP_PKEY* key, SigningAlgorithm algorithm) {
  switch (algorithm) {
    case SigningAlgorithm::kEdDsa:
      return EVP_PKEY_get_id(key) == EVP_PKEY_ED25519;
    case SigningAlgorithm::kEs256: {
      char group[32] = "";
      return EVP_PKEY_get_id(key) == EVP_PKEY_EC &&
             EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) == 1 &&
             std::string_view(group) == "prime256v1";
    }
    case SigningAlgorithm::kRs256:
      return EVP_PKEY_get_id(key) == EVP_PKEY_RSA &&
             EVP_PKEY_get_bits(key) >= static_cast<int>(kRsaBits);
    case SigningAlgorithm::kHs256:
      break;
  }
  return false;
}

// A number of the key as big-endian bytes; of `size`, or as many as it takes where that is 0.
std::string number_of(EVP_PKEY* key, const char* name, size_t size) {
  BIGNUM* raw = nullptr;
  CHECK(EVP_PKEY_get_bn_param(key, name, &raw) == 1);
  const NumberPtr number(raw);
  std::string out(size > 0 ? size : static_cast<size_t>(BN_num_bytes(raw)), '\0');
  CHECK(BN_bn2binpad(raw, bytes_of(out), static_cast<int>(out.size())) >= 0);
  return out;
}

// OpenSSL gives ECDSA signatures as DER, JWS as two numbers side by side (RFC 7518 section 3.4).
std::string ecdsa_numbers(std::string_view der) {
  const unsigned char* at = bytes_of(der);
  const EcdsaPtr parsed(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  CHECK(parsed != nullptr);
  std::string out(2 * kCurveBytes, '\0');
  CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), bytes_of(out), kCurveBytes) >= 0);
  CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), bytes_of(out) + kCurveBytes, kCurveBytes) >=
        0);
  return out;
}

std::string ecdsa_der(std::string_view numbers) {
  if (numbers.size() != 2 * kCurveBytes) return {};
  const EcdsaPtr parsed(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(bytes_of(numbers), kCurveBytes, nullptr);
  BIGNUM* s = BN_bin2bn(bytes_of(numbers) + kCurveBytes, kCurveBytes, nullptr);
  CHECK(ECDSA_SIG_set0(parsed.get(), r, s) == 1);  // takes both
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(parsed.get(), &der);
  CHECK(size > 0);
  std::string out(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return out;
}

}  // namespace

std::string_view signing_algorithm_name(SigningAlgorithm algorithm) {
  return kNames[static_cast<size_t>(algorithm)];
}

std::optional<SigningAlgorithm> parse_signing_algorithm(std::string_view name) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == name) return static_cast<SigningAlgorithm>(i);
  }
  return std::nullopt;
}

struct SigningKey::Inside {
  SigningAlgorithm algorithm = SigningAlgorithm::kEdDsa;
  PkeyPtr pkey;        // not of HS256
  std::string secret;  // of HS256

  const EVP_MD* digest() const {  // Ed25519 has its own
    return algorithm == SigningAlgorithm::kEdDsa ? nullptr : EVP_sha256();
  }
};

SigningKey SigningKey::generate(SigningAlgorithm algorithm, Random& random) {
  auto inside = std::make_shared<Inside>();
  inside->algorithm = algorithm;
  if (algorithm == SigningAlgorithm::kHs256) {
    inside->secret = random_bytes(random);
  } else {
    inside->pkey = generate_pkey(algorithm, random);
    CHECK(inside->pkey != nullptr);
  }
  return SigningKey(std::move(inside));
}

Result<SigningKey> SigningKey::parse(SigningAlgorithm algorithm, std::string_view private_form) {
  auto inside = std::make_shared<Inside>();
  inside->algorithm = algorithm;
  if (algorithm == SigningAlgorithm::kHs256) {
    // A short or empty secret would let anybody sign (trust: a usable default key).
    if (private_form.size() < kSecretBytes) {
      return fail(internal_error("a stored signing secret is shorter than 32 bytes"));
    }
    inside->secret = private_form;
    return SigningKey(std::move(inside));
  }
  const unsigned char* at = bytes_of(private_form);
  inside->pkey.reset(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(private_form.size())));
  ERR_clear_error();
  if (inside->pkey == nullptr || !is_of(inside->pkey.get(), algorithm)) {
    return fail(internal_error(
        fmt::format("a stored signing key is none of {}", signing_algorithm_name(algorithm))));
  }
  return SigningKey(std::move(inside));
}

SigningAlgorithm SigningKey::algorithm() const {
  return inside_->algorithm;
}

std::string SigningKey::private_form() const {
  if (inside_->algorithm == SigningAlgorithm::kHs256) return inside_->secret;
  PKCS8_PRIV_KEY_INFO* info = EVP_PKEY2PKCS8(inside_->pkey.get());
  CHECK(info != nullptr);
  unsigned char* der = nullptr;
  const int size = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
  PKCS8_PRIV_KEY_INFO_free(info);
  CHECK(size > 0);
  std::string out(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_clear_free(der, static_cast<size_t>(size));
  return out;
}

std::string SigningKey::public_jwk_members() const {
  EVP_PKEY* const key = inside_->pkey.get();
  switch (inside_->algorithm) {
    case SigningAlgorithm::kEdDsa: {
      std::string x(kCurveBytes, '\0');
      size_t size = x.size();
      CHECK(EVP_PKEY_get_raw_public_key(key, bytes_of(x), &size) == 1 && size == x.size());
      return fmt::format(R"("crv":"Ed25519","kty":"OKP","x":"{}")", encode_base64url(x));
    }
    case SigningAlgorithm::kEs256:
      return fmt::format(R"("crv":"P-256","kty":"EC","x":"{}","y":"{}")",
                         encode_base64url(number_of(key, OSSL_PKEY_PARAM_EC_PUB_X, kCurveBytes)),
                         encode_base64url(number_of(key, OSSL_PKEY_PARAM_EC_PUB_Y, kCurveBytes)));
    case SigningAlgorithm::kRs256:
      return fmt::format(R"("e":"{}","kty":"RSA","n":"{}")",
                         encode_base64url(number_of(key, OSSL_PKEY_PARAM_RSA_E, 0)),
                         encode_base64url(number_of(key, OSSL_PKEY_PARAM_RSA_N, 0)));
    case SigningAlgorithm::kHs256:
      break;
  }
  return {};
}

std::string SigningKey::sign(std::string_view data) const {
  if (inside_->algorithm == SigningAlgorithm::kHs256) {
    return std::string(as_text(hmac_sha256(inside_->secret, data)));
  }
  const MdContextPtr context(EVP_MD_CTX_new());
  CHECK(EVP_DigestSignInit(context.get(), nullptr, inside_->digest(), nullptr,
                           inside_->pkey.get()) == 1);
  size_t size = 0;
  CHECK(EVP_DigestSign(context.get(), nullptr, &size, bytes_of(data), data.size()) == 1);
  std::string out(size, '\0');
  CHECK(EVP_DigestSign(context.get(), bytes_of(out), &size, bytes_of(data), data.size()) == 1);
  out.resize(size);
  return inside_->algorithm == SigningAlgorithm::kEs256 ? ecdsa_numbers(out) : out;
}

bool SigningKey::holds(std::string_view data, std::string_view signature) const {
  if (inside_->algorithm == SigningAlgorithm::kHs256) {
    return equal_in_constant_time(as_text(hmac_sha256(inside_->secret, data)), signature);
  }
  std::string der;
  if (inside_->algorithm == SigningAlgorithm::kEs256) {
    der = ecdsa_der(signature);
    if (der.empty()) return false;
    signature = der;
  }
  const MdContextPtr context(EVP_MD_CTX_new());
  CHECK(EVP_DigestVerifyInit(context.get(), nullptr, inside_->digest(), nullptr,
                             inside_->pkey.get()) == 1);
  const bool holds = EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(),
                                      bytes_of(data), data.size()) == 1;
  if (!holds) ERR_clear_error();
  return holds;
}

}  // namespace mettle

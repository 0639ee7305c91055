#include "base/verifying_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <iterator>

#include "base/check.h"
#include "base/json_read.h"
#include "base/text.h"

namespace mettle {
namespace {

template <auto kFree>
struct Freed {
  void operator()(auto* pointer) const { kFree(pointer); }
};
using PkeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using PkeyContextPtr = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using BuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>>;
using ParamsPtr = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>>;
using NumberPtr = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using MdContextPtr = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using EcdsaPtr = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;

constexpr int kRsaBitsMin = 2048;
constexpr size_t kRsaBytesMax = 2048;  // 16,384 bits: longer ones only cost time
constexpr size_t kEd25519Bytes = 32;

enum class Family : uint8_t { kRsa, kRsaPss, kEc, kEd };
struct AlgorithmInfo {
  std::string_view name;
  Family family;
  const EVP_MD* (*digest)();
  std::string_view curve;  // as a JWK names it
};
constexpr AlgorithmInfo kAlgorithms[] = {
    {"RS256", Family::kRsa, EVP_sha256, ""},     {"RS384", Family::kRsa, EVP_sha384, ""},
    {"RS512", Family::kRsa, EVP_sha512, ""},     {"PS256", Family::kRsaPss, EVP_sha256, ""},
    {"PS384", Family::kRsaPss, EVP_sha384, ""},  {"PS512", Family::kRsaPss, EVP_sha512, ""},
    {"ES256", Family::kEc, EVP_sha256, "P-256"}, {"ES384", Family::kEc, EVP_sha384, "P-384"},
    {"ES512", Family::kEc, EVP_sha512, "P-521"}, {"EdDSA", Family::kEd, EVP_sha512, "Ed25519"},
};
const AlgorithmInfo& info_of(JwsAlgorithm algorithm) {
  return kAlgorithms[static_cast<size_t>(algorithm)];
}

struct Curve {
  std::string_view name;
  const char* group;
  size_t bytes;  // of a coordinate
};
constexpr Curve kCurves[] = {
    {"P-256", "prime256v1", 32}, {"P-384", "secp384r1", 48}, {"P-521", "secp521r1", 66}};
const Curve* find_curve(std::string_view name) {
  for (const Curve& curve : kCurves) {
    if (curve.name == name) return &curve;
  }
  return nullptr;
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Error refused(std::string why) {
  Error error = make_error(Code::kInvalid, "this is no key for signatures");
  error.inside = std::move(why);
  return error;
}

std::string text_of(const JsonNode& object, std::string_view name) {
  const auto member = object.find(name);
  return member && member->is_string() ? member->text() : std::string();
}

// base64url of big-endian bytes; empty where it is none.
std::string bytes_at(const JsonNode& object, std::string_view name) {
  return decode_base64url(text_of(object, name)).value_or(std::string());
}

PkeyPtr from_parameters(const char* kind, OSSL_PARAM_BLD* builder) {
  const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder));
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  EVP_PKEY* made = nullptr;
  if (params == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return nullptr;
  }
  return PkeyPtr(made);
}

NumberPtr number(std::string_view bytes) {
  return NumberPtr(BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr));
}

PkeyPtr rsa_key(const JsonNode& jwk) {
  const std::string modulus = bytes_at(jwk, "n"), exponent = bytes_at(jwk, "e");
  if (modulus.empty() || exponent.empty() || modulus.size() > kRsaBytesMax ||
      exponent.size() > sizeof(uint64_t)) {
    return nullptr;
  }
  const NumberPtr n = number(modulus), e = number(exponent);
  // An exponent of one would make every signature its own message.
  if (!BN_is_odd(e.get()) || BN_is_one(e.get()) || !BN_is_odd(n.get())) return nullptr;
  const BuilderPtr builder(OSSL_PARAM_BLD_new());
  CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1);
  CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1);
  PkeyPtr made = from_parameters("RSA", builder.get());
  if (made == nullptr || EVP_PKEY_get_bits(made.get()) < kRsaBitsMin) return nullptr;
  return made;
}

PkeyPtr ec_key(const JsonNode& jwk, const Curve& curve) {
  const std::string x = bytes_at(jwk, "x"), y = bytes_at(jwk, "y");
  if (x.size() != curve.bytes || y.size() != curve.bytes) return nullptr;
  const std::string point = '\x04' + x + y;  // SEC 1: uncompressed
  const BuilderPtr builder(OSSL_PARAM_BLD_new());
  CHECK(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.group,
                                        0) == 1);
  CHECK(OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                         point.size()) == 1);
  PkeyPtr made = from_parameters("EC", builder.get());
  if (made == nullptr) return nullptr;
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, made.get(), nullptr));
  if (context == nullptr || EVP_PKEY_public_check(context.get()) != 1) return nullptr;
  return made;
}

PkeyPtr ed_key(const JsonNode& jwk) {
  const std::string x = bytes_at(jwk, "x");
  if (x.size() != kEd25519Bytes) return nullptr;
  return PkeyPtr(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(x), x.size()));
}

// JWS has the two numbers side by side (RFC 7518 section 3.4), OpenSSL takes DER.
std::string ecdsa_der(std::string_view numbers, size_t bytes) {
  if (numbers.size() != 2 * bytes) return {};
  const EcdsaPtr parsed(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(bytes_of(numbers), static_cast<int>(bytes), nullptr);
  BIGNUM* s = BN_bin2bn(bytes_of(numbers.substr(bytes)), static_cast<int>(bytes), nullptr);
  CHECK(ECDSA_SIG_set0(parsed.get(), r, s) == 1);  // takes both
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(parsed.get(), &der);
  CHECK(size > 0);
  std::string out(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return out;
}

}  // namespace

std::optional<JwsAlgorithm> parse_jws_algorithm(std::string_view name) {
  for (size_t i = 0; i < std::size(kAlgorithms); ++i) {
    if (kAlgorithms[i].name == name) return static_cast<JwsAlgorithm>(i);
  }
  return std::nullopt;
}

std::string jws_digest(JwsAlgorithm algorithm, std::string_view data) {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  CHECK(EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(out.data()), &size,
                   info_of(algorithm).digest(), nullptr) == 1);
  out.resize(size);
  return out;
}

struct VerifyingKey::Inside {
  PkeyPtr pkey;
  Family family = Family::kRsa;  // never kRsaPss
  std::string_view curve;        // of the table
  size_t coordinate_bytes = 0;
};

Result<VerifyingKey> VerifyingKey::parse(std::string_view jwk) {
  const auto document = JsonDocument::parse(jwk);
  if (!document || !document->root().is_object()) return fail(refused("no JSON object"));
  const JsonNode root = document->root();
  const std::string kty = text_of(root, "kty"), crv = text_of(root, "crv");
  auto inside = std::make_shared<Inside>();
  if (kty == "RSA") {
    inside->pkey = rsa_key(root);
  } else if (const Curve* curve = find_curve(crv); kty == "EC" && curve != nullptr) {
    inside->family = Family::kEc;
    inside->curve = curve->name;
    inside->coordinate_bytes = curve->bytes;
    inside->pkey = ec_key(root, *curve);
  } else if (kty == "OKP" && crv == "Ed25519") {
    inside->family = Family::kEd;
    inside->curve = info_of(JwsAlgorithm::kEdDsa).curve;
    inside->pkey = ed_key(root);
  }
  ERR_clear_error();
  if (inside->pkey == nullptr) {
    return fail(refused("kty \"" + to_valid_utf8(kty) + "\", crv \"" + to_valid_utf8(crv) +
                        "\": unknown, malformed or weak"));
  }
  return VerifyingKey(std::move(inside));
}

bool VerifyingKey::fits(JwsAlgorithm algorithm) const {
  const AlgorithmInfo& info = info_of(algorithm);
  const Family family = info.family == Family::kRsaPss ? Family::kRsa : info.family;
  return family == inside_->family && info.curve == inside_->curve;
}

bool VerifyingKey::holds(JwsAlgorithm algorithm, std::string_view data,
                         std::string_view signature) const {
  if (!fits(algorithm)) return false;
  const AlgorithmInfo& info = info_of(algorithm);
  std::string der;
  if (info.family == Family::kEc) {
    der = ecdsa_der(signature, inside_->coordinate_bytes);
    if (der.empty()) return false;
    signature = der;
  }
  const MdContextPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* of_key = nullptr;
  const EVP_MD* digest = info.family == Family::kEd ? nullptr : info.digest();
  CHECK(EVP_DigestVerifyInit(context.get(), &of_key, digest, nullptr, inside_->pkey.get()) == 1);
  if (info.family == Family::kRsaPss) {
    CHECK(EVP_PKEY_CTX_set_rsa_padding(of_key, RSA_PKCS1_PSS_PADDING) == 1);
    CHECK(EVP_PKEY_CTX_set_rsa_pss_saltlen(of_key, RSA_PSS_SALTLEN_DIGEST) == 1);
  }
  const bool holds = EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(),
                                      bytes_of(data), data.size()) == 1;
  if (!holds) ERR_clear_error();
  return holds;
}

}  // namespace mettle

#include "base/crypto.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>

#include <vector>

#include "base/check.h"
#include "base/text.h"

namespace mettle {
namespace {

// Looking an algorithm up costs more than using it on a short text: once a process, and one working
// state a thread.
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  CHECK(algorithm != nullptr);
  return algorithm;
}

struct DigestState {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  DigestState() = default;
  DigestState(const DigestState&) = delete;
  DigestState& operator=(const DigestState&) = delete;
  ~DigestState() { EVP_MD_CTX_free(context); }
};

struct MacState {
  EVP_MAC_CTX* context = nullptr;
  std::string key;  // that it was last given, and keeps
  bool keyed = false;
  MacState() {
    static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    CHECK(algorithm != nullptr);
    context = EVP_MAC_CTX_new(algorithm);
    CHECK(context != nullptr);
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    CHECK(EVP_MAC_CTX_set_params(context, parameters) == 1);
  }
  MacState(const MacState&) = delete;
  MacState& operator=(const MacState&) = delete;
  ~MacState() {
    EVP_MAC_CTX_free(context);
    OPENSSL_cleanse(key.data(), key.size());
  }
  // Most codes are made with the key of the code before: then a third of the time is saved.
  void start(std::string_view wanted) {
    if (keyed && wanted == key) {
      CHECK(EVP_MAC_init(context, nullptr, 0, nullptr) == 1);
      return;
    }
    // A null pointer would mean the key of the last time, so an empty one needs an address.
    const unsigned char none = 0;
    const auto* bytes = reinterpret_cast<const unsigned char*>(wanted.data());
    CHECK(EVP_MAC_init(context, wanted.empty() ? &none : bytes, wanted.size(), nullptr) == 1);
    OPENSSL_cleanse(key.data(), key.size());
    key = wanted;
    keyed = true;
  }
};

// Both keys, made of the secret of the last time.
struct KeyedHashState {
  EVP_MAC_CTX* context = nullptr;
  std::string secret;
  bool keyed = false;
  Sha256 inner{};
  Sha256 outer{};
  KeyedHashState() {
    static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "POLY1305", nullptr);
    CHECK(algorithm != nullptr);
    context = EVP_MAC_CTX_new(algorithm);
    CHECK(context != nullptr);
  }
  KeyedHashState(const KeyedHashState&) = delete;
  KeyedHashState& operator=(const KeyedHashState&) = delete;
  ~KeyedHashState() {
    EVP_MAC_CTX_free(context);
    OPENSSL_cleanse(secret.data(), secret.size());
    OPENSSL_cleanse(inner.data(), inner.size());
    OPENSSL_cleanse(outer.data(), outer.size());
  }
  void start(std::string_view wanted) {
    if (keyed && wanted == secret) return;
    inner = hmac_sha256(wanted, "keyed_hash: Poly1305");
    outer = hmac_sha256(wanted, "keyed_hash: SHA-256");
    OPENSSL_cleanse(secret.data(), secret.size());
    secret = wanted;
    keyed = true;
  }
};

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Sha256 sha256(std::string_view data) {
  thread_local DigestState state;
  CHECK(state.context != nullptr);
  Sha256 digest;
  unsigned int size = 0;
  CHECK(EVP_DigestInit_ex2(state.context, sha256_algorithm(), nullptr) == 1);
  CHECK(EVP_DigestUpdate(state.context, data.data(), data.size()) == 1);
  CHECK(EVP_DigestFinal_ex(state.context, digest.data(), &size) == 1 && size == digest.size());
  return digest;
}

std::string sha256_hex(std::string_view data) {
  return encode_hex(as_text(sha256(data)));
}

Sha256 hmac_sha256(std::string_view key, std::string_view data) {
  thread_local MacState state;
  state.start(key);
  Sha256 code;
  size_t size = 0;
  CHECK(EVP_MAC_update(state.context, bytes_of(data), data.size()) == 1);
  CHECK(EVP_MAC_final(state.context, code.data(), &size, code.size()) == 1 && size == code.size());
  return code;
}

Sha1 hmac_sha1(std::string_view key, std::string_view data) {
  Sha1 code;
  unsigned int size = 0;
  CHECK(HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), bytes_of(data), data.size(),
             code.data(), &size) != nullptr &&
        size == code.size());
  return code;
}

Sha256 keyed_hash(std::string_view secret, std::string_view data) {
  thread_local KeyedHashState state;
  state.start(secret);
  constexpr size_t kTagBytes = 16;
  std::array<uint8_t, std::tuple_size_v<Sha256> + kTagBytes> sealed;
  std::copy(state.outer.begin(), state.outer.end(), sealed.begin());
  size_t size = 0;
  CHECK(EVP_MAC_init(state.context, state.inner.data(), state.inner.size(), nullptr) == 1);
  CHECK(EVP_MAC_update(state.context, bytes_of(data), data.size()) == 1);
  CHECK(EVP_MAC_final(state.context, sealed.data() + state.outer.size(), &size, kTagBytes) == 1 &&
        size == kTagBytes);
  return sha256({reinterpret_cast<const char*>(sealed.data()), sealed.size()});
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

std::string random_token(Random& random, size_t bytes) {
  std::vector<uint8_t> secret(bytes);
  random.fill(secret);
  std::string token = encode_base64url({reinterpret_cast<const char*>(secret.data()), bytes});
  OPENSSL_cleanse(secret.data(), secret.size());
  return token;
}

}  // namespace mettle

// What an OpenID provider says of itself (OpenID Connect Discovery 1.0) and the keys that it signs
// with (JWKS, RFC 7517), fetched through the one client and kept for a while.
//
// provider() and key() are called on any core; they wait only where something must be fetched. Who
// comes while another fetches the same may fetch it, too. Fails with kUnavailable where the
// provider cannot be reached or says what must not be believed (`inside` has what), and then at
// most once in ten seconds asks again; what was fetched before goes on for an hour.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/context.h"
#include "async/task.h"
#include "net/http_client.h"

namespace mettle::oauth {

inline constexpr size_t kDocumentBytes = size_t{256} << 10;
inline constexpr size_t kKeysMax = 100;
// Cache-Control's max-age is heeded between these; without one the first holds.
inline constexpr int64_t kKeptUs = int64_t{3600} * 1'000'000;
inline constexpr int64_t kKeptMinUs = int64_t{60} * 1'000'000;
inline constexpr int64_t kKeptMaxUs = int64_t{86'400} * 1'000'000;
inline constexpr int64_t kStaleUs = int64_t{3600} * 1'000'000;       // beyond, if it fails
inline constexpr int64_t kUnknownKeyUs = int64_t{60} * 1'000'000;    // between two looks for one
inline constexpr int64_t kFailurePauseUs = int64_t{10} * 1'000'000;  // after a fetch that failed

struct Provider {
  std::string issuer;
  std::string authorization_endpoint, token_endpoint, jwks_uri;
  std::string userinfo_endpoint, end_session_endpoint;  // may be empty
  std::vector<std::string> signing_algorithms;          // of id tokens
  std::vector<std::string> token_auth_methods;          // "client_secret_basic" if it says none
  bool has_pkce = false;                                // S256
  bool names_itself = false;  // RFC 9207: `iss` comes with each answer of the authorization
};

// A key of the provider's, for signatures.
struct ProviderKey {
  std::string kid, kty, alg;  // alg may be empty
  std::string jwk;            // JSON text
};

struct DiscoveryOptions {
  std::string issuer;  // as the app file names it; https, or http where it may be loopback
  net::Reach reach;
  // Microsoft's: the document of `common` has a place for the directory in its issuer, that of a
  // directory's name the directory's id.
  bool of_many_tenants = false;
};

class Discovery {
 public:
  Discovery(net::HttpClient& client, DiscoveryOptions options);

  Task<Result<std::shared_ptr<const Provider>>> provider(Context& ctx);
  // The key of that id. Where it is not known the keys are fetched anew, at most once a minute:
  // whoever sends tokens with ids of his own must not make us ask. nullopt: there is none.
  Task<Result<std::optional<ProviderKey>>> key(Context& ctx, std::string kid);

 private:
  using Keys = std::map<std::string, ProviderKey, std::less<>>;
  template <class T>
  struct Kept {
    std::shared_ptr<const T> value;
    int64_t fresh_until_us = 0;
    int64_t fetched_us = 0;
    int64_t failed_us = 0;  // 0: the last fetch did not fail
  };
  struct Fetched {
    std::string body;
    int64_t kept_us = kKeptUs;
  };

  Task<Result<Fetched>> fetch(Context& ctx, std::string url);
  Task<Result<std::shared_ptr<const Provider>>> fetch_provider(Context& ctx);
  Task<Result<std::shared_ptr<const Keys>>> fetch_keys(Context& ctx);
  Task<Result<std::shared_ptr<const Keys>>> keys(Context& ctx);
  template <class T>
  bool is_fresh(const Kept<T>& kept, int64_t now_us) const;
  template <class T>
  Result<std::shared_ptr<const T>> keep(Kept<T>& kept, Result<std::shared_ptr<const T>> fetched,
                                        int64_t kept_us, int64_t now_us);

  net::HttpClient& client_;
  const DiscoveryOptions options_;
  std::mutex mutex_;
  Kept<Provider> provider_;
  Kept<Keys> keys_;
  int64_t looked_us_ = INT64_MIN;  // for an unknown key
};

// What the document says, if it may be believed: `issuer` is the one that was asked for, letter
// for letter (of many tenants: but for the part before the last), and the addresses are https (http
// only where the issuer's is).
Result<Provider> read_provider(std::string_view json, const std::string& issuer,
                               bool of_many_tenants = false);
// The keys for signatures among them; those of kinds we do not know, symmetric ones, and those
// without an id are left out.
Result<std::map<std::string, ProviderKey, std::less<>>> read_keys(std::string_view json);

}  // namespace mettle::oauth

// Access tokens: JWTs (RFC 7519) signed with a key of the ring, in the profile of RFC 9068
// (typ "at+jwt"). What is taken is exactly what is made here: the algorithm is the key's, never the
// token's choice (RFC 8725 section 3.1); no `crit`, no compression, no key in the header.
//
// Pure; any thread. Making one costs a signature, checking one a verification and about 5 µs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "features/auth/key_ring.h"

namespace mettle::auth {

inline constexpr size_t kAccessTokenMax = 4096;  // bytes; a longer one is none of ours

struct AccessClaims {
  std::string subject;  // sub: the user's id
  std::string session;  // sid
  std::string id;       // jti
  std::vector<std::string> roles;
  int64_t aal = 1;
  int64_t issued_s = 0;   // iat and nbf, seconds since 1970
  int64_t expires_s = 0;  // exp
};

// iss and aud of the tokens that this server makes and takes.
struct TokenRealm {
  std::string issuer, audience;
};

std::string make_access_token(const RingKey& key, const TokenRealm& realm,
                              const AccessClaims& claims);

// kInvalidCredentials for whatever does not hold; `inside` says what.
Result<AccessClaims> check_access_token(std::string_view token, const KeyRing& ring,
                                        const TokenRealm& realm, Timestamp now);

// Whether the text has the form of a JWT at all.
bool looks_like_jwt(std::string_view text);

}  // namespace mettle::auth

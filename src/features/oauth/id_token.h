// ID tokens (OpenID Connect Core 1.0 section 2): who has signed in, in the provider's word. What is
// checked is section 3.1.3.7 and RFC 8725: the key by its id, the algorithm among those that the
// provider names and that fit the key, and every claim that says for whom, by whom and when.
//
// Pure; any thread. Nothing of a payload is believed before its signature holds. Fails with
// kInvalidCredentials, whose `inside` says what did not hold.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/value.h"
#include "base/verifying_key.h"

namespace mettle::oauth {

inline constexpr size_t kIdTokenMax = size_t{16} << 10;
inline constexpr size_t kSubjectMax = 255;
inline constexpr int64_t kSkewS = 60;  // the clocks of two servers

struct IdToken {
  std::string signed_part, payload, signature;  // the last two decoded
  std::string kid;
  JwsAlgorithm algorithm = JwsAlgorithm::kRs256;
};
// Its parts; refuses "none", HMACs, tokens of other types and headers with `crit`.
Result<IdToken> read_id_token(std::string_view token);

struct IdTokenWanted {
  std::string issuer;  // as the provider's document has it
  std::string client_id;
  std::string nonce;
  std::vector<std::string> algorithms;  // those that the provider names; none: RS256
  std::string access_token;             // what came beside it, for at_hash; may be empty
};
struct IdClaims {
  std::string issuer, subject;
  std::string email;  // as told; may be empty
  bool email_verified = false;
  std::string json;  // all of them
};
Result<IdClaims> check_id_token(const IdToken& token, const VerifyingKey& key,
                                const IdTokenWanted& wanted, Timestamp now);

// What UserInfo adds (section 5.3) where the token has no address: only if it is about the same
// subject.
Result<IdClaims> with_user_info(IdClaims claims, std::string_view user_info);

// The issuer of Microsoft's tokens for several directories has a place for the directory's id.
inline constexpr std::string_view kTenantPlace = "{tenantid}";

}  // namespace mettle::oauth

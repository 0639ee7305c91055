// KeyRing: the keys that access tokens are signed with, as they stand in mettle_signing_keys at one
// moment. The newest whose time has come signs; those before it still verify until the last token
// they signed has expired. A new key is in the ring (and in the JWKS) for a while before it signs,
// so that whoever keeps a copy of the JWKS has it by then. Immutable; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/signing_key.h"
#include "base/value.h"

namespace mettle::auth {

struct RingKey {
  std::string kid;  // RFC 7638's thumbprint; of HS256 random
  SigningKey key;
  Timestamp signs_from;
};

class KeyRing {
 public:
  // `keys` in order of signs_from; a token lives at most `token_life`; `algorithm` signs.
  KeyRing(std::vector<RingKey> keys, Duration token_life, SigningAlgorithm algorithm);

  // The key that signs at that time; nullptr: there is none of the algorithm.
  const RingKey* signing(Timestamp now) const;
  // The key of that id, if its signatures count at that time.
  const RingKey* find(std::string_view kid, Timestamp now) const;
  // RFC 7517 section 5: every key that others need to verify what was or will soon be signed.
  std::string jwks(Timestamp now) const;

 private:
  bool counts(size_t index, Timestamp now) const;

  const std::vector<RingKey> keys_;
  const Duration token_life_;
  const SigningAlgorithm algorithm_;
};

std::string new_kid(const SigningKey& key, Random& random);

}  // namespace mettle::auth

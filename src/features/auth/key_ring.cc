#include "features/auth/key_ring.h"

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/text.h"

namespace mettle::auth {

KeyRing::KeyRing(std::vector<RingKey> keys, Duration token_life, SigningAlgorithm algorithm)
    : keys_(std::move(keys)), token_life_(token_life), algorithm_(algorithm) {}

// Until the key after it has signed for as long as a token lives. The one that signs does however
// old it is: an app that goes back to an algorithm goes back to its key.
bool KeyRing::counts(size_t index, Timestamp now) const {
  if (index + 1 >= keys_.size() || &keys_[index] == signing(now)) return true;
  return now.us < keys_[index + 1].signs_from.us + token_life_.us;
}

const RingKey* KeyRing::signing(Timestamp now) const {
  const RingKey* found = nullptr;
  for (const RingKey& key : keys_) {
    if (key.key.algorithm() != algorithm_) continue;
    // A clock that was set back must not leave a server that cannot sign.
    if (found == nullptr || key.signs_from.us <= now.us) found = &key;
  }
  return found;
}

const RingKey* KeyRing::find(std::string_view kid, Timestamp now) const {
  for (size_t i = 0; i < keys_.size(); ++i) {
    if (keys_[i].kid == kid) return counts(i, now) ? &keys_[i] : nullptr;
  }
  return nullptr;
}

std::string KeyRing::jwks(Timestamp now) const {
  std::string out = R"({"keys":[)";
  bool first = true;
  for (size_t i = 0; i < keys_.size(); ++i) {
    const std::string members = keys_[i].key.public_jwk_members();
    if (members.empty() || !counts(i, now)) continue;
    out += fmt::format(R"({}{{{},"kid":"{}","alg":"{}","use":"sig"}})", first ? "" : ",", members,
                       keys_[i].kid, signing_algorithm_name(keys_[i].key.algorithm()));
    first = false;
  }
  return out + "]}";
}

std::string new_kid(const SigningKey& key, Random& random) {
  const std::string members = key.public_jwk_members();
  if (members.empty()) return random_token(random, 16);
  return encode_base64url(as_text(sha256("{" + members + "}")));
}

}  // namespace mettle::auth

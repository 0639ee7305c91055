// The store of the keys that sign access tokens; every node on the database uses the same.
//
//   mettle_signing_keys(kid, algorithm, private, created_at, signs_from, revoked_at)
//
// On a core. SigningKeys is shared by all cores; a look at the table every few seconds finds what
// another process has rotated.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "async/context.h"
#include "async/task.h"
#include "db/db.h"
#include "features/auth/key_ring.h"

namespace mettle::auth {

std::vector<std::string> signing_key_tables();

// A new key is published so long before it signs.
inline constexpr int64_t kKeyOverlapUs = 600'000'000;

class SigningKeys {
 public:
  // The ring as it is now, with a key of that algorithm that signs: made where there is none.
  Task<Result<std::shared_ptr<const KeyRing>>> ring(Context& ctx, db::Store& store,
                                                    SigningAlgorithm algorithm,
                                                    Duration token_life);

 private:
  std::mutex mutex_;
  std::shared_ptr<const KeyRing> ring_;
  SigningAlgorithm algorithm_ = SigningAlgorithm::kEdDsa;
  Duration token_life_;
  int64_t read_at_us_ = 0;  // monotonic
};

enum class Rotate : uint8_t {
  kGently,  // the new key signs in ten minutes; what the old one signed stays good
  kAtOnce,  // the old keys are revoked: every access token is refused from now on
};
// The new key's id.
Task<Result<std::string>> rotate_signing_key(Context& ctx, db::Store& store,
                                             SigningAlgorithm algorithm, Rotate how);

}  // namespace mettle::auth

// What all of sign-in shares, over snapshots and cores: the hasher of passwords, the keys that
// sign, the secret that chains refresh tokens, and what was found out about credentials a moment
// ago. Any core.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "features/auth/jwt.h"
#include "features/auth/password_hasher.h"
#include "features/auth/sessions.h"
#include "features/auth/signing_keys.h"
#include "records/principal.h"
#include "rules/rules.h"

namespace mettle::auth {

class SignIn;

// What a version of the app file makes of it.
struct SignInCode {
  std::shared_ptr<SignIn> shared;
  std::shared_ptr<const model::AppModel> app;
  std::shared_ptr<const People> people;
  rules::ExprRef invite;  // auth.invite; nullptr: nobody invites
  TokenRealm realm;
  SigningAlgorithm algorithm = SigningAlgorithm::kEdDsa;
  Duration access_life, refresh_life;
  bool secure_cookies = true;  // the site is reached by HTTPS
};

// Credentials that held, so that a token that comes with every request is verified once. Each entry
// is looked up in the database again after kCheckEveryUs, and at once after something ended here;
// so what another process ends works no longer than that. Bounded; any core.
class KnownCredentials {
 public:
  static constexpr int64_t kCheckEveryUs = 1'000'000;
  static constexpr size_t kMax = 100'000;

  struct Known {
    records::Principal principal;
    Timestamp expires_at;       // of the token; a session's own end is looked up
    int64_t checked_us = 0;     // monotonic
    uint64_t ended_before = 0;  // ended() at that time
    uint64_t app = 0;           // Snapshot::serial(): another may know other tenants
    bool fresh(int64_t now_us, uint64_t ended, uint64_t app_now) const {
      return ended_before == ended && app == app_now && now_us - checked_us < kCheckEveryUs;
    }
  };
  std::shared_ptr<const Known> find(std::string_view credential) const;
  void keep(std::string credential, std::shared_ptr<const Known> known);
  void forget(std::string_view credential);

  // Something that credentials stand on has ended or changed: sessions, roles, a person.
  void something_ended() { ended_.fetch_add(1, std::memory_order_release); }
  uint64_t ended() const { return ended_.load(std::memory_order_acquire); }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  static constexpr size_t kShards = 16;
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string, std::shared_ptr<const Known>, Hash, std::equal_to<>> known;
  };
  Shard& shard_of(std::string_view credential) const;

  mutable Shard shards_[kShards];
  std::atomic<uint64_t> ended_{0};
};

class SignIn {
 public:
  PasswordHasher& hasher() { return hasher_; }
  KnownCredentials& known() { return known_; }

  Task<Result<std::shared_ptr<const KeyRing>>> ring(Context& ctx, db::Store& store,
                                                    const SignInCode& code);
  // The secret of refresh tokens.
  Task<Result<std::string>> chain_key(Context& ctx, db::Store& store);

 private:
  PasswordHasher hasher_;
  SigningKeys keys_;
  KnownCredentials known_;
  std::mutex mutex_;
  std::string chain_key_;
};

// The access token of a session as of its last rotation: the same text however often it is made
// (with algorithms whose signatures are not random).
std::string access_token_of(const SignedIn& who, const SignInCode& code, const RingKey& key);

records::Principal principal_of(const SignedIn& who, const model::AppModel& app);

}  // namespace mettle::auth

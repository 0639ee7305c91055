#include "features/auth/sign_in.h"

#include <fmt/format.h>

#include "engine/node_secrets.h"

namespace mettle::auth {

KnownCredentials::Shard& KnownCredentials::shard_of(std::string_view credential) const {
  return shards_[std::hash<std::string_view>{}(credential) % kShards];
}

std::shared_ptr<const KnownCredentials::Known> KnownCredentials::find(
    std::string_view credential) const {
  Shard& shard = shard_of(credential);
  const std::lock_guard lock(shard.mutex);
  const auto it = shard.known.find(credential);
  return it == shard.known.end() ? nullptr : it->second;
}

void KnownCredentials::keep(std::string credential, std::shared_ptr<const Known> known) {
  Shard& shard = shard_of(credential);
  const std::lock_guard lock(shard.mutex);
  if (shard.known.size() >= kMax / kShards) shard.known.clear();
  shard.known.insert_or_assign(std::move(credential), std::move(known));
}

void KnownCredentials::forget(std::string_view credential) {
  Shard& shard = shard_of(credential);
  const std::lock_guard lock(shard.mutex);
  const auto it = shard.known.find(credential);
  if (it != shard.known.end()) shard.known.erase(it);
}

Task<Result<std::shared_ptr<const KeyRing>>> SignIn::ring(Context& ctx, db::Store& store,
                                                          const SignInCode& code) {
  return keys_.ring(ctx, store, code.algorithm, code.access_life);
}

Task<Result<std::string>> SignIn::chain_key(Context& ctx, db::Store& store) {
  {
    const std::lock_guard lock(mutex_);
    if (!chain_key_.empty()) co_return chain_key_;
  }
  CO_TRY(std::string key, co_await engine::node_secret(ctx, store, "refresh_tokens"));
  const std::lock_guard lock(mutex_);
  chain_key_ = key;
  co_return key;
}

std::string access_token_of(const SignedIn& who, const SignInCode& code, const RingKey& key) {
  constexpr int64_t kUsPerSecond = 1'000'000;
  AccessClaims claims;
  claims.subject = id_text(who.person.id);
  claims.session = who.session.id;
  claims.id = fmt::format("{}.{}", who.session.id, who.session.generation);
  claims.roles = code.app->auth.with_inherited(who.person.roles);
  claims.aal = who.session.aal;
  claims.issued_s = who.session.rotated_at.us / kUsPerSecond;
  claims.expires_s = claims.issued_s + code.access_life.us / kUsPerSecond;
  return make_access_token(key, code.realm, claims);
}

records::Principal principal_of(const SignedIn& who, const model::AppModel& app) {
  records::Principal principal;
  principal.kind = records::Principal::Kind::kUser;
  principal.name = "user:" + id_text(who.person.id);
  principal.id = who.person.id;
  principal.tenant = who.person.tenant;
  principal.session = who.session.id;
  principal.roles = app.auth.with_inherited(who.person.roles);
  principal.aal = static_cast<int>(who.session.aal);
  return principal;
}

}  // namespace mettle::auth

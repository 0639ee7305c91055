#include "features/auth/authenticate.h"

#include "base/mutant.h"
#include "base/text.h"
#include "engine/snapshot.h"
#include "records/door.h"

namespace mettle::auth {

namespace {

constexpr int64_t kTouchTimeoutUs = 1'000'000;
constexpr size_t kTouchedMax = 10'000;

Error refused(std::string_view detail) {
  return make_error(Code::kInvalidCredentials, std::string(detail));
}

}  // namespace

Result<std::optional<std::string_view>> bearer_of(const net::Request& request) {
  const auto header = request.header("Authorization");
  if (!header) return std::nullopt;
  if (request.count("Authorization") > 1) {
    return fail(refused("more than one Authorization header was sent"));
  }
  const auto [scheme, rest] = split_once(*header, ' ');
  if (!iequals(scheme, "Bearer")) {
    return fail(refused("credentials are sent as `Authorization: Bearer KEY`"));
  }
  const std::string_view token = trim_ascii(rest.value_or(std::string_view()));
  if (token.empty()) return fail(refused("no key follows `Bearer`"));
  return token;
}

records::Principal principal_of(const Key& key, const model::AppModel& app) {
  records::Principal who;
  who.kind = records::Principal::Kind::kKey;
  who.name = "key:" + key.id;
  who.id = user_id_value(app, key.user_id);
  who.roles = planted(Mutant::kRolesIgnored) ? app.auth.roles : app.auth.with_inherited(key.roles);
  who.scopes = key.scopes;
  return who;
}

bool KeyAuthenticator::takes_touch(const Key& key, Timestamp now) {
  if (key.last_used_at && now.us - key.last_used_at->us < kTouchEveryUs) return false;
  const std::lock_guard lock(mutex_);
  if (touched_.size() >= kTouchedMax) touched_.clear();
  auto [it, fresh] = touched_.try_emplace(key.id, now);
  if (!fresh && now.us - it->second.us < kTouchEveryUs) return false;
  it->second = now;
  return true;
}

Task<Result<records::Principal>> KeyAuthenticator::authenticate(Context& ctx,
                                                                const net::Request& request,
                                                                const engine::Snapshot& app) {
  CO_TRY(const std::optional<std::string_view> token, bearer_of(request));
  if (!token) co_return records::Principal();
  db::Store& store = app.door().store();
  CO_TRY(const std::optional<Key> key, co_await find_key(ctx, store, std::string(*token)));
  // The same answer whether it never was, is over, or was revoked.
  if (!key) co_return fail(refused("this key does not work"));
  if (takes_touch(*key, ctx.seams().clock->now())) {
    Context brief = ctx.child(kTouchTimeoutUs);
    static_cast<void>(co_await touch_key(brief, store, key->id));  // the request goes on without
  }
  co_return principal_of(*key, app.model());
}

}  // namespace mettle::auth

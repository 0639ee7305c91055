#include "features/auth/authenticate.h"

#include "base/crypto.h"
#include "base/mutant.h"
#include "base/text.h"
#include "engine/snapshot.h"
#include "features/auth/credential.h"
#include "features/auth/cross_site.h"
#include "features/auth/services.h"
#include "features/auth/session_cookie.h"
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

Task<Result<std::optional<records::Principal>>> principal_of_key(Context& ctx, db::Store& store,
                                                                 const Key& key,
                                                                 const model::AppModel& app,
                                                                 const People* people) {
  const std::optional<records::Principal> nobody;
  records::Principal who;
  who.kind = records::Principal::Kind::kKey;
  who.name = "key:" + key.id;
  who.scopes = key.scopes;
  who.roles = app.auth.with_inherited(key.roles);
  if (!key.user_id.empty()) {
    who.id = user_id_value(app, key.user_id);
    if (people == nullptr || who.id.is_unknown()) co_return nobody;
    CO_TRY(const std::optional<Person> person, co_await people->find(ctx, store, who.id));
    const bool there = person && !person->disabled;
    if (!there && !planted(Mutant::kKeyOutlivesPerson)) co_return nobody;
    if (person) who.tenant = person->tenant;
  }
  if (!key.service.empty()) {
    CO_TRY(const std::optional<Service> service, co_await find_service(ctx, store, key.service));
    if (!service || service->disabled_at) co_return nobody;
    who.kind = records::Principal::Kind::kService;
    // What was taken from the account is taken from its keys.
    std::vector<std::string> given = service->roles;
    if (!key.roles.empty()) {
      std::erase_if(given, [&key](const std::string& role) {
        return std::ranges::find(key.roles, role) == key.roles.end();
      });
    }
    who.roles = app.auth.with_inherited(given);
    who.name = std::string(kServicePrefix) + service->name;
  }
  if (planted(Mutant::kRolesIgnored)) who.roles = app.auth.roles;
  co_return who;
}

bool CredentialAuthenticator::takes_touch(const Key& key, Timestamp now) {
  if (key.last_used_at && now.us - key.last_used_at->us < kTouchEveryUs) return false;
  const std::lock_guard lock(mutex_);
  if (touched_.size() >= kTouchedMax) touched_.clear();
  auto [it, fresh] = touched_.try_emplace(key.id, now);
  if (!fresh && now.us - it->second.us < kTouchEveryUs) return false;
  it->second = now;
  return true;
}

Task<Result<records::Principal>> CredentialAuthenticator::by_key(Context& ctx,
                                                                 std::string_view text,
                                                                 const engine::Snapshot& app) {
  db::Store& store = app.door().store();
  CO_TRY(const std::optional<Key> key, co_await find_key(ctx, store, std::string(text)));
  if (!key) co_return fail(refused("this key does not work"));
  const auto* code = app.part<SignInCode>();
  CO_TRY(std::optional<records::Principal> who,
         co_await principal_of_key(ctx, store, *key, app.model(),
                                   code == nullptr ? nullptr : code->people.get()));
  // The same answer whether it never was, is over, was revoked, or who it stands for was.
  if (!who) co_return fail(refused("this key does not work"));
  if (takes_touch(*key, ctx.seams().clock->now())) {
    Context brief = ctx.child(kTouchTimeoutUs);
    static_cast<void>(co_await touch_key(brief, store, key->id));  // the request goes on without
  }
  co_return std::move(*who);
}

Task<Result<records::Principal>> CredentialAuthenticator::by_token(Context& ctx,
                                                                   std::string_view token,
                                                                   const engine::Snapshot& app,
                                                                   const SignInCode& code) {
  using Known = KnownCredentials::Known;
  KnownCredentials& credentials = sign_in_->known();
  const Timestamp now = ctx.seams().clock->now();
  const int64_t now_us = ctx.seams().clock->monotonic_us();
  const uint64_t ended = credentials.ended();
  const std::shared_ptr<const Known> known = credentials.find(token);
  if (known && known->expires_at > now && known->fresh(now_us, ended, app.serial()))
    co_return known->principal;
  db::Store& store = app.door().store();
  CO_TRY(const std::shared_ptr<const KeyRing> ring, co_await sign_in_->ring(ctx, store, code));
  auto claims = check_access_token(token, *ring, code.realm, now);
  if (!claims) {
    credentials.forget(token);
    co_return fail(std::move(claims.error()));
  }
  CO_TRY(const std::optional<SignedIn> who,
         co_await find_session(ctx, store, *code.people, claims->session));
  if (!who || !who->works_at(now) || id_text(who->person.id) != claims->subject) {
    credentials.forget(token);
    co_return fail(refused("this session has ended; sign in again"));
  }
  Known next;
  next.principal = principal_of(*who, app.model());
  next.expires_at = Timestamp{claims->expires_s * 1'000'000};
  next.checked_us = now_us;
  next.ended_before = ended;
  next.app = app.serial();
  records::Principal principal = next.principal;
  credentials.keep(std::string(token), std::make_shared<const Known>(std::move(next)));
  co_return principal;
}

Task<Result<records::Principal>> CredentialAuthenticator::by_cookie(Context& ctx,
                                                                    const net::Request& request,
                                                                    std::string_view value,
                                                                    const engine::Snapshot& app,
                                                                    const SignInCode& code) {
  using Known = KnownCredentials::Known;
  CO_TRY_VOID(check_cross_site(request, app.model()));
  KnownCredentials& credentials = sign_in_->known();
  const int64_t now_us = ctx.seams().clock->monotonic_us();
  const uint64_t ended = credentials.ended();
  const std::shared_ptr<const Known> known = credentials.find(value);
  if (known && known->fresh(now_us, ended, app.serial())) co_return known->principal;
  const Timestamp now = ctx.seams().clock->now();
  const auto cookie = parse_credential(kCookiePrefix, value);
  // A browser goes on sending what it has: one that is over makes its bearer nobody, who may sign
  // in.
  if (!cookie) co_return records::Principal();
  db::Store& store = app.door().store();
  CO_TRY(const std::optional<SignedIn> who,
         co_await find_session(ctx, store, *code.people, std::string(cookie->id)));
  if (!who || !who->session.cookie || !who->works_at(now) ||
      !equal_in_constant_time(secret_hash(cookie->secret), who->session.secret_hash)) {
    credentials.forget(value);
    co_return records::Principal();
  }
  if (now.us - who->session.last_used_at.us >= kTouchEveryUs) {
    Context brief = ctx.child(kTouchTimeoutUs);
    static_cast<void>(co_await touch_session(brief, store, who->session.id, code.refresh_life));
  }
  Known next;
  next.principal = principal_of(*who, app.model());
  next.checked_us = now_us;
  next.ended_before = ended;
  next.app = app.serial();
  records::Principal principal = next.principal;
  credentials.keep(std::string(value), std::make_shared<const Known>(std::move(next)));
  co_return principal;
}

Task<Result<records::Principal>> CredentialAuthenticator::authenticate(
    Context& ctx, const net::Request& request, const engine::Snapshot& app) {
  const auto* code = app.part<SignInCode>();
  CO_TRY(const std::optional<std::string_view> token, bearer_of(request));
  if (token && code != nullptr && looks_like_jwt(*token)) {
    co_return co_await by_token(ctx, *token, app, *code);
  }
  if (token) co_return co_await by_key(ctx, *token, app);
  if (code == nullptr) co_return records::Principal();
  const auto cookie = session_cookie(request, code->secure_cookies);
  if (!cookie) co_return records::Principal();
  co_return co_await by_cookie(ctx, request, *cookie, app, *code);
}

}  // namespace mettle::auth

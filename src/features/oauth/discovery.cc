#include "features/oauth/discovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/json_read.h"
#include "base/text.h"

namespace mettle::oauth {
namespace {

constexpr std::string_view kWellKnown = "/.well-known/openid-configuration";
constexpr int kTries = 2;
constexpr std::chrono::milliseconds kTimeout{5000};

Error not_believed(std::string why) {
  Error error = make_error(Code::kUnavailable, "the identity provider cannot be used now");
  error.inside = std::move(why);
  return error;
}

std::string text_of(JsonNode object, std::string_view name) {
  const auto member = object.find(name);
  return member && member->is_string() ? member->text() : std::string();
}

std::vector<std::string> texts_of(JsonNode object, std::string_view name) {
  std::vector<std::string> out;
  const auto member = object.find(name);
  if (!member || !member->is_array()) return out;
  for (const JsonNode each : member->elements()) {
    if (each.is_string()) out.push_back(each.text());
  }
  return out;
}

bool contains(const std::vector<std::string>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

// An address without fragment, blanks and controls, over TLS where the issuer is.
bool is_endpoint(std::string_view url, bool plain_allowed) {
  const bool scheme = url.starts_with("https://") || (plain_allowed && url.starts_with("http://"));
  return scheme && url.find('#') == std::string_view::npos &&
         std::ranges::all_of(url, [](char c) { return c > ' ' && c < 0x7f; });
}

// "https://host/{tenantid}/v2.0" for "https://host/common/v2.0". A directory's id must be what was
// asked for: it is, where it was asked for.
bool is_of_same_host(std::string_view told, std::string_view asked) {
  constexpr size_t kIdLength = 36;
  const auto parts_of = [](std::string_view text) { return split(text, '/'); };
  const auto mine = parts_of(told), theirs = parts_of(asked);
  if (mine.size() != theirs.size() || mine.size() < 2) return false;
  const size_t place = mine.size() - 2;
  if (theirs[place].size() == kIdLength) return false;
  for (size_t i = 0; i < mine.size(); ++i) {
    if (i != place && mine[i] != theirs[i]) return false;
  }
  const bool is_id = mine[place].size() == kIdLength &&
                     mine[place].find_first_not_of("0123456789abcdef-") == std::string_view::npos;
  return mine[place] == "{tenantid}" || is_id;
}

// RFC 9111 section 5.2.2: how long an answer may be used.
int64_t kept_us(const net::HttpAnswer& answer) {
  const auto control = answer.header("Cache-Control");
  if (!control) return kKeptUs;
  for (const std::string_view part : split(*control, ',')) {
    const auto [name, value] = split_once(trim_ascii(part), '=');
    if (iequals(name, "no-store") || iequals(name, "no-cache")) return kKeptMinUs;
    if (!iequals(name, "max-age") || !value) continue;
    int64_t seconds = 0;
    const auto read = std::from_chars(value->data(), value->data() + value->size(), seconds);
    if (read.ec != std::errc{} || seconds < 0) return kKeptMinUs;
    return std::clamp(std::min(seconds, kKeptMaxUs / 1'000'000) * 1'000'000, kKeptMinUs,
                      kKeptMaxUs);
  }
  return kKeptUs;
}

std::optional<ProviderKey> read_key(JsonNode node) {
  if (!node.is_object()) return std::nullopt;
  ProviderKey key;
  key.kid = text_of(node, "kid");
  key.kty = text_of(node, "kty");
  key.alg = text_of(node, "alg");
  const std::string use = text_of(node, "use");
  // "oct" is a secret: a provider that publishes one would let anybody sign.
  const bool known = key.kty == "RSA" || key.kty == "EC" || key.kty == "OKP";
  if (!known || key.kid.empty() || (!use.empty() && use != "sig")) return std::nullopt;
  if (node.find("key_ops") && !contains(texts_of(node, "key_ops"), "verify")) return std::nullopt;
  key.jwk = node.minified();
  return key;
}

}  // namespace

Result<Provider> read_provider(std::string_view json, const std::string& issuer,
                               bool of_many_tenants) {
  const auto document = JsonDocument::parse(json);
  if (!document || !document->root().is_object()) {
    return fail(not_believed("the provider's document is no JSON object"));
  }
  const JsonNode root = document->root();
  Provider out;
  out.issuer = text_of(root, "issuer");
  // Letter for letter: another issuer could otherwise speak for this one.
  const bool fits =
      out.issuer == issuer || (of_many_tenants && is_of_same_host(out.issuer, issuer));
  if (!fits) {
    return fail(not_believed(fmt::format("the document of {} is of the issuer \"{}\"", issuer,
                                         to_valid_utf8(out.issuer))));
  }
  const bool plain = issuer.starts_with("http://");
  const auto endpoint = [&](std::string_view name, bool required, std::string& to) -> Result<> {
    to = text_of(root, name);
    if (to.empty() && !required) return {};
    if (!is_endpoint(to, plain)) return fail(not_believed(fmt::format("{} is no address", name)));
    return {};
  };
  TRY_VOID(endpoint("authorization_endpoint", true, out.authorization_endpoint));
  TRY_VOID(endpoint("token_endpoint", true, out.token_endpoint));
  TRY_VOID(endpoint("jwks_uri", true, out.jwks_uri));
  TRY_VOID(endpoint("userinfo_endpoint", false, out.userinfo_endpoint));
  TRY_VOID(endpoint("end_session_endpoint", false, out.end_session_endpoint));
  out.signing_algorithms = texts_of(root, "id_token_signing_alg_values_supported");
  out.token_auth_methods = texts_of(root, "token_endpoint_auth_methods_supported");
  if (out.token_auth_methods.empty()) out.token_auth_methods = {"client_secret_basic"};
  out.has_pkce = contains(texts_of(root, "code_challenge_methods_supported"), "S256");
  const auto names = root.find("authorization_response_iss_parameter_supported");
  out.names_itself = names && names->minified() == "true";
  return out;
}

Result<std::map<std::string, ProviderKey, std::less<>>> read_keys(std::string_view json) {
  const auto document = JsonDocument::parse(json);
  const auto list =
      document && document->root().is_object() ? document->root().find("keys") : std::nullopt;
  if (!list || !list->is_array()) return fail(not_believed("the provider's keys are no JWKS"));
  std::map<std::string, ProviderKey, std::less<>> out;
  for (const JsonNode node : list->elements()) {
    auto key = read_key(node);
    if (!key) continue;
    // Two keys of one id: which one signed cannot be told.
    const std::string kid = key->kid;
    if (!out.emplace(kid, std::move(*key)).second) {
      return fail(not_believed("two of the provider's keys have one id"));
    }
    if (out.size() > kKeysMax) return fail(not_believed("the provider has too many keys"));
  }
  return out;
}

Discovery::Discovery(net::HttpClient& client, DiscoveryOptions options)
    : client_(client), options_(std::move(options)) {}

Task<Result<Discovery::Fetched>> Discovery::fetch(Context& ctx, std::string url) {
  net::HttpCall call;
  call.url = std::move(url);
  call.headers.emplace_back("Accept", "application/json");
  call.answer_bytes_max = kDocumentBytes;
  call.reach = options_.reach;
  call.tries = kTries;
  call.timeout = kTimeout;
  auto answer = co_await client_.send(ctx, std::move(call));
  if (!answer) {
    Error error = std::move(answer.error());
    if (error.code == Code::kCancelled) co_return fail(std::move(error));
    co_return fail(not_believed(error.detail + "; " + error.inside));
  }
  if (answer->status != 200) {
    co_return fail(not_believed(fmt::format("the provider answered {}", answer->status)));
  }
  Fetched out;
  out.kept_us = kept_us(*answer);
  out.body = std::move(answer->body);
  co_return out;
}

template <class T>
bool Discovery::is_fresh(const Kept<T>& kept, int64_t now_us) const {
  if (kept.value == nullptr) return false;
  if (now_us < kept.fresh_until_us) return true;
  // Stale: used on while a fetch has just failed, and not for ever.
  const bool just_failed = kept.failed_us != 0 && now_us - kept.failed_us < kFailurePauseUs;
  return just_failed && now_us < kept.fresh_until_us + kStaleUs;
}

template <class T>
Result<std::shared_ptr<const T>> Discovery::keep(Kept<T>& kept,
                                                 Result<std::shared_ptr<const T>> fetched,
                                                 int64_t kept_us, int64_t now_us) {
  const std::lock_guard lock(mutex_);
  if (fetched) {
    kept = {std::move(*fetched), now_us + kept_us, now_us, 0};
    return kept.value;
  }
  if (fetched.error().code == Code::kCancelled) return fetched;
  kept.failed_us = now_us;
  if (kept.value != nullptr && now_us < kept.fresh_until_us + kStaleUs) return kept.value;
  return fetched;
}

Task<Result<std::shared_ptr<const Provider>>> Discovery::provider(Context& ctx) {
  const int64_t now_us = ctx.seams().clock->monotonic_us();
  {
    const std::lock_guard lock(mutex_);
    if (is_fresh(provider_, now_us)) co_return provider_.value;
    const bool just_failed = provider_.failed_us != 0 && provider_.value == nullptr &&
                             now_us - provider_.failed_us < kFailurePauseUs;
    if (just_failed) co_return fail(not_believed("it could not be a moment ago"));
  }
  co_return co_await fetch_provider(ctx);
}

Task<Result<std::shared_ptr<const Provider>>> Discovery::fetch_provider(Context& ctx) {
  std::string base = options_.issuer;
  if (base.ends_with('/')) base.pop_back();
  const int64_t now_us = ctx.seams().clock->monotonic_us();
  auto fetched = co_await fetch(ctx, base + std::string(kWellKnown));
  if (!fetched) {
    co_return keep<Provider>(provider_, fail(std::move(fetched.error())), 0, now_us);
  }
  auto read = read_provider(fetched->body, options_.issuer, options_.of_many_tenants);
  if (!read) co_return keep<Provider>(provider_, fail(std::move(read.error())), 0, now_us);
  co_return keep<Provider>(provider_, std::make_shared<const Provider>(std::move(*read)),
                           fetched->kept_us, now_us);
}

Task<Result<std::shared_ptr<const Discovery::Keys>>> Discovery::fetch_keys(Context& ctx) {
  CO_TRY(const std::shared_ptr<const Provider> of, co_await provider(ctx));
  const int64_t now_us = ctx.seams().clock->monotonic_us();
  auto fetched = co_await fetch(ctx, of->jwks_uri);
  if (!fetched) co_return keep<Keys>(keys_, fail(std::move(fetched.error())), 0, now_us);
  auto read = read_keys(fetched->body);
  if (!read) co_return keep<Keys>(keys_, fail(std::move(read.error())), 0, now_us);
  co_return keep<Keys>(keys_, std::make_shared<const Keys>(std::move(*read)), fetched->kept_us,
                       now_us);
}

Task<Result<std::shared_ptr<const Discovery::Keys>>> Discovery::keys(Context& ctx) {
  const int64_t now_us = ctx.seams().clock->monotonic_us();
  {
    const std::lock_guard lock(mutex_);
    if (is_fresh(keys_, now_us)) co_return keys_.value;
    const bool just_failed = keys_.failed_us != 0 && keys_.value == nullptr &&
                             now_us - keys_.failed_us < kFailurePauseUs;
    if (just_failed) co_return fail(not_believed("its keys could not be had a moment ago"));
  }
  co_return co_await fetch_keys(ctx);
}

Task<Result<std::optional<ProviderKey>>> Discovery::key(Context& ctx, std::string kid) {
  const int64_t now_us = ctx.seams().clock->monotonic_us();
  CO_TRY(std::shared_ptr<const Keys> known, co_await keys(ctx));
  auto found = known->find(kid);
  if (found == known->end()) {
    {
      const std::lock_guard lock(mutex_);
      const bool fetched_now = keys_.fetched_us >= now_us;
      const bool looked = looked_us_ != INT64_MIN && now_us - looked_us_ < kUnknownKeyUs;
      if (fetched_now || looked) co_return std::optional<ProviderKey>();
      looked_us_ = now_us;
    }
    CO_TRY(known, co_await fetch_keys(ctx));
    found = known->find(kid);
  }
  if (found == known->end()) co_return std::optional<ProviderKey>();
  co_return std::optional<ProviderKey>(found->second);
}

}  // namespace mettle::oauth

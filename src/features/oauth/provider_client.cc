#include "features/oauth/provider_client.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crypto.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/signing_key.h"
#include "base/text.h"
#include "features/oauth/return_to.h"

namespace mettle::oauth {
namespace {

using Kind = model::IdentityProvider::Kind;

constexpr size_t kAnswerBytes = size_t{256} << 10;
constexpr std::chrono::milliseconds kTimeout{10'000};
constexpr int kReadTries = 2;
constexpr std::string_view kApple = "https://appleid.apple.com";
constexpr std::string_view kGithub = "https://github.com";

Error unusable(std::string why) {
  Error error = make_error(Code::kUnavailable, "the identity provider cannot be used now");
  error.inside = std::move(why);
  return error;
}

Error refused(std::string inside) {
  Error error = make_error(Code::kInvalidCredentials, "the provider's word does not hold");
  error.inside = std::move(inside);
  return error;
}

std::string text_of(const JsonNode& object, std::string_view name) {
  const auto member = object.find(name);
  return member && member->is_string() ? member->text() : std::string();
}

bool contains(const std::vector<std::string>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

void add_field(std::string& form, std::string_view name, std::string_view value) {
  if (!form.empty()) form += '&';
  form += std::string(name) + "=" + percent_encode(value);
}

std::string issuer_of(const model::IdentityProvider& spec) {
  if (spec.kind != Kind::kMicrosoft) return spec.issuer;
  return fmt::format("{}/{}/v2.0", spec.issuer, spec.tenant);
}

// Where GitHub's programs are asked, and an Enterprise server's.
std::string github_api(const std::string& issuer) {
  return issuer == kGithub ? "https://api.github.com" : issuer + "/api/v3";
}

// What stands between the lines of a PEM file. A variable may hold its line ends as "\n".
std::optional<std::string> pem_bytes(std::string text) {
  for (size_t at = text.find("\\n"); at != std::string::npos; at = text.find("\\n", at)) {
    text.replace(at, 2, "\n");
  }
  std::string body;
  for (std::string_view line : split(text, '\n')) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (!line.starts_with("-----")) body += line;
  }
  return decode_base64(body);
}

auth::Identity identity_of(const model::IdentityProvider& spec, IdClaims claims) {
  return {.provider = spec.name,
          .issuer = std::move(claims.issuer),
          .subject = std::move(claims.subject),
          .email = std::move(claims.email),
          .email_verified = claims.email_verified,
          .claims = std::move(claims.json)};
}

}  // namespace

Result<std::string> apple_client_secret(const model::IdentityProvider& spec, Timestamp now,
                                        Random& random) {
  constexpr int64_t kLifeS = 300;
  constexpr int64_t kUsPerSecond = 1'000'000;
  const auto bytes = pem_bytes(spec.private_key);
  if (!bytes) return fail(unusable("private_key is no PEM"));
  auto key = SigningKey::parse(SigningAlgorithm::kEs256, *bytes);
  if (!key) return fail(unusable("private_key is no key of P-256"));
  const int64_t now_s = now.us / kUsPerSecond;
  std::string header, payload;
  JsonWriter head(header);
  head.begin_object();
  head.key("alg");
  head.string("ES256");
  head.key("kid");
  head.string(spec.key_id);
  head.end_object();
  JsonWriter body(payload);
  body.begin_object();
  const auto text = [&body](std::string_view name, std::string_view value) {
    body.key(name);
    body.string(value);
  };
  text("iss", spec.team_id);
  text("sub", spec.client_id);
  text("aud", kApple);
  text("jti", random_token(random, 16));
  body.key("iat");
  body.integer(now_s);
  body.key("exp");
  body.integer(now_s + kLifeS);
  body.end_object();
  const std::string token = encode_base64url(header) + "." + encode_base64url(payload);
  return token + "." + encode_base64url(key->sign(token));
}

ProviderClient::ProviderClient(model::IdentityProvider spec, net::Reach reach,
                               std::shared_ptr<Outgoing> outgoing)
    : spec_(std::move(spec)), reach_(reach), outgoing_(std::move(outgoing)) {}

Result<> ProviderClient::check() const {
  if (spec_.kind != Kind::kApple) return {};
  TRY_VOID(client_secret(Timestamp{}, *system_seams().random));
  return {};
}

Result<std::string> ProviderClient::client_secret(Timestamp now, Random& random) const {
  if (spec_.kind != Kind::kApple) return spec_.client_secret;
  return apple_client_secret(spec_, now, random);
}

Discovery& ProviderClient::discovery() {
  const std::lock_guard lock(mutex_);
  if (discovery_ == nullptr) {
    DiscoveryOptions options{.issuer = issuer_of(spec_), .reach = reach_};
    options.of_many_tenants = spec_.kind == Kind::kMicrosoft;
    discovery_ = std::make_unique<Discovery>(outgoing_->client(), std::move(options));
  }
  return *discovery_;
}

Task<Result<std::string>> ProviderClient::authorization_url(Context& ctx, Authorization asked) {
  std::string url = spec_.issuer + "/login/oauth/authorize";
  if (spec_.kind != Kind::kGithub) {
    CO_TRY(const std::shared_ptr<const Provider> provider, co_await discovery().provider(ctx));
    url = provider->authorization_endpoint;
  }
  std::string scope;
  for (const std::string& one : spec_.scopes) scope += (scope.empty() ? "" : " ") + one;
  url = with_parameter(std::move(url), "response_type", "code");
  url = with_parameter(std::move(url), "client_id", spec_.client_id);
  url = with_parameter(std::move(url), "redirect_uri", asked.redirect_uri);
  url = with_parameter(std::move(url), "scope", scope);
  url = with_parameter(std::move(url), "state", asked.state);
  const Sha256 challenge = sha256(asked.verifier);
  url = with_parameter(std::move(url), "code_challenge", encode_base64url(as_text(challenge)));
  url = with_parameter(std::move(url), "code_challenge_method", "S256");
  if (spec_.kind != Kind::kGithub) url = with_parameter(std::move(url), "nonce", asked.nonce);
  if (spec_.form_post) url = with_parameter(std::move(url), "response_mode", "form_post");
  co_return url;
}

// The body of a good answer.
Task<Result<std::string>> ProviderClient::call(Context& ctx, net::HttpCall call) {
  call.headers.emplace_back("Accept", "application/json");
  call.headers.emplace_back("User-Agent", "mettle/" METTLE_VERSION);
  call.timeout = kTimeout;
  call.answer_bytes_max = kAnswerBytes;
  call.reach = reach_;
  const std::string what = call.method + " " + call.url;
  auto answer = co_await outgoing_->client().send(ctx, std::move(call));
  if (!answer) {
    Error error = std::move(answer.error());
    if (error.code == Code::kCancelled) co_return fail(std::move(error));
    co_return fail(unusable(fmt::format("{}: {}; {}", what, error.detail, error.inside)));
  }
  const auto document = JsonDocument::parse(answer->body);
  if (answer->status == 200 && document) co_return std::move(answer->body);
  // Who brings a code that the provider does not know is wrong; for all else the provider is.
  const std::string error =
      document && document->root().is_object() ? text_of(document->root(), "error") : "";
  if (error == "invalid_grant" || error == "bad_verification_code") {
    co_return fail(refused(what + ": the provider does not know the code"));
  }
  co_return fail(unusable(
      fmt::format("{}: {} \"{}\"", what, answer->status, to_valid_utf8(error.substr(0, 100)))));
}

Task<Result<std::string>> ProviderClient::get(Context& ctx, std::string url,
                                              const std::string& access_token) {
  net::HttpCall asked;
  asked.url = std::move(url);
  asked.headers.emplace_back("Authorization", "Bearer " + access_token);
  asked.tries = kReadTries;
  co_return co_await call(ctx, std::move(asked));
}

Task<Result<ProviderClient::Tokens>> ProviderClient::exchange(Context& ctx, std::string endpoint,
                                                              bool basic,
                                                              const Authorization& asked,
                                                              std::string code) {
  CO_TRY(const std::string secret, client_secret(ctx.seams().clock->now(), *ctx.seams().random));
  net::HttpCall post;
  post.method = "POST";
  post.url = std::move(endpoint);
  post.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  add_field(post.body, "grant_type", "authorization_code");
  add_field(post.body, "code", code);
  add_field(post.body, "redirect_uri", asked.redirect_uri);
  add_field(post.body, "code_verifier", asked.verifier);
  if (basic && !secret.empty()) {
    const std::string pair = percent_encode(spec_.client_id) + ":" + percent_encode(secret);
    post.headers.emplace_back("Authorization", "Basic " + encode_base64(pair));
  } else {
    add_field(post.body, "client_id", spec_.client_id);
    if (!secret.empty()) add_field(post.body, "client_secret", secret);
  }
  CO_TRY(const std::string body, co_await call(ctx, std::move(post)));
  CO_TRY(const JsonDocument document, JsonDocument::parse(body));
  const JsonNode root = document.root();
  // GitHub says what went wrong with status 200.
  if (root.find("error")) co_return fail(refused("the provider does not take the code"));
  co_return Tokens{text_of(root, "access_token"), text_of(root, "id_token")};
}

Task<Result<IdClaims>> ProviderClient::check(Context& ctx, std::shared_ptr<const Provider> provider,
                                             std::string nonce, const Tokens& tokens) {
  CO_TRY(const IdToken token, read_id_token(tokens.id_token));
  CO_TRY(const std::optional<ProviderKey> found, co_await discovery().key(ctx, token.kid));
  if (!found) co_return fail(refused("id token: no key of that kid"));
  if (!found->alg.empty() && parse_jws_algorithm(found->alg) != token.algorithm) {
    co_return fail(refused("id token: the key is for " + to_valid_utf8(found->alg)));
  }
  auto key = VerifyingKey::parse(found->jwk);
  if (!key) co_return fail(refused("id token: the key: " + key.error().inside));
  IdTokenWanted wanted{.issuer = provider->issuer,
                       .client_id = spec_.client_id,
                       .nonce = std::move(nonce),
                       .algorithms = provider->signing_algorithms,
                       .access_token = tokens.access_token};
  co_return check_id_token(token, *key, wanted, ctx.seams().clock->now());
}

Task<Result<auth::Identity>> ProviderClient::identify_oidc(Context& ctx, Authorization asked,
                                                           AuthorizationAnswer answer) {
  CO_TRY(const std::shared_ptr<const Provider> provider, co_await discovery().provider(ctx));
  // RFC 9207: the answer is this provider's and no other's (mix-up).
  const bool told = !answer.iss.empty();
  const bool several = provider->issuer.find(kTenantPlace) != std::string::npos;
  if ((provider->names_itself && !told) || (told && !several && answer.iss != provider->issuer)) {
    co_return fail(refused("the answer is of the issuer \"" + to_valid_utf8(answer.iss) + "\""));
  }
  const bool basic =
      contains(provider->token_auth_methods, "client_secret_basic") && spec_.kind != Kind::kApple;
  CO_TRY(const Tokens tokens,
         co_await exchange(ctx, provider->token_endpoint, basic, asked, std::move(answer.code)));
  CO_TRY(IdClaims claims, co_await check(ctx, provider, asked.nonce, tokens));
  const bool ask =
      claims.email.empty() && !provider->userinfo_endpoint.empty() && !tokens.access_token.empty();
  if (ask) {
    CO_TRY(const std::string more,
           co_await get(ctx, provider->userinfo_endpoint, tokens.access_token));
    CO_TRY(claims, with_user_info(std::move(claims), more));
  }
  co_return identity_of(spec_, std::move(claims));
}

Result<auth::Identity> read_github_user(std::string_view user, std::string_view emails) {
  const auto about = JsonDocument::parse(user);
  const auto list = JsonDocument::parse(emails);
  const auto id =
      about && about->root().is_object() ? about->root().find("id") : std::optional<JsonNode>();
  if (!id || !id->is_number() || !id->integer() || !list || !list->root().is_array()) {
    return fail(unusable("GitHub's answer is of another form"));
  }
  auth::Identity out;
  out.subject = std::string(id->source());
  const auto is_set = [](const JsonNode& object, std::string_view name) {
    const auto member = object.find(name);
    return member && member->source() == "true";
  };
  for (const JsonNode one : list->root().elements()) {
    if (!is_set(one, "primary") || !is_set(one, "verified")) continue;
    out.email = text_of(one, "email");
    out.email_verified = true;
  }
  out.claims.clear();
  JsonWriter json(out.claims);
  json.begin_object();
  const auto text = [&](std::string_view claim, std::string_view member) {
    const std::string value = text_of(about->root(), member);
    if (value.empty()) return;
    json.key(claim);
    json.string(value);
  };
  text("name", "name");
  text("nickname", "login");
  text("preferred_username", "login");
  text("picture", "avatar_url");
  json.end_object();
  return out;
}

Task<Result<auth::Identity>> ProviderClient::identify_github(Context& ctx, Authorization asked,
                                                             std::string code) {
  CO_TRY(const Tokens tokens, co_await exchange(ctx, spec_.issuer + "/login/oauth/access_token",
                                                false, asked, std::move(code)));
  if (tokens.access_token.empty()) co_return fail(unusable("GitHub gave no access token"));
  const std::string api = github_api(spec_.issuer);
  CO_TRY(const std::string user, co_await get(ctx, api + "/user", tokens.access_token));
  CO_TRY(const std::string emails, co_await get(ctx, api + "/user/emails", tokens.access_token));
  CO_TRY(auth::Identity out, read_github_user(user, emails));
  out.provider = spec_.name;
  out.issuer = spec_.issuer;
  co_return out;
}

Task<Result<auth::Identity>> ProviderClient::identify(Context& ctx, Authorization asked,
                                                      AuthorizationAnswer answer) {
  if (spec_.kind == Kind::kGithub) {
    co_return co_await identify_github(ctx, std::move(asked), std::move(answer.code));
  }
  co_return co_await identify_oidc(ctx, std::move(asked), std::move(answer));
}

}  // namespace mettle::oauth

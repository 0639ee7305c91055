#include "features/oauth/id_token.h"

#include <algorithm>
#include <cmath>

#include "base/crypto.h"
#include "base/json_read.h"
#include "base/mutant.h"
#include "base/text.h"

namespace mettle::oauth {
namespace {

constexpr int64_t kUsPerSecond = 1'000'000;

Error refused(std::string inside) {
  Error error = make_error(Code::kInvalidCredentials, "the provider's word does not hold");
  error.inside = "id token: " + std::move(inside);
  return error;
}

std::string text_of(const JsonNode& object, std::string_view name) {
  const auto member = object.find(name);
  return member && member->is_string() ? member->text() : std::string();
}

// NumericDate (RFC 7519): seconds, perhaps with a fraction.
std::optional<int64_t> seconds_of(const JsonNode& object, std::string_view name) {
  constexpr double kFar = 1e12;
  const auto member = object.find(name);
  if (!member || !member->is_number()) return std::nullopt;
  const double seconds = member->real();
  if (!(seconds >= 0 && seconds < kFar)) return std::nullopt;
  return static_cast<int64_t>(seconds);
}

// True, or the text "true", which is what Apple sends.
bool is_true(const std::optional<JsonNode>& node) {
  if (!node) return false;
  return node->is_string() ? node->text_equals("true") : node->source() == "true";
}

// A directory's id: hex digits in groups.
bool is_tenant(std::string_view id) {
  constexpr size_t kLength = 36;
  return id.size() == kLength &&
         id.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
}

bool is_issuer(const JsonNode& claims, const std::string& wanted) {
  const std::string issuer = text_of(claims, "iss");
  const size_t place = wanted.find(kTenantPlace);
  if (place == std::string::npos) return issuer == wanted;
  const std::string tenant = text_of(claims, "tid");
  return is_tenant(tenant) &&
         issuer == wanted.substr(0, place) + tenant + wanted.substr(place + kTenantPlace.size());
}

Result<> check_audience(const JsonNode& claims, const std::string& client_id) {
  const auto audience = claims.find("aud");
  if (!audience) return fail(refused("no aud"));
  bool ours = audience->is_string() && audience->text_equals(client_id);
  for (const JsonNode one : audience->elements()) {
    if (!one.is_string()) return fail(refused("aud"));
    ours = ours || one.text_equals(client_id);
  }
  if (!ours) return fail(refused("aud"));
  const auto party = claims.find("azp");
  // With several audiences the token says whom it was made for.
  if (!party && audience->is_array() && audience->size() > 1) return fail(refused("no azp"));
  if (party && !(party->is_string() && party->text_equals(client_id))) return fail(refused("azp"));
  return {};
}

Result<> check_times(const JsonNode& claims, Timestamp now) {
  const auto expires = seconds_of(claims, "exp");
  const auto issued = seconds_of(claims, "iat");
  if (!expires || !issued) return fail(refused("exp or iat"));
  const int64_t now_s = now.us / kUsPerSecond;
  if (*expires <= now_s - kSkewS) return fail(refused("expired"));
  if (*issued > now_s + kSkewS) return fail(refused("iat in the future"));
  if (claims.find("nbf")) {
    const auto begins = seconds_of(claims, "nbf");
    if (!begins || *begins > now_s + kSkewS) return fail(refused("nbf"));
  }
  return {};
}

// Section 3.1.3.6: the left half of the access token's digest.
Result<> check_access_token_hash(const JsonNode& claims, JwsAlgorithm algorithm,
                                 const std::string& access_token) {
  const auto hash = claims.find("at_hash");
  if (!hash || access_token.empty()) return {};
  const std::string digest = jws_digest(algorithm, access_token);
  const std::string half = encode_base64url(std::string_view(digest).substr(0, digest.size() / 2));
  if (hash->is_string() && hash->text_equals(half)) return {};
  return fail(refused("at_hash"));
}

void take_address(const JsonNode& claims, IdClaims& out) {
  out.email = text_of(claims, "email");
  // Microsoft's own word for it; its `email` is whatever a directory's administrator wrote.
  const auto owner = claims.find("xms_edov");
  out.email_verified = is_true(claims.find("email_verified")) || is_true(owner) ||
                       (owner && (owner->source() == "1" || owner->source() == "\"1\""));
}

}  // namespace

Result<IdToken> read_id_token(std::string_view token) {
  if (token.size() > kIdTokenMax) return fail(refused("too long"));
  const auto parts = split(token, '.');
  if (parts.size() != 3) return fail(refused("not three parts"));
  const auto header = decode_base64url(parts[0]);
  auto payload = decode_base64url(parts[1]);
  auto signature = decode_base64url(parts[2]);
  if (!header || !payload || !signature) return fail(refused("not base64url"));
  const auto document = JsonDocument::parse(*header);
  if (!document || !document->root().is_object()) return fail(refused("the header is no object"));
  const JsonNode root = document->root();
  const auto algorithm = parse_jws_algorithm(text_of(root, "alg"));
  if (!algorithm) return fail(refused("alg \"" + text_of(root, "alg") + "\""));
  if (root.find("crit")) return fail(refused("crit"));
  const auto type = root.find("typ");
  if (type && !(type->is_string() && iequals(type->text(), "JWT"))) return fail(refused("typ"));
  IdToken out;
  out.kid = text_of(root, "kid");
  if (out.kid.empty()) return fail(refused("no kid"));
  out.algorithm = *algorithm;
  out.signed_part = std::string(token.substr(0, parts[0].size() + 1 + parts[1].size()));
  out.payload = std::move(*payload);
  out.signature = std::move(*signature);
  return out;
}

Result<IdClaims> check_id_token(const IdToken& token, const VerifyingKey& key,
                                const IdTokenWanted& wanted, Timestamp now) {
  const auto& info = wanted.algorithms;
  const auto named = [&token](const std::string& name) {
    return parse_jws_algorithm(name) == token.algorithm;
  };
  const bool allowed =
      info.empty() ? token.algorithm == JwsAlgorithm::kRs256 : std::ranges::any_of(info, named);
  if (!allowed) return fail(refused("an algorithm that the provider does not name"));
  if (!key.holds(token.algorithm, token.signed_part, token.signature)) {
    return fail(refused("the signature"));
  }
  const auto document = JsonDocument::parse(token.payload);
  if (!document || !document->root().is_object()) return fail(refused("the payload is no object"));
  const JsonNode claims = document->root();
  if (!is_issuer(claims, wanted.issuer) && !planted(Mutant::kIssuerUnchecked)) {
    return fail(refused("iss"));
  }
  TRY_VOID(check_audience(claims, wanted.client_id));
  TRY_VOID(check_times(claims, now));
  const std::string nonce = text_of(claims, "nonce");
  if (!equal_in_constant_time(nonce, wanted.nonce) && !planted(Mutant::kNonceUnchecked)) {
    return fail(refused("nonce"));
  }
  TRY_VOID(check_access_token_hash(claims, token.algorithm, wanted.access_token));
  IdClaims out;
  out.issuer = text_of(claims, "iss");
  out.subject = text_of(claims, "sub");
  if (out.subject.empty() || out.subject.size() > kSubjectMax) return fail(refused("sub"));
  take_address(claims, out);
  out.json = claims.minified();
  return out;
}

Result<IdClaims> with_user_info(IdClaims claims, std::string_view user_info) {
  const auto document = JsonDocument::parse(user_info);
  if (!document || !document->root().is_object()) return fail(refused("userinfo is no object"));
  const JsonNode root = document->root();
  if (text_of(root, "sub") != claims.subject) return fail(refused("userinfo of another subject"));
  take_address(root, claims);
  claims.json = root.minified();
  return claims;
}

}  // namespace mettle::oauth

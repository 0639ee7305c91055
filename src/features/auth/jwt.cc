#include "features/auth/jwt.h"

#include "base/json_read.h"
#include "base/json_write.h"
#include "base/mutant.h"
#include "base/text.h"

namespace mettle::auth {
namespace {

constexpr std::string_view kType = "at+jwt";
constexpr int64_t kUsPerSecond = 1'000'000;
// How far the clocks of two nodes may be apart. What was issued later than that was not issued yet:
// a clock that was set back must not bring expired tokens back to life.
constexpr int64_t kSkewS = 60;

Error refused(std::string inside) {
  Error error = make_error(Code::kInvalidCredentials, "this access token does not hold");
  error.inside = std::move(inside);
  return error;
}

struct Parts {
  std::string_view signed_part;
  std::string header, payload, signature;
};

Result<Parts> split(std::string_view token) {
  if (token.size() > kAccessTokenMax) return fail(refused("too long"));
  const size_t first = token.find('.');
  const size_t second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos) return fail(refused("not three parts"));
  auto header = decode_base64url(token.substr(0, first));
  auto payload = decode_base64url(token.substr(first + 1, second - first - 1));
  auto signature = decode_base64url(token.substr(second + 1));
  if (!header || !payload || !signature) return fail(refused("not base64url"));
  return Parts{token.substr(0, second), std::move(*header), std::move(*payload),
               std::move(*signature)};
}

bool is_text(const std::optional<JsonNode>& node, std::string_view text) {
  return node && node->is_string() && node->text_equals(text);
}

std::optional<std::string> text_of(const JsonNode& object, std::string_view name) {
  const auto node = object.find(name);
  if (!node || !node->is_string()) return std::nullopt;
  return node->text();
}

std::optional<int64_t> seconds_of(const JsonNode& object, std::string_view name) {
  const auto node = object.find(name);
  if (!node || !node->is_number()) return std::nullopt;
  return node->integer();
}

// The key that the header names, if header and key agree on everything.
Result<const RingKey*> key_of(std::string_view header, const KeyRing& ring, Timestamp now) {
  const auto document = JsonDocument::parse(header);
  if (!document || !document->root().is_object()) return fail(refused("the header is no object"));
  const JsonNode root = document->root();
  if (root.size() != 3 || !is_text(root.find("typ"), kType)) {
    return fail(refused("the header is not alg, kid and typ at+jwt"));
  }
  const auto kid = text_of(root, "kid");
  const RingKey* const key = kid ? ring.find(*kid, now) : nullptr;
  if (key == nullptr) return fail(refused("no key of that kid"));
  if (!is_text(root.find("alg"), signing_algorithm_name(key->key.algorithm()))) {
    return fail(refused("the algorithm is not the key's"));
  }
  return key;
}

Result<AccessClaims> claims_of(const JsonNode& root, const TokenRealm& realm, Timestamp now) {
  if (!is_text(root.find("iss"), realm.issuer)) return fail(refused("iss"));
  if (!is_text(root.find("aud"), realm.audience)) return fail(refused("aud"));
  const auto subject = text_of(root, "sub");
  const auto session = text_of(root, "sid");
  const auto id = text_of(root, "jti");
  if (!subject || !session || !id) return fail(refused("sub, sid or jti"));
  const auto issued = seconds_of(root, "iat");
  const auto begins = seconds_of(root, "nbf");
  const auto expires = seconds_of(root, "exp");
  if (!issued || !begins || !expires) return fail(refused("iat, nbf or exp"));
  const int64_t now_s = now.us / kUsPerSecond;
  if (*issued > now_s + kSkewS || *begins > now_s + kSkewS) return fail(refused("not valid yet"));
  if (*expires <= now_s) return fail(refused("expired"));
  AccessClaims claims;
  claims.subject = *subject;
  claims.session = *session;
  claims.id = *id;
  claims.issued_s = *issued;
  claims.expires_s = *expires;
  claims.aal = seconds_of(root, "aal").value_or(0);
  if (const auto roles = root.find("roles")) {
    for (const JsonNode role : roles->elements()) {
      if (role.is_string()) claims.roles.push_back(role.text());
    }
  }
  return claims;
}

}  // namespace

std::string make_access_token(const RingKey& key, const TokenRealm& realm,
                              const AccessClaims& claims) {
  std::string header, payload;
  JsonWriter head(header);
  head.begin_object();
  head.key("alg");
  head.string(signing_algorithm_name(key.key.algorithm()));
  head.key("typ");
  head.string(kType);
  head.key("kid");
  head.string(key.kid);
  head.end_object();
  JsonWriter body(payload);
  const auto text = [&body](std::string_view name, std::string_view value) {
    body.key(name);
    body.string(value);
  };
  const auto number = [&body](std::string_view name, int64_t value) {
    body.key(name);
    body.integer(value);
  };
  body.begin_object();
  text("iss", realm.issuer);
  text("sub", claims.subject);
  text("aud", realm.audience);
  number("iat", claims.issued_s);
  number("nbf", claims.issued_s);
  number("exp", claims.expires_s);
  text("jti", claims.id);
  text("sid", claims.session);
  number("aal", claims.aal);
  body.key("roles");
  body.begin_array();
  for (const std::string& role : claims.roles) body.string(role);
  body.end_array();
  body.end_object();
  std::string token = encode_base64url(header) + "." + encode_base64url(payload);
  const std::string signature = key.key.sign(token);
  return token + "." + encode_base64url(signature);
}

Result<AccessClaims> check_access_token(std::string_view token, const KeyRing& ring,
                                        const TokenRealm& realm, Timestamp now) {
  TRY(const Parts parts, split(token));
  TRY(const RingKey* const key, key_of(parts.header, ring, now));
  // Nothing of the payload is looked at before its signature holds.
  if (!key->key.holds(parts.signed_part, parts.signature) &&
      !planted(Mutant::kTokenSignatureIgnored)) {
    return fail(refused("the signature"));
  }
  const auto document = JsonDocument::parse(parts.payload);
  if (!document || !document->root().is_object()) return fail(refused("the payload is no object"));
  return claims_of(document->root(), realm, now);
}

bool looks_like_jwt(std::string_view text) {
  return std::ranges::count(text, '.') == 2;
}

}  // namespace mettle::auth

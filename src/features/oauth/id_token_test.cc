// A4, A3: an ID token with one thing wrong at a time (issuer, audience, party, nonce, times,
// algorithm, key, type, hash of the access token); each is refused, and says inside which it was.
#include "features/oauth/id_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/signing_key.h"
#include "base/text.h"

namespace mettle::oauth {
namespace {

using testing::HasSubstr;

constexpr int64_t kNowS = 1'800'000'000;
const std::string kIssuer = "https://id.example";

class IdTokenTest : public testing::Test {
 protected:
  static SigningKey& key() {
    static SigningKey made = SigningKey::generate(SigningAlgorithm::kEs256, *system_seams().random);
    return made;
  }
  static std::string claims(std::string_view changed = "", std::string_view to = "") {
    const std::pair<std::string_view, std::string> all[] = {{"iss", "\"https://id.example\""},
                                                            {"sub", "\"ada\""},
                                                            {"aud", "\"shop\""},
                                                            {"nonce", "\"n1\""},
                                                            {"iat", std::to_string(kNowS)},
                                                            {"exp", std::to_string(kNowS + 300)},
                                                            {"email", "\"ada@example.com\""},
                                                            {"email_verified", "true"}};
    std::string out;
    bool found = false;
    const auto add = [&out](std::string_view name, std::string_view value) {
      if (!value.empty()) out += fmt::format("{}\"{}\":{}", out.empty() ? "{" : ",", name, value);
    };
    for (const auto& [name, value] : all) {
      found = found || name == changed;
      add(name, name == changed ? to : std::string_view(value));
    }
    if (!found) add(changed, to);
    return out + "}";
  }
  static std::string token(const std::string& claims,
                           const std::string& header = R"({"alg":"ES256","kid":"k1"})") {
    const std::string text = encode_base64url(header) + "." + encode_base64url(claims);
    return text + "." + encode_base64url(key().sign(text));
  }
  Result<IdClaims> check(const std::string& text) const {
    TRY(const IdToken read, read_id_token(text));
    EXPECT_EQ(read.kid, "k1");
    TRY(const VerifyingKey theirs, VerifyingKey::parse("{" + key().public_jwk_members() + "}"));
    return check_id_token(read, theirs, wanted_, Timestamp{kNowS * 1'000'000});
  }
  std::string refusal(const std::string& text) const {
    const auto checked = check(text);
    if (checked) return "it was taken";
    EXPECT_EQ(checked.error().code, Code::kInvalidCredentials);
    return checked.error().inside;
  }
  std::string refusal_of(std::string_view claim, std::string_view to) const {
    return refusal(token(claims(claim, to)));
  }

  IdTokenWanted wanted_{.issuer = kIssuer,
                        .client_id = "shop",
                        .nonce = "n1",
                        .algorithms = {"RS256", "ES256"},
                        .access_token = {}};
};

TEST_F(IdTokenTest, TakesOneThatIsRightAndTellsWhoItIs) {
  const auto read = check(token(claims()));
  ASSERT_TRUE(read.has_value()) << read.error().inside;
  EXPECT_EQ(read->issuer, kIssuer);
  EXPECT_EQ(read->subject, "ada");
  EXPECT_EQ(read->email, "ada@example.com");
  EXPECT_TRUE(read->email_verified);
}

TEST_F(IdTokenTest, RefusesATokenOfAnotherIssuer) {
  for (const std::string_view issuer :
       {"\"https://evil.example\"", "\"https://id.example/\"", "\"http://id.example\"",
        "\"https://ID.example\"", "[\"https://id.example\"]", "null", "\"\"", ""}) {
    EXPECT_EQ(refusal_of("iss", issuer), "id token: iss") << issuer;
  }
}

TEST_F(IdTokenTest, RefusesATokenOfAnotherSignIn) {
  for (const std::string_view nonce : {"\"n2\"", "\"\"", "null", "[\"n1\"]", "\"n1 \"", ""}) {
    EXPECT_EQ(refusal_of("nonce", nonce), "id token: nonce") << nonce;
  }
}

TEST_F(IdTokenTest, RefusesATokenForAnotherApp) {
  for (const std::string_view audience :
       {"\"other\"", "\"\"", "[]", "[\"other\"]", "null", "{\"shop\":1}", "7"}) {
    EXPECT_EQ(refusal_of("aud", audience), "id token: aud") << audience;
  }
  EXPECT_EQ(refusal_of("aud", "[\"shop\",7]"), "id token: aud");
  EXPECT_EQ(refusal_of("aud", ""), "id token: no aud");
  EXPECT_EQ(refusal_of("aud", "[\"shop\",\"other\"]"), "id token: no azp");
  EXPECT_EQ(refusal_of("azp", "\"other\""), "id token: azp");
  EXPECT_EQ(refusal_of("azp", "null"), "id token: azp");
  EXPECT_TRUE(check(token(claims("aud", "[\"shop\"]"))).has_value());
  EXPECT_TRUE(check(token(claims("aud", "[\"x\",\"shop\"],\"azp\":\"shop\""))).has_value());
}

TEST_F(IdTokenTest, RefusesATokenThatIsNotOfNow) {
  const auto at = [](int64_t offset_s) { return std::to_string(kNowS + offset_s); };
  EXPECT_EQ(refusal_of("exp", at(-kSkewS)), "id token: expired");
  EXPECT_EQ(refusal_of("exp", ""), "id token: exp or iat");
  EXPECT_EQ(refusal_of("exp", "\"" + at(300) + "\""), "id token: exp or iat");
  EXPECT_EQ(refusal_of("exp", "1e300"), "id token: exp or iat");
  EXPECT_EQ(refusal_of("exp", "-1"), "id token: exp or iat");
  EXPECT_EQ(refusal_of("iat", at(kSkewS + 1)), "id token: iat in the future");
  EXPECT_EQ(refusal_of("iat", ""), "id token: exp or iat");
  EXPECT_EQ(refusal_of("nbf", at(kSkewS + 1)), "id token: nbf");
  EXPECT_EQ(refusal_of("nbf", "\"now\""), "id token: nbf");
  EXPECT_TRUE(check(token(claims("nbf", at(kSkewS)))).has_value());
  EXPECT_TRUE(check(token(claims("exp", at(1 - kSkewS)))).has_value());
  EXPECT_TRUE(check(token(claims("exp", at(9) + ".5"))).has_value());
}

TEST_F(IdTokenTest, RefusesHeadersThatChooseTheirOwnCheck) {
  const auto with = [this](const std::string& header) { return refusal(token(claims(), header)); };
  for (const std::string_view name : {"none", "None", "HS256", "HS512", "ES256 ", ""}) {
    EXPECT_THAT(with(fmt::format(R"({{"alg":"{}","kid":"k1"}})", name)), HasSubstr("alg")) << name;
  }
  EXPECT_THAT(with(R"({"kid":"k1"})"), HasSubstr("alg"));
  EXPECT_THAT(with(R"({"alg":"ES384","kid":"k1"})"), HasSubstr("does not name"));
  EXPECT_THAT(with(R"({"alg":"RS256","kid":"k1"})"), HasSubstr("the signature"));
  EXPECT_THAT(with(R"({"alg":"ES256"})"), HasSubstr("no kid"));
  EXPECT_THAT(with(R"({"alg":"ES256","kid":7})"), HasSubstr("no kid"));
  EXPECT_THAT(with(R"({"alg":"ES256","kid":"k1","crit":["b64"],"b64":false})"), HasSubstr("crit"));
  EXPECT_THAT(with(R"({"alg":"ES256","kid":"k1","typ":"at+jwt"})"), HasSubstr("typ"));
  EXPECT_THAT(with(R"({"alg":"ES256","kid":"k1","typ":"logout+jwt"})"), HasSubstr("typ"));
  EXPECT_THAT(with("[]"), HasSubstr("no object"));
  EXPECT_EQ(with(R"({"alg":"ES256","kid":"k1","typ":"JWT"})"), "it was taken");
}

TEST_F(IdTokenTest, RefusesOtherSignaturesAndShapes) {
  const std::string good = token(claims());
  std::string other = good;
  other.back() = other.back() == 'A' ? 'Q' : 'A';
  EXPECT_NE(refusal(other), "it was taken");
  EXPECT_THAT(refusal(good.substr(0, good.rfind('.') + 1)), HasSubstr("the signature"));
  for (const std::string& text : {std::string(), std::string("a.b"), good + ".x", std::string(".."),
                                  std::string("*.*.*"), std::string(kIdTokenMax + 1, 'a')}) {
    EXPECT_NE(refusal(text), "it was taken");
  }
  EXPECT_THAT(refusal(token("[]")), HasSubstr("no object"));
  EXPECT_EQ(refusal_of("sub", "\"\""), "id token: sub");
  EXPECT_EQ(refusal_of("sub", "7"), "id token: sub");
  EXPECT_EQ(refusal_of("sub", "\"" + std::string(256, 'x') + "\""), "id token: sub");
}

TEST_F(IdTokenTest, HoldsTheAccessTokenToItsHash) {
  wanted_.access_token = "the access token";
  const std::string digest = jws_digest(JwsAlgorithm::kEs256, wanted_.access_token);
  const std::string half = encode_base64url(std::string_view(digest).substr(0, 16));
  EXPECT_TRUE(check(token(claims("at_hash", "\"" + half + "\""))).has_value());
  EXPECT_TRUE(check(token(claims())).has_value());
  EXPECT_EQ(refusal_of("at_hash", "\"AAAA\""), "id token: at_hash");
  EXPECT_EQ(refusal_of("at_hash", "7"), "id token: at_hash");
}

TEST_F(IdTokenTest, AnAddressIsProvenOnlyWhereTheProviderSaysSo) {
  const auto verified = [this](std::string_view claim, std::string_view to) {
    const auto read = check(token(claims(claim, to)));
    return read && read->email_verified;
  };
  EXPECT_TRUE(verified("email_verified", "\"true\""));
  for (const std::string_view no : {"false", "\"false\"", "1", "\"1\"", "null", "\"yes\"", ""}) {
    EXPECT_FALSE(verified("email_verified", no)) << no;
  }
  EXPECT_TRUE(verified("email_verified", "false,\"xms_edov\":true"));
  EXPECT_TRUE(verified("email_verified", "false,\"xms_edov\":\"1\""));
  EXPECT_FALSE(verified("email_verified", "false,\"xms_edov\":\"0\""));
}

TEST_F(IdTokenTest, OfManyTenantsTheIssuerIsThatOfTheTenant) {
  wanted_.issuer = "https://login.example/{tenantid}/v2.0";
  const std::string tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47";
  const auto of = [&](const std::string& issuer, const std::string& tid) {
    return refusal(token(claims("iss", "\"" + issuer + "\",\"tid\":\"" + tid + "\"")));
  };
  EXPECT_EQ(of("https://login.example/" + tenant + "/v2.0", tenant), "it was taken");
  EXPECT_EQ(of("https://login.example/{tenantid}/v2.0", "{tenantid}"), "id token: iss");
  EXPECT_EQ(of("https://login.example/other/v2.0", tenant), "id token: iss");
  EXPECT_EQ(of("https://login.example/a/v2.0", "a"), "id token: iss");
  EXPECT_EQ(refusal_of("iss", "\"https://login.example/" + tenant + "/v2.0\""), "id token: iss");
}

TEST_F(IdTokenTest, UserInfoIsOfTheSameSubject) {
  IdClaims claims{.issuer = kIssuer, .subject = "ada", .email = {}, .json = "{}"};
  const auto more = with_user_info(
      claims, R"({"sub":"ada","email":"ada@example.com","email_verified":true,"name":"Ada"})");
  ASSERT_TRUE(more.has_value());
  EXPECT_EQ(more->email, "ada@example.com");
  EXPECT_TRUE(more->email_verified);
  EXPECT_FALSE(with_user_info(claims, R"({"sub":"eve","email":"ada@example.com"})").has_value());
  EXPECT_FALSE(with_user_info(claims, R"({"email":"ada@example.com"})").has_value());
  EXPECT_FALSE(with_user_info(claims, "no").has_value());
  EXPECT_FALSE(with_user_info(claims, "[]").has_value());
}

TEST_F(IdTokenTest, RefusesWhatCannotBeRead) {
  const std::string head = encode_base64url(R"({"alg":"ES256","kid":"k1"})");
  EXPECT_EQ(refusal(head + ".*.YQ"), "id token: not base64url");
  EXPECT_EQ(refusal(head + ".YQ.*"), "id token: not base64url");
  EXPECT_EQ(refusal(token("{")), "id token: the payload is no object");
  EXPECT_EQ(refusal(token(claims(), R"({"alg":"ES256","kid":"k1","typ":7})")), "id token: typ");
}

TEST_F(IdTokenTest, WhereTheProviderNamesNoAlgorithmItIsRs256) {
  wanted_.algorithms = {};
  EXPECT_EQ(refusal(token(claims())), "id token: an algorithm that the provider does not name");
}

TEST_F(IdTokenTest, AHashOfNoAccessTokenSaysNothing) {
  EXPECT_TRUE(check(token(claims("at_hash", "\"x\""))).has_value());
}

TEST_F(IdTokenTest, ATenantIsHexDigits) {
  wanted_.issuer = "https://login.example/{tenantid}/v2.0";
  const std::string tenant = "72f988bf-86f1-41af-91ab-2d7cd011db4/";
  EXPECT_EQ(refusal(token(claims("iss", "\"https://login.example/" + tenant + "/v2.0\",\"tid\":\"" +
                                            tenant + "\""))),
            "id token: iss");
}

TEST_F(IdTokenTest, MicrosoftsWordForAProvenAddressMayBeANumber) {
  for (const std::string_view word : {"1", "\"1\"", "true", "\"true\""}) {
    const auto read =
        check(token(claims("email_verified", "false,\"xms_edov\":" + std::string(word))));
    ASSERT_TRUE(read.has_value());
    EXPECT_TRUE(read->email_verified) << word;
  }
  const auto read = check(token(claims("email_verified", "false,\"xms_edov\":0")));
  ASSERT_TRUE(read.has_value());
  EXPECT_FALSE(read->email_verified);
}

}  // namespace
}  // namespace mettle::oauth

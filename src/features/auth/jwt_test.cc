// Access tokens: what is made is taken, and nothing else is.
#include "features/auth/jwt.h"

#include <gtest/gtest.h>

#include "base/fake_seams.h"
#include "base/json_read.h"
#include "base/text.h"

namespace mettle::auth {
namespace {

constexpr int64_t kUsPerSecond = 1'000'000;
constexpr Timestamp kNow{1'800'000'000 * kUsPerSecond};

class JwtTest : public testing::TestWithParam<SigningAlgorithm> {
 protected:
  JwtTest() : key_(SigningKey::generate(GetParam(), random_)) {}

  static SigningKey parsed(const SigningKey& key) {
    return *SigningKey::parse(key.algorithm(), key.private_form());
  }
  KeyRing ring() const {
    return KeyRing({{"k1", key_, Timestamp{0}}}, Duration{900 * kUsPerSecond}, GetParam());
  }
  AccessClaims claims() const {
    AccessClaims made;
    made.subject = "u1";
    made.session = "s1";
    made.id = "s1.0";
    made.roles = {"clerk"};
    made.aal = 2;
    made.issued_s = kNow.us / kUsPerSecond;
    made.expires_s = made.issued_s + 900;
    return made;
  }
  std::string token() const { return make_access_token({"k1", key_, {}}, realm_, claims()); }
  // What the check says of it: "" where it holds.
  std::string verdict(const std::string& text, Timestamp now = kNow) const {
    const auto checked = check_access_token(text, ring(), realm_, now);
    if (checked) return "";
    EXPECT_EQ(checked.error().code, Code::kInvalidCredentials);
    EXPECT_FALSE(checked.error().inside.empty());
    return checked.error().inside;
  }
  // A token of that header and payload, rightly signed.
  std::string forged(const std::string& header, const std::string& payload) const {
    const std::string text = encode_base64url(header) + "." + encode_base64url(payload);
    return text + "." + encode_base64url(key_.sign(text));
  }
  std::string header() const {
    return R"({"alg":")" + std::string(signing_algorithm_name(GetParam())) +
           R"(","typ":"at+jwt","kid":"k1"})";
  }
  std::string payload(std::string_view name = "", std::string_view value = "") const {
    const std::string now = std::to_string(kNow.us / kUsPerSecond);
    const std::vector<std::pair<std::string_view, std::string>> members{
        {"iss", "\"https://a\""}, {"aud", "\"app\""}, {"sub", "\"u1\""}, {"sid", "\"s1\""},
        {"jti", "\"j\""},         {"iat", now},       {"nbf", now},      {"exp", "1800000900"}};
    std::string out;
    for (const auto& [key, text] : members) {
      const std::string_view shown = key == name ? value : std::string_view(text);
      if (shown.empty()) continue;
      out += (out.empty() ? "{\"" : ",\"") + std::string(key) + "\":" + std::string(shown);
    }
    return out + "}";
  }

  FakeRandom random_{7};
  const SigningKey key_;
  const TokenRealm realm_{"https://a", "app"};
};

TEST_P(JwtTest, TakesWhatItMakes) {
  const auto checked = check_access_token(token(), ring(), realm_, kNow);
  ASSERT_TRUE(checked) << checked.error().inside;
  EXPECT_EQ(checked->subject, "u1");
  EXPECT_EQ(checked->session, "s1");
  EXPECT_EQ(checked->id, "s1.0");
  EXPECT_EQ(checked->roles, std::vector<std::string>{"clerk"});
  EXPECT_EQ(checked->aal, 2);
  EXPECT_EQ(checked->expires_s - checked->issued_s, 900);
  EXPECT_TRUE(looks_like_jwt(token()));
  EXPECT_EQ(verdict(forged(header(), payload())), "");
}

TEST_P(JwtTest, AKeyReadsBackAsItWasStored) {
  const SigningKey again = parsed(key_);
  EXPECT_TRUE(key_.holds("text", again.sign("text")));
  EXPECT_EQ(again.public_jwk_members(), key_.public_jwk_members());
  EXPECT_FALSE(SigningKey::parse(GetParam(), "short"));
  EXPECT_FALSE(SigningKey::parse(GetParam(), ""));
}

TEST_P(JwtTest, RefusesEveryChangedToken) {
  const std::string good = token();
  ASSERT_EQ(verdict(good), "");
  for (size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(verdict(changed), "") << "changed at " << i;
  }
  for (size_t i = 0; i < good.size(); i += 7) EXPECT_NE(verdict(good.substr(0, i)), "");
  EXPECT_NE(verdict(good + "A"), "");
  EXPECT_NE(verdict(good + ".A"), "");
}

TEST_P(JwtTest, TheAlgorithmIsTheKeysNeverTheTokens) {
  for (const std::string_view alg : {"none", "None", "HS256", "RS256", "ES256", "EdDSA", "ES384"}) {
    if (alg == signing_algorithm_name(GetParam())) continue;
    const std::string head = R"({"alg":")" + std::string(alg) + R"(","typ":"at+jwt","kid":"k1"})";
    EXPECT_EQ(verdict(forged(head, payload())), "the algorithm is not the key's") << alg;
    // As an attacker makes them: unsigned, or signed by HMAC with what is public.
    const std::string text = encode_base64url(head) + "." + encode_base64url(payload());
    EXPECT_NE(verdict(text + "."), "");
  }
}

TEST_P(JwtTest, RefusesOtherHeaders) {
  const std::string alg(signing_algorithm_name(GetParam()));
  const std::vector<std::pair<std::string, std::string>> cases{
      {R"({"alg":"ALG","typ":"JWT","kid":"k1"})", "the header is not alg, kid and typ at+jwt"},
      {R"({"alg":"ALG","kid":"k1"})", "the header is not alg, kid and typ at+jwt"},
      {R"({"alg":"ALG","typ":"at+jwt","kid":"k2"})", "no key of that kid"},
      {R"({"alg":"ALG","typ":"at+jwt","kid":1})", "no key of that kid"},
      {R"({"alg":"ALG","typ":"at+jwt","x":"k1"})", "no key of that kid"},
      {R"({"alg":1,"typ":"at+jwt","kid":"k1"})", "the algorithm is not the key's"},
      {R"({"x":"ALG","typ":"at+jwt","kid":"k1"})", "the algorithm is not the key's"},
      {R"({"alg":"ALG","typ":1,"kid":"k1"})", "the header is not alg, kid and typ at+jwt"},
      {R"({"alg":"ALG","x":"at+jwt","kid":"k1"})", "the header is not alg, kid and typ at+jwt"},
      {R"({"alg":"ALG","typ":"at+jwt","kid":"k1","crit":["exp"]})",
       "the header is not alg, kid and typ at+jwt"},
      {R"({"alg":"ALG","typ":"at+jwt","kid":"k1","jwk":{}})",
       "the header is not alg, kid and typ at+jwt"},
      {R"(["alg"])", "the header is no object"},
      {"x", "the header is no object"}};
  for (auto [head, why] : cases) {
    if (const size_t at = head.find("ALG"); at != head.npos) head.replace(at, 3, alg);
    EXPECT_EQ(verdict(forged(head, payload())), why) << head;
  }
}

TEST_P(JwtTest, RefusesClaimsThatDoNotHold) {
  const std::vector<std::tuple<std::string_view, std::string_view, std::string_view>> cases{
      {"iss", "\"https://b\"", "iss"},
      {"iss", "", "iss"},
      {"iss", "[\"https://a\"]", "iss"},
      {"iss", "7", "iss"},
      {"aud", "\"other\"", "aud"},
      {"aud", "", "aud"},
      {"aud", "[\"app\"]", "aud"},
      {"sub", "", "sub, sid or jti"},
      {"sub", "1", "sub, sid or jti"},
      {"sid", "", "sub, sid or jti"},
      {"jti", "null", "sub, sid or jti"},
      {"exp", "", "iat, nbf or exp"},
      {"exp", "\"1800000900\"", "iat, nbf or exp"},
      {"exp", "1e99", "iat, nbf or exp"},
      {"exp", "1800000000", "expired"},
      {"iat", "", "iat, nbf or exp"},
      {"iat", "1800000061", "not valid yet"},
      {"nbf", "1800000061", "not valid yet"},
      {"nbf", "true", "iat, nbf or exp"}};
  for (const auto& [name, value, why] : cases) {
    EXPECT_EQ(verdict(forged(header(), payload(name, value))), why) << name << " " << value;
  }
  EXPECT_EQ(verdict(forged(header(), "[]")), "the payload is no object");
  EXPECT_EQ(verdict(forged(header(), payload("iat", "1800000060"))), "");  // the skew of two clocks
  EXPECT_EQ(verdict(std::string(kAccessTokenMax + 1, 'a')), "too long");
  EXPECT_EQ(verdict("a.b"), "not three parts");
  EXPECT_EQ(verdict("."), "not three parts");
  EXPECT_EQ(verdict("a.*.c"), "not base64url");
  // Each of the three.
  EXPECT_EQ(verdict("*.YQ.YQ"), "not base64url");
  EXPECT_EQ(verdict("YQ.*.YQ"), "not base64url");
  EXPECT_EQ(verdict("YQ.YQ.*"), "not base64url");
  EXPECT_EQ(verdict(forged(header(), "{")), "the payload is no object");
}

TEST_P(JwtTest, RolesAreTextsInAListOrNone) {
  const auto roles = [this](std::string_view value) {
    std::string text = payload();
    if (!value.empty()) text.replace(text.size() - 1, 1, ",\"roles\":" + std::string(value) + "}");
    return check_access_token(forged(header(), text), ring(), realm_, kNow).value().roles;
  };
  const std::vector<std::string> none, clerk{"clerk"};
  EXPECT_EQ(roles(""), none);
  EXPECT_EQ(roles(R"("clerk")"), none);
  EXPECT_EQ(roles("null"), none);
  EXPECT_EQ(roles(R"([1,"clerk",null,["x"]])"), clerk);
}

TEST_P(JwtTest, ARingWithoutItsKeyTakesNothingAndPublishesNothing) {
  const KeyRing none({}, Duration{900 * kUsPerSecond}, GetParam());
  EXPECT_EQ(none.signing(kNow), nullptr);
  EXPECT_EQ(none.jwks(kNow), R"({"keys":[]})");
  EXPECT_FALSE(check_access_token(token(), none, realm_, kNow));
  EXPECT_EQ(ring().jwks(kNow).find("k1") == std::string::npos,
            GetParam() == SigningAlgorithm::kHs256);
  const KeyRing two({{"k1", key_, Timestamp{0}}, {"k2", key_, Timestamp{0}}},
                    Duration{900 * kUsPerSecond}, GetParam());
  EXPECT_EQ(two.find("k3", kNow), nullptr);
}

TEST_P(JwtTest, LivesAsLongAsItSaysWhateverTheClockDoes) {
  const std::string text = token();
  EXPECT_EQ(verdict(text, Timestamp{kNow.us + 899 * kUsPerSecond}), "");
  EXPECT_EQ(verdict(text, Timestamp{kNow.us + 900 * kUsPerSecond}), "expired");
  // Set back by ten years: an old token is not alive again, because it was not issued yet.
  EXPECT_EQ(verdict(text, Timestamp{kNow.us - 315'000'000 * kUsPerSecond}), "not valid yet");
}

INSTANTIATE_TEST_SUITE_P(Algorithms, JwtTest,
                         testing::Values(SigningAlgorithm::kEdDsa, SigningAlgorithm::kEs256,
                                         SigningAlgorithm::kRs256, SigningAlgorithm::kHs256),
                         [](const auto& info) {
                           return std::string(signing_algorithm_name(info.param));
                         });

TEST(KeyRingTest, ANewKeyIsPublishedBeforeItSignsAndTheOldOneOutlivesItsTokens) {
  FakeRandom random;
  const auto key = [&random] { return SigningKey::generate(SigningAlgorithm::kEdDsa, random); };
  const auto at = [](int64_t s) { return Timestamp{s * kUsPerSecond}; };
  const KeyRing ring({{"old", key(), at(0)}, {"new", key(), at(600)}}, Duration{900 * kUsPerSecond},
                     SigningAlgorithm::kEdDsa);
  const auto signs = [&](int64_t s) { return ring.signing(at(s))->kid; };
  EXPECT_EQ(signs(0), "old");
  EXPECT_EQ(signs(599), "old");
  EXPECT_EQ(signs(600), "new");
  EXPECT_NE(ring.jwks(at(0)).find("\"kid\":\"new\""), std::string::npos);
  EXPECT_NE(ring.find("old", at(1499)), nullptr);
  EXPECT_EQ(ring.find("old", at(1500)), nullptr);
  EXPECT_EQ(ring.jwks(at(1500)).find("\"kid\":\"old\""), std::string::npos);
  EXPECT_NE(ring.find("new", at(1'000'000)), nullptr);
  // A clock before every key still signs.
  EXPECT_EQ(signs(-1'000'000), "old");
}

TEST(KeyRingTest, AnAppThatGoesBackToAnAlgorithmGoesBackToItsKey) {
  FakeRandom random;
  const auto made = [&random](SigningAlgorithm signs) {
    return KeyRing({{"first", SigningKey::generate(SigningAlgorithm::kEdDsa, random), Timestamp{0}},
                    {"second", SigningKey::generate(SigningAlgorithm::kEs256, random),
                     Timestamp{600 * kUsPerSecond}}},
                   Duration{900 * kUsPerSecond}, signs);
  };
  const Timestamp later{1'000'000 * kUsPerSecond};
  const KeyRing forth = made(SigningAlgorithm::kEs256);
  EXPECT_EQ(forth.signing(later)->kid, "second");
  EXPECT_EQ(forth.find("first", later), nullptr);
  const KeyRing back = made(SigningAlgorithm::kEdDsa);
  EXPECT_EQ(back.signing(later)->kid, "first");
  EXPECT_NE(back.find("first", later), nullptr);
  EXPECT_NE(back.jwks(later).find("\"kid\":\"first\""), std::string::npos);
  EXPECT_EQ(made(SigningAlgorithm::kRs256).signing(later), nullptr);
}

TEST(KeyRingTest, TheIdOfAKeyIsItsThumbprint) {
  FakeRandom random;
  const SigningKey key = SigningKey::generate(SigningAlgorithm::kEdDsa, random);
  EXPECT_EQ(new_kid(key, random), new_kid(key, random));
  EXPECT_EQ(new_kid(key, random).size(), 43U);  // SHA-256
  const SigningKey secret = SigningKey::generate(SigningAlgorithm::kHs256, random);
  EXPECT_NE(new_kid(secret, random), new_kid(secret, random));
  const KeyRing ring({{"s", secret, Timestamp{0}}}, Duration{}, SigningAlgorithm::kHs256);
  EXPECT_EQ(ring.jwks(Timestamp{0}), R"({"keys":[]})");
}

}  // namespace
}  // namespace mettle::auth

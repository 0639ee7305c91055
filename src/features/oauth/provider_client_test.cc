#include "features/oauth/provider_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "async/held_clock.h"
#include "async/scope.h"
#include "base/json_read.h"
#include "base/signing_key.h"
#include "base/text.h"
#include "net/fake_http_client.h"

namespace mettle::oauth {
namespace {

using testing::HasSubstr;
using testing::Not;
using Kind = model::IdentityProvider::Kind;

const std::string kTenant = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const std::string kTemplate = "https://login.microsoftonline.com/{tenantid}/v2.0";

std::string header_of(const net::HttpCall& call, std::string_view name) {
  for (const auto& [each, value] : call.headers) {
    if (iequals(each, name)) return value;
  }
  return {};
}

class ProviderClientTest : public testing::Test {
 protected:
  ProviderClientTest() {
    spec_.name = "acme";
    spec_.issuer = issuer_;
    spec_.client_id = "shop:1";
    spec_.client_secret = "s&cret";
    spec_.scopes = {"openid", "email"};
    outgoing_->use(http_);
  }

  std::string document() const {
    return fmt::format(
        R"({{"issuer":"{0}","authorization_endpoint":"https://id.example/auth?x=1",)"
        R"("token_endpoint":"https://id.example/token","jwks_uri":"https://id.example/keys",)"
        R"("userinfo_endpoint":"https://id.example/me",)"
        R"("id_token_signing_alg_values_supported":["ES256"]{1}}})",
        issuer_, more_);
  }
  // An ID token that says what `claims_` has.
  std::string id_token() const {
    const int64_t now_s = seams_.clock->now().us / 1'000'000;
    const std::string payload =
        fmt::format(R"({{"iss":"{}","aud":"{}","nonce":"n","iat":{},"exp":{}{}}})", token_issuer_,
                    spec_.client_id, now_s, now_s + 60, claims_);
    const std::string text =
        encode_base64url(R"({"alg":"ES256","kid":"k"})") + "." + encode_base64url(payload);
    return text + "." + encode_base64url(key().sign(text));
  }
  static SigningKey& key() {
    static SigningKey made = SigningKey::generate(SigningAlgorithm::kEs256, *system_seams().random);
    return made;
  }
  Result<net::HttpAnswer> answer(const net::HttpCall& call) {
    EXPECT_FALSE(call.reach.loopback);
    EXPECT_FALSE(call.reach.link_local);
    net::HttpAnswer out;
    out.status = 200;
    if (call.url.ends_with("/openid-configuration")) out.body = document();
    if (call.url.ends_with("/keys")) {
      out.body = fmt::format(R"({{"keys":[{{"kid":"k","alg":"{}",{}}}]}})", key_algorithm_,
                             key().public_jwk_members());
    }
    if (call.url.ends_with("/me")) out.body = user_info_;
    if (call.url.ends_with("/user")) out.body = user_;
    if (call.url.ends_with("/user/emails")) out.body = emails_;
    if (call.method == "POST") {
      out.status = token_status_;
      out.body = token_answer_.empty()
                     ? fmt::format(R"({{"access_token":"at","id_token":"{}"}})", id_token())
                     : token_answer_;
    }
    return out;
  }
  Result<auth::Identity> identify(std::string iss = "") {
    ProviderClient client(spec_, {}, outgoing_);
    Context ctx(core_, seams_, INT64_MAX);
    Authorization asked{"https://shop.example/cb", "state", "n", "verifier"};
    return run_task(core_, client.identify(ctx, asked, {"code", std::move(iss)}));
  }
  std::string url() {
    ProviderClient client(spec_, {}, outgoing_);
    Context ctx(core_, seams_, INT64_MAX);
    Authorization asked{"https://shop.example/cb", "mtf_x", "n", "verifier"};
    const auto made = run_task(core_, client.authorization_url(ctx, asked));
    return made ? *made : made.error().inside;
  }
  std::string refusal(std::string iss = "") {
    const auto got = identify(std::move(iss));
    return got ? "it was taken" : std::string(got.error().name()) + ": " + got.error().inside;
  }
  const net::HttpCall& post() const {
    return *std::ranges::find(http_->calls, "POST", &net::HttpCall::method);
  }

  HeldClock clock_;
  mutable Seams seams_ = clock_.seams();
  Core core_{seams_};
  model::IdentityProvider spec_;
  std::string issuer_ = "https://id.example", token_issuer_ = issuer_, more_;
  std::string claims_ = R"(,"sub":"ada","email":"Ada@Example.com","email_verified":true)";
  std::string user_info_, user_, emails_, token_answer_, key_algorithm_ = "ES256";
  int token_status_ = 200;
  std::shared_ptr<net::FakeHttpClient> http_ = std::make_shared<net::FakeHttpClient>(
      [this](const net::HttpCall& call) { return answer(call); });
  std::shared_ptr<Outgoing> outgoing_ = std::make_shared<Outgoing>();
};

TEST_F(ProviderClientTest, SendsTheBrowserWithEverythingThatBindsTheAnswer) {
  const std::string made = url();
  EXPECT_TRUE(made.starts_with("https://id.example/auth?x=1&response_type=code&")) << made;
  for (const std::string_view part :
       {"client_id=shop%3A1", "redirect_uri=https%3A%2F%2Fshop.example%2Fcb",
        "scope=openid%20email", "state=mtf_x", "nonce=n", "code_challenge_method=S256",
        // RFC 7636: base64url of the SHA-256 of "verifier"
        "code_challenge=iMnq5o6zALKXGivsnlom_0F5_WYda32GHkxlV7mq7hQ"}) {
    EXPECT_THAT(made, HasSubstr(part));
  }
  EXPECT_THAT(made, Not(HasSubstr("response_mode")));
  EXPECT_THAT(made, Not(HasSubstr("code_verifier")));
}

TEST_F(ProviderClientTest, TellsWhoSignedInByTheIdToken) {
  const auto who = identify();
  ASSERT_TRUE(who.has_value()) << who.error().inside;
  EXPECT_EQ(who->issuer, issuer_);
  EXPECT_EQ(who->subject, "ada");
  EXPECT_TRUE(who->email_verified);
  EXPECT_EQ(header_of(post(), "Authorization"), "Basic " + encode_base64("shop%3A1:s%26cret"));
  EXPECT_THAT(post().body, HasSubstr("code_verifier=verifier"));
  EXPECT_THAT(post().body, Not(HasSubstr("s%26cret")));
}

TEST_F(ProviderClientTest, SendsTheSecretAsTheProviderWantsIt) {
  more_ = R"(,"token_endpoint_auth_methods_supported":["client_secret_post"])";
  ASSERT_TRUE(identify().has_value());
  EXPECT_THAT(post().body, HasSubstr("client_id=shop%3A1&client_secret=s%26cret"));
  EXPECT_EQ(header_of(post(), "Authorization"), "");
}

TEST_F(ProviderClientTest, AsksUserInfoWhereTheTokenHasNoAddress) {
  claims_ = R"(,"sub":"ada")";
  user_info_ = R"({"sub":"ada","email":"ada@example.com","email_verified":true})";
  ASSERT_TRUE(identify().has_value());
  EXPECT_EQ(identify()->email, "ada@example.com");
  EXPECT_EQ(header_of(http_->calls.back(), "Authorization"), "Bearer at");
  user_info_ = R"({"sub":"eve","email":"ada@example.com","email_verified":true})";
  EXPECT_EQ(refusal(), "invalid_credentials: id token: userinfo of another subject");
}

TEST_F(ProviderClientTest, HoldsTheAnswerToItsIssuer) {
  EXPECT_THAT(refusal("https://evil.example"), HasSubstr("invalid_credentials: the answer"));
  EXPECT_EQ(refusal(issuer_), "it was taken");
  more_ = R"(,"authorization_response_iss_parameter_supported":true)";
  EXPECT_THAT(refusal(), HasSubstr("invalid_credentials: the answer"));
  EXPECT_EQ(refusal(issuer_), "it was taken");
}

TEST_F(ProviderClientTest, HoldsTheTokenToTheProvidersKeys) {
  key_algorithm_ = "ES384";
  EXPECT_THAT(refusal(), HasSubstr("the key is for ES384"));
  key_algorithm_ = "";
  EXPECT_EQ(refusal(), "it was taken");
  token_issuer_ = "https://evil.example";
  EXPECT_EQ(refusal(), "invalid_credentials: id token: iss");
}

TEST_F(ProviderClientTest, TellsARefusedCodeFromAProviderThatFails) {
  token_status_ = 400;
  token_answer_ = R"({"error":"invalid_grant","error_description":"secret inside"})";
  EXPECT_THAT(refusal(), HasSubstr("invalid_credentials:"));
  token_answer_ = R"({"error":"invalid_client"})";
  EXPECT_THAT(refusal(), HasSubstr("unavailable:"));
  token_answer_ = "<html>";
  token_status_ = 200;
  EXPECT_THAT(refusal(), HasSubstr("unavailable:"));
  token_answer_ = R"({"access_token":"at"})";
  EXPECT_THAT(refusal(), HasSubstr("invalid_credentials: id token"));
}

TEST_F(ProviderClientTest, GithubIsAskedForTheFirstProvenAddress) {
  spec_.kind = Kind::kGithub;
  spec_.name = "github";
  spec_.issuer = "https://github.com";
  token_answer_ = R"({"access_token":"gho"})";
  user_ = R"({"id":9007199254740993,"login":"ada","name":"Ada","email":"public@example.com"})";
  emails_ = R"([{"email":"old@example.com","primary":false,"verified":true},)"
            R"({"email":"ada@example.com","primary":true,"verified":true}])";
  const auto who = identify();
  ASSERT_TRUE(who.has_value()) << who.error().inside;
  EXPECT_EQ(who->issuer, "https://github.com");
  EXPECT_EQ(who->subject, "9007199254740993");
  EXPECT_EQ(who->email, "ada@example.com");
  EXPECT_TRUE(who->email_verified);
  EXPECT_EQ(who->claims, R"({"name":"Ada","nickname":"ada","preferred_username":"ada"})");
  EXPECT_EQ(post().url, "https://github.com/login/oauth/access_token");
  EXPECT_EQ(http_->calls.back().url, "https://api.github.com/user/emails");
  EXPECT_EQ(header_of(http_->calls.back(), "Authorization"), "Bearer gho");
  EXPECT_THAT(url(), HasSubstr("https://github.com/login/oauth/authorize?response_type=code&"));
  emails_ = R"([{"email":"ada@example.com","primary":true,"verified":false}])";
  EXPECT_EQ(identify()->email, "");
  emails_ = R"([{"email":"ada@example.com","primary":false,"verified":true}])";
  EXPECT_FALSE(identify()->email_verified);
  user_ = R"({"id":"7","login":"eve"})";
  EXPECT_THAT(refusal(), HasSubstr("unavailable"));
  token_answer_ = R"({"error":"bad_verification_code"})";
  EXPECT_THAT(refusal(), HasSubstr("invalid_credentials"));
}

TEST_F(ProviderClientTest, AnEnterpriseServerOfGithubIsAskedItself) {
  spec_.kind = Kind::kGithub;
  spec_.issuer = "https://git.acme.example";
  token_answer_ = R"({"access_token":"gho"})";
  user_ = R"({"id":7})";
  emails_ = "[]";
  ASSERT_TRUE(identify().has_value());
  EXPECT_EQ(http_->calls.back().url, "https://git.acme.example/api/v3/user/emails");
}

TEST_F(ProviderClientTest, AppleTakesATokenForASecretAndAnswersByAForm) {
  const std::string der = key().private_form();
  spec_.kind = Kind::kApple;
  spec_.team_id = "TEAM";
  spec_.key_id = "KEY";
  spec_.form_post = true;
  spec_.private_key =
      "-----BEGIN PRIVATE KEY-----\\n" + encode_base64(der) + "\\n-----END PRIVATE KEY-----\\n";
  EXPECT_TRUE(ProviderClient(spec_, {}, outgoing_).check().has_value());
  ASSERT_TRUE(identify().has_value());
  EXPECT_EQ(header_of(post(), "Authorization"), "");
  const std::string& body = post().body;
  const std::string secret = body.substr(body.find("client_secret=") + 14);
  const auto parts = split(secret, '.');
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_TRUE(key().holds(secret.substr(0, secret.rfind('.')), *decode_base64url(parts[2])));
  EXPECT_EQ(*decode_base64url(parts[0]), R"({"alg":"ES256","kid":"KEY"})");
  const std::string payload = *decode_base64url(parts[1]);
  EXPECT_THAT(payload, HasSubstr(R"("iss":"TEAM","sub":"shop:1")"));
  EXPECT_THAT(payload, HasSubstr(R"("aud":"https://appleid.apple.com")"));
  EXPECT_THAT(url(), HasSubstr("response_mode=form_post"));
  for (const std::string_view bad : {"", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n"}) {
    spec_.private_key = bad;
    EXPECT_FALSE(ProviderClient(spec_, {}, outgoing_).check().has_value()) << bad;
  }
}

TEST_F(ProviderClientTest, MicrosoftsIssuerIsThatOfTheDirectory) {
  spec_.kind = Kind::kMicrosoft;
  spec_.issuer = "https://login.microsoftonline.com";
  spec_.tenant = "common";
  issuer_ = kTemplate;
  token_issuer_ = "https://login.microsoftonline.com/" + kTenant + "/v2.0";
  claims_ = R"(,"sub":"ada","email":"ada@example.com","tid":")" + kTenant + "\"";
  const auto who = identify();
  ASSERT_TRUE(who.has_value()) << who.error().inside;
  EXPECT_EQ(who->issuer, token_issuer_);
  EXPECT_FALSE(who->email_verified);  // whatever a directory's administrator wrote
  EXPECT_EQ(http_->calls.front().url,
            "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration");
  // The document of one directory is of that one alone.
  spec_.tenant = "11111111-2222-3333-4444-555555555555";
  EXPECT_THAT(refusal(), HasSubstr("unavailable"));
  spec_.tenant = "acme.example";
  issuer_ = token_issuer_;
  EXPECT_EQ(refusal(), "it was taken");
  issuer_ = "https://evil.example/" + kTenant + "/v2.0";
  EXPECT_THAT(refusal(), HasSubstr("unavailable"));
}

}  // namespace
}  // namespace mettle::oauth

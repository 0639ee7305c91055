#include "features/oauth/discovery.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "async/held_clock.h"
#include "async/scope.h"
#include "net/fake_http_client.h"

namespace mettle::oauth {
namespace {

const std::string kIssuer = "https://id.example";

std::string document(std::string issuer = kIssuer, std::string more = "") {
  return fmt::format(
      R"({{"issuer":"{}","authorization_endpoint":"https://id.example/auth",)"
      R"("token_endpoint":"https://id.example/token","jwks_uri":"https://id.example/keys",)"
      R"("id_token_signing_alg_values_supported":["RS256","ES256"],)"
      R"("code_challenge_methods_supported":["S256"]{}}})",
      issuer, more);
}
std::string key(std::string kid,
                std::string more = R"("kty":"RSA","use":"sig","n":"x","e":"AQAB")") {
  return fmt::format(R"({{"kid":"{}",{}}})", kid, more);
}
std::string jwks(const std::vector<std::string>& keys) {
  std::string out = R"({"keys":[)";
  for (const std::string& each : keys) out += (out.ends_with('[') ? "" : ",") + each;
  return out + "]}";
}

class DiscoveryTest : public testing::Test {
 protected:
  Result<std::shared_ptr<const Provider>> provider() {
    Context ctx(core_, seams_, INT64_MAX);
    return run_task(core_, discovery_.provider(ctx));
  }
  Result<std::optional<ProviderKey>> find(std::string kid) {
    Context ctx(core_, seams_, INT64_MAX);
    return run_task(core_, discovery_.key(ctx, std::move(kid)));
  }
  bool has(std::string kid) {
    const auto found = find(std::move(kid));
    return found && found->has_value();
  }
  Result<net::HttpAnswer> answer(const net::HttpCall& call) {
    EXPECT_EQ(call.answer_bytes_max, kDocumentBytes);
    EXPECT_FALSE(call.reach.loopback);
    if (broken_) return fail(Code::kHandlerFailed, "nobody answers");
    net::HttpAnswer out;
    out.status = status_;
    out.body = call.url.ends_with("/keys") ? keys_ : document_;
    if (!cache_.empty()) out.headers.emplace_back("cache-control", cache_);
    return out;
  }
  size_t asked(std::string_view end) const {
    return static_cast<size_t>(std::ranges::count_if(
        client_.calls, [&](const net::HttpCall& call) { return call.url.ends_with(end); }));
  }
  void pass(int64_t us) { clock_.advance(std::chrono::microseconds(us)); }

  HeldClock clock_;
  Seams seams_ = clock_.seams();
  Core core_{seams_};
  std::string document_ = document(), keys_ = jwks({key("a"), key("b")}), cache_;
  int status_ = 200;
  bool broken_ = false;
  net::FakeHttpClient client_{[this](const net::HttpCall& call) { return answer(call); }};
  Discovery discovery_{client_, {kIssuer, {}}};
};

TEST_F(DiscoveryTest, ReadsWhatTheProviderSaysAndKeepsIt) {
  const auto found = provider();
  ASSERT_TRUE(found.has_value()) << found.error().inside;
  EXPECT_EQ((*found)->token_endpoint, "https://id.example/token");
  EXPECT_TRUE((*found)->has_pkce);
  EXPECT_FALSE((*found)->names_itself);
  EXPECT_EQ((*found)->token_auth_methods, std::vector<std::string>{"client_secret_basic"});
  EXPECT_TRUE(has("a"));
  EXPECT_TRUE(has("b"));
  EXPECT_TRUE(provider().has_value());
  EXPECT_EQ(client_.calls.size(), 2u);
  EXPECT_EQ(client_.calls[0].url, "https://id.example/.well-known/openid-configuration");
}

// A3 of the threat list: an issuer speaks for itself alone.
TEST_F(DiscoveryTest, AnotherIssuersDocumentIsNotBelieved) {
  for (const char* issuer : {"https://evil.example", "https://id.example/", "https://ID.example",
                             "http://id.example", "https://id.example:443", ""}) {
    EXPECT_FALSE(read_provider(document(issuer), kIssuer).has_value()) << issuer;
  }
  document_ = document("https://evil.example");
  const auto found = provider();
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().code, Code::kUnavailable);
  EXPECT_EQ(found.error().detail.find("evil"), std::string::npos);  // for the log alone
  EXPECT_NE(found.error().inside.find("evil"), std::string::npos);
}

TEST_F(DiscoveryTest, AddressesMustBeOverTlsAsTheIssuerIs) {
  for (const char* bad : {"http://id.example/x", "ftp://id.example/x", "javascript:alert(1)", "/x",
                          "https://id.example/#x", "https://id.example/ x"}) {
    const std::string more = fmt::format(R"(,"userinfo_endpoint":"{}")", bad);
    EXPECT_FALSE(read_provider(document(kIssuer, more), kIssuer).has_value()) << bad;
  }
  EXPECT_FALSE(read_provider("[]", kIssuer).has_value());
  EXPECT_FALSE(read_provider("{", kIssuer).has_value());
  EXPECT_FALSE(read_provider(R"({"issuer":"https://id.example"})", kIssuer).has_value());
}

TEST_F(DiscoveryTest, KeysThatDoNotVerifyAreLeftOut) {
  const auto found = read_keys(jwks({
      key("good"),
      key("secret", R"("kty":"oct","k":"c2VjcmV0")"),
      key("encrypts", R"("kty":"RSA","use":"enc")"),
      key("signs", R"("kty":"EC","key_ops":["sign"])"),
      key("verifies", R"("kty":"EC","key_ops":["verify"])"),
      R"({"kty":"RSA"})",
      R"("text")",
  }));
  ASSERT_TRUE(found.has_value());
  std::vector<std::string> kids;
  for (const auto& [kid, each] : *found) kids.push_back(kid);
  EXPECT_EQ(kids, (std::vector<std::string>{"good", "verifies"}));
  EXPECT_FALSE(read_keys(jwks({key("a"), key("a")})).has_value());
  std::vector<std::string> many;
  for (size_t i = 0; i <= kKeysMax; ++i) many.push_back(key(std::to_string(i)));
  EXPECT_FALSE(read_keys(jwks(many)).has_value());
  EXPECT_FALSE(read_keys("{}").has_value());
}

TEST_F(DiscoveryTest, ANewKeyIsFoundAndUnknownOnesAreLookedForOnceAMinute) {
  EXPECT_TRUE(has("a"));
  keys_ = jwks({key("b"), key("c")});
  pass(1);
  EXPECT_TRUE(has("c"));
  EXPECT_EQ(asked("/keys"), 2u);
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(has("no" + std::to_string(i)));
  EXPECT_EQ(asked("/keys"), 2u);
  pass(kUnknownKeyUs);
  EXPECT_FALSE(has("no"));
  EXPECT_FALSE(has("no"));
  EXPECT_EQ(asked("/keys"), 3u);
}

TEST_F(DiscoveryTest, IsKeptAsLongAsTheProviderSaysWithinBounds) {
  const auto lasts = [&](std::string cache, int64_t us) {
    cache_ = std::move(cache);
    pass(kKeptMaxUs + kStaleUs);
    EXPECT_TRUE(provider().has_value());
    const size_t before = client_.calls.size();
    pass(us - 1);
    EXPECT_TRUE(provider().has_value());
    EXPECT_EQ(client_.calls.size(), before) << cache_;
    pass(1);
    EXPECT_TRUE(provider().has_value());
    EXPECT_EQ(client_.calls.size(), before + 1) << cache_;
  };
  lasts("", kKeptUs);
  lasts("public, max-age=600", 600'000'000);
  lasts("max-age=0", kKeptMinUs);
  lasts("no-store", kKeptMinUs);
  lasts("max-age=99999999999999", kKeptMaxUs);
  lasts("max-age=x", kKeptMinUs);
}

TEST_F(DiscoveryTest, WhatWasFetchedGoesOnForAWhileWhenTheProviderIsAway) {
  EXPECT_TRUE(has("a"));
  broken_ = true;
  pass(kKeptUs);
  EXPECT_TRUE(provider().has_value());
  const size_t before = client_.calls.size();
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(provider().has_value());
  EXPECT_EQ(client_.calls.size(), before);  // not asked again at once
  pass(kStaleUs);
  EXPECT_FALSE(provider().has_value());
  const size_t then = client_.calls.size();
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(provider().has_value());
  EXPECT_LE(client_.calls.size(), then + 100);
  broken_ = false;
  pass(kFailurePauseUs);
  EXPECT_TRUE(provider().has_value());
}

TEST_F(DiscoveryTest, AProviderThatWasNeverThereIsAskedSeldom) {
  broken_ = true;
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(provider().has_value());
  EXPECT_EQ(client_.calls.size(), 1u);
  broken_ = false;
  pass(kFailurePauseUs);
  EXPECT_TRUE(provider().has_value());
  status_ = 500;
  pass(kKeptMaxUs + kStaleUs);
  EXPECT_FALSE(provider().has_value());
}

}  // namespace
}  // namespace mettle::oauth

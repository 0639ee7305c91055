// `auth.providers` and `auth.return_to`: what is read, and what is said of everything else.
#include <gtest/gtest.h>

#include "model/load.h"

namespace mettle::model {
namespace {

std::optional<std::string> environment(std::string_view name) {
  if (name == "SECRET") return "the secret";
  if (name == "ISSUER") return "https://id.acme.example";
  return std::nullopt;
}

std::shared_ptr<const AppModel> load(const std::string& auth, Faults& faults) {
  LoadOptions options;
  options.env = environment;
  return load_text("mettle: 1\napp: shop\nauth:\n  table: users\n" + auth + "tables: {}\n",
                   "app.yaml", options, faults);
}

std::vector<IdentityProvider> read(const std::string& providers) {
  Faults faults;
  const auto app = load("  providers:\n" + providers, faults);
  for (const FileFault& fault : faults.sorted()) ADD_FAILURE() << fault.message;
  return app ? app->auth.providers : std::vector<IdentityProvider>();
}

// "code path" of each fault.
std::string faults_of(const std::string& auth) {
  Faults faults;
  static_cast<void>(load(auth, faults));
  std::string out;
  for (const FileFault& fault : faults.sorted()) {
    out += (out.empty() ? "" : "; ") + fault.code + " " + fault.path;
  }
  return out;
}
std::string faults_of_provider(const std::string& line) {
  return faults_of("  providers:\n    " + line + "\n");
}

using Kind = IdentityProvider::Kind;

TEST(Providers, KnowsTheGreatOnesByTheirNames) {
  const auto all = read(
      "    google: {client_id: g, client_secret: \"${SECRET}\"}\n"
      "    github: {client_id: h, client_secret: \"${SECRET}\"}\n"
      "    apple: {client_id: a, team_id: T1, key_id: K1, private_key: \"${SECRET}\"}\n"
      "    microsoft: {client_id: m, client_secret: \"${SECRET}\"}\n");
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].issuer, "https://accounts.google.com");
  EXPECT_EQ(all[0].kind, Kind::kOidc);
  EXPECT_EQ(all[0].label, "Google");
  EXPECT_EQ(all[0].client_secret, "the secret");
  EXPECT_EQ(all[1].kind, Kind::kGithub);
  EXPECT_EQ(all[1].scopes, (std::vector<std::string>{"read:user", "user:email"}));
  EXPECT_TRUE(all[2].form_post);
  EXPECT_EQ(all[2].private_key, "the secret");
  EXPECT_EQ(all[3].tenant, "common");
}

TEST(Providers, TakesAnyIssuer) {
  const auto all = read(
      "    acme: {issuer: \"${ISSUER}\", client_id: shop, scopes: [openid], label: Acme, "
      "response_mode: form_post}\n"
      "    near: {issuer: \"http://[::1]:8080/realm\", client_id: shop}\n"
      "    github: {issuer: \"https://git.acme.example\", client_id: s, client_secret: "
      "\"${SECRET}\"}\n");
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].issuer, "https://id.acme.example");
  EXPECT_EQ(all[0].scopes, std::vector<std::string>{"openid"});
  EXPECT_EQ(all[0].label, "Acme");
  EXPECT_TRUE(all[0].form_post);
  EXPECT_EQ(all[1].client_secret, "");
  EXPECT_EQ(all[2].issuer, "https://git.acme.example");
}

TEST(Providers, ASecretStandsInTheEnvironment) {
  for (const std::string_view secret :
       {"abc", "\"x${SECRET}\"", "\"${SECRET}x\"", "\"\"", "\"${SECRET}${SECRET}\""}) {
    EXPECT_EQ(
        faults_of_provider("google: {client_id: g, client_secret: " + std::string(secret) + "}"),
        "secret_in_file auth.providers.google.client_secret")
        << secret;
  }
  EXPECT_EQ(faults_of_provider("google: {client_id: g, client_secret: \"${NONE}\"}"),
            "missing_variable auth.providers.google.client_secret");
  EXPECT_EQ(faults_of_provider("acme: {issuer: \"${NONE}\", client_id: g}"),
            "missing_variable auth.providers.acme.issuer");
}

TEST(Providers, SaysWhatIsMissingOrOfNoUse) {
  EXPECT_EQ(faults_of_provider("acme: {client_id: x}"), "missing_key auth.providers.acme");
  EXPECT_EQ(faults_of_provider("google: {client_id: x}"), "missing_key auth.providers.google");
  EXPECT_EQ(faults_of_provider("acme: {issuer: \"https://id.example\"}"),
            "missing_key auth.providers.acme.client_id");
  EXPECT_EQ(faults_of_provider("apple: {client_id: x, private_key: \"${SECRET}\", team_id: T}"),
            "missing_key auth.providers.apple");
  EXPECT_EQ(faults_of_provider("apple: {client_id: x, private_key: \"${SECRET}\", team_id: T, "
                               "key_id: K, client_secret: \"${SECRET}\"}"),
            "idle_key auth.providers.apple.client_secret");
  EXPECT_EQ(faults_of_provider("google: {client_id: x, client_secret: \"${SECRET}\", issuer: "
                               "\"https://id.example\"}"),
            "idle_key auth.providers.google.issuer");
  EXPECT_EQ(faults_of_provider("acme: {client_id: x, issuer: \"https://id.example\", tenant: t}"),
            "idle_key auth.providers.acme.tenant");
  EXPECT_EQ(faults_of_provider("microsoft: {client_id: x, client_secret: \"${SECRET}\", tenant: "
                               "\"a/b\"}"),
            "not_allowed auth.providers.microsoft.tenant");
  EXPECT_EQ(
      faults_of_provider("acme: {client_id: x, issuer: \"https://id.example\", scopes: [email]}"),
      "not_allowed auth.providers.acme.scopes");
}

TEST(Providers, AnIssuerIsReachedByTlsOrIsThisMachine) {
  for (const std::string_view issuer :
       {"http://id.example", "http://127.0.0.1.evil.example", "http://127.0.0.1@evil.example",
        "ftp://id.example", "https://", "https://id.example?x", "https://id.example#x",
        "https://id .example", "id.example", "http://localhost.evil.example"}) {
    EXPECT_EQ(faults_of_provider("acme: {client_id: x, issuer: \"" + std::string(issuer) + "\"}"),
              "invalid_url auth.providers.acme.issuer")
        << issuer;
  }
}

TEST(Providers, PlacesToReturnToAreExact) {
  Faults faults;
  const auto app = load(
      "  return_to: [\"https://shop.example/in\", \"example.shop:/in\", "
      "\"http://127.0.0.1:3000/in\"]\n",
      faults);
  ASSERT_TRUE(app != nullptr);
  EXPECT_EQ(app->auth.return_to.size(), 3U);
  for (const std::string_view bad : {"http://shop.example/in", "javascript:alert(1)", "shop:/in",
                                     "/in", "https://shop.example/in#x", "data:text/html,x"}) {
    EXPECT_EQ(faults_of("  return_to: [\"" + std::string(bad) + "\"]\n"),
              "invalid_url auth.return_to.0")
        << bad;
  }
}

TEST(Providers, AreForPeopleWhoSignIn) {
  Faults faults;
  LoadOptions options;
  const auto app = load_text("mettle: 1\napp: a\nauth: {providers: {google: {client_id: x}}}\n",
                             "app.yaml", options, faults);
  EXPECT_EQ(app, nullptr);
  EXPECT_EQ(faults.sorted().at(0).code, "auth_without_table");
}

}  // namespace
}  // namespace mettle::model

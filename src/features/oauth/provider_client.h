// ProviderClient: one identity provider of the app file, spoken to as OAuth 2.1 and OpenID Connect
// have it: the address that a browser is sent to, and who has signed in there, from the code that
// comes back. GitHub, which is no OpenID provider, is asked for the same by its API.
//
// On any core; waits for the provider. Fails with kUnavailable where it cannot be reached, answers
// wrongly or refuses this app, and with kInvalidCredentials where its word does not hold; `inside`
// has what, and nothing of it is for the caller.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "features/auth/auth.h"
#include "features/oauth/discovery.h"
#include "features/oauth/id_token.h"
#include "model/app_model.h"
#include "net/http_client.h"

namespace mettle::oauth {

// The one client of the process, there from the engine's start on.
class Outgoing {
 public:
  void use(std::shared_ptr<net::HttpClient> client) { client_ = std::move(client); }
  net::HttpClient& client() const { return *client_; }
  bool has_client() const { return client_ != nullptr; }

 private:
  std::shared_ptr<net::HttpClient> client_;
};

// The words of one sign-in.
struct Authorization {
  std::string redirect_uri, state, nonce, verifier;
};
// What came back with it.
struct AuthorizationAnswer {
  std::string code;
  std::string iss;  // RFC 9207; may be empty
};

class ProviderClient {
 public:
  ProviderClient(model::IdentityProvider spec, net::Reach reach,
                 std::shared_ptr<Outgoing> outgoing);

  const model::IdentityProvider& spec() const { return spec_; }
  // Whether what the app file says of it can be used: a private key that is one.
  Result<> check() const;

  Task<Result<std::string>> authorization_url(Context& ctx, Authorization asked);
  Task<Result<auth::Identity>> identify(Context& ctx, Authorization asked,
                                        AuthorizationAnswer answer);

 private:
  struct Tokens {
    std::string access_token, id_token;
  };
  Discovery& discovery();
  Task<Result<std::string>> call(Context& ctx, net::HttpCall call);
  Task<Result<Tokens>> exchange(Context& ctx, std::string endpoint, bool basic,
                                const Authorization& asked, std::string code);
  Task<Result<IdClaims>> check(Context& ctx, std::shared_ptr<const Provider> provider,
                               std::string nonce, const Tokens& tokens);
  Task<Result<auth::Identity>> identify_oidc(Context& ctx, Authorization asked,
                                             AuthorizationAnswer answer);
  Task<Result<auth::Identity>> identify_github(Context& ctx, Authorization asked, std::string code);
  Task<Result<std::string>> get(Context& ctx, std::string url, const std::string& access_token);
  Result<std::string> client_secret(Timestamp now, Random& random) const;

  const model::IdentityProvider spec_;
  const net::Reach reach_;
  const std::shared_ptr<Outgoing> outgoing_;
  std::mutex mutex_;
  std::unique_ptr<Discovery> discovery_;  // made when first needed: then there is a client
};

// Whom GitHub's answers to /user and /user/emails are about: with the address that is its owner's
// first and proven, or none.
Result<auth::Identity> read_github_user(std::string_view user, std::string_view emails);

// Apple's client secret: a token that says who asks, signed with ES256.
Result<std::string> apple_client_secret(const model::IdentityProvider& spec, Timestamp now,
                                        Random& random);

}  // namespace mettle::oauth

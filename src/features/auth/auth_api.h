// The addresses of sign-in: /auth/* and the JWKS. One function a route; auth.cc puts them in their
// places and describes them.
//
// A body is a JSON object of exactly the members that are named; all faults of it are told at once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_read.h"
#include "engine/route.h"
#include "features/auth/sign_in.h"

namespace mettle::auth {

// What answers at one address.
using Act = Task<Result<net::Response>> (*)(engine::Call& call, SignIn& sign_in);
std::shared_ptr<const engine::Endpoint> endpoint(std::shared_ptr<SignIn> sign_in, Act act);

// sign_in_api.cc
Task<Result<net::Response>> post_register(engine::Call& call, SignIn& sign_in);
Task<Result<net::Response>> post_login(engine::Call& call, SignIn& sign_in);
Task<Result<net::Response>> post_refresh(engine::Call& call, SignIn& sign_in);
Task<Result<net::Response>> post_logout(engine::Call& call, SignIn& sign_in);
Task<Result<net::Response>> get_jwks(engine::Call& call, SignIn& sign_in);

// me_api.cc
Task<Result<net::Response>> get_me(engine::Call& call, SignIn& sign_in);
Task<Result<net::Response>> patch_me(engine::Call& call, SignIn& sign_in);
Task<Result<net::Response>> post_password(engine::Call& call, SignIn& sign_in);
Task<Result<net::Response>> get_sessions(engine::Call& call, SignIn& sign_in);
Task<Result<net::Response>> delete_session(engine::Call& call, SignIn& sign_in);

// identities_api.cc
Task<Result<net::Response>> get_identities(engine::Call& call, SignIn& sign_in);
Task<Result<net::Response>> delete_identity(engine::Call& call, SignIn& sign_in);

// mailbox_api.cc
Task<Result<net::Response>> post_verify(engine::Call& call, SignIn& sign_in);
Task<Result<net::Response>> post_recover(engine::Call& call, SignIn& sign_in);
Task<Result<net::Response>> post_reset(engine::Call& call, SignIn& sign_in);
Task<Result<net::Response>> post_magic(engine::Call& call, SignIn& sign_in);
Task<Result<net::Response>> post_email(engine::Call& call, SignIn& sign_in);
Task<Result<net::Response>> post_email_confirm(engine::Call& call, SignIn& sign_in);

// invitations_api.cc
Task<Result<net::Response>> post_invitation(engine::Call& call, SignIn& sign_in);
Task<Result<net::Response>> get_invitations(engine::Call& call, SignIn& sign_in);
Task<Result<net::Response>> delete_invitation(engine::Call& call, SignIn& sign_in);

// mfa_api.cc
Task<Result<net::Response>> get_mfa(engine::Call& call, SignIn& sign_in);
Task<Result<net::Response>> post_totp(engine::Call& call, SignIn& sign_in);
Task<Result<net::Response>> post_totp_confirm(engine::Call& call, SignIn& sign_in);
Task<Result<net::Response>> post_totp_remove(engine::Call& call, SignIn& sign_in);
Task<Result<net::Response>> post_mfa_verify(engine::Call& call, SignIn& sign_in);

// ---- what they share (auth_api.cc) ------------------------------------------------------------

// The members of a request's body.
class Body {
 public:
  // kMalformedJson, or kInvalid for what is no object.
  static Result<Body> read(const engine::Call& call);

  bool has(std::string_view name) const { return root().find(name).has_value(); }
  // A text that must be there. A fault, and "", where it is not, or is no text.
  std::string text(std::string_view name);
  // One that may be.
  std::optional<std::string> maybe(std::string_view name);
  std::string choice(std::string_view name, const std::vector<std::string_view>& choices);
  // A list of texts that may be.
  std::optional<std::vector<std::string>> maybe_texts(std::string_view name);
  bool wants_cookie();  // `session`: token, or cookie for a browser
  // The address, in its normal form.
  std::string email(std::string_view name);
  // What was asked for so far is all there may be: kInvalid with all faults.
  Result<> finish();

  // The members of the person's profile, as an object of their own.
  std::string profile(const SignInCode& code);
  std::vector<Fault>& faults() { return faults_; }

 private:
  explicit Body(JsonDocument document) : document_(std::move(document)) {}
  void fault(std::string_view name, Code code, std::string detail);
  JsonNode root() const { return document_.root(); }

  JsonDocument document_;
  std::vector<std::string> known_;
  std::vector<Fault> faults_;
};

Error invalid(std::vector<Fault> faults);
Error wrong_code();     // of an authenticator app, at /code
Error code_required();  // the account has one, and none was sent
const SignInCode& code_of(const engine::Call& call);
Origin origin_of(const engine::Call& call);
// The caller as a user; kForbidden for a key, which has no sessions.
Result<> must_be_user(const engine::Call& call);

// The caller's account, if that is its password; kInvalid with a fault at `pointer` where it is
// not. Guesses are counted as those of signing in are.
Task<Result<Person>> check_own_password(engine::Call& call, SignIn& sign_in, std::string password,
                                        std::string_view pointer);
// The user's own row and, where no column has the name, `roles` and `email_verified`.
Task<Result<std::string>> user_json(engine::Call& call, const records::Principal& principal,
                                    const Person& person);
// The tokens of a session (or its cookie), with the user's row.
Task<Result<net::Response>> answer_session(engine::Call& call, SignIn& sign_in, Bearing bearing,
                                           int status);
// Waits until kSilentUs have passed since then (monotonic): what is done for an address that
// somebody has takes longer than for one that nobody has, and an answer must not tell.
inline constexpr int64_t kSilentUs = 50'000;
Task<Result<>> answer_not_before(engine::Call& call, int64_t began_us);
net::Response json_answer(std::string body, int status = 200);
net::Response no_content();

}  // namespace mettle::auth

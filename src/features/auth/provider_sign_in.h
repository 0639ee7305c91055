// Signing in by what an identity provider has proven: the side of it that knows accounts, for
// features/oauth, which knows providers. On a core.
//
// Whose the identity is decides issuer and subject. Where nobody has it yet, an account with the
// same address is linked, if both sides have proven the address: the provider says so, and the
// account's owner has. An account that nobody has proven is taken over (take_over.h); a provider
// that has not proven the address links nothing. Where there is no such account, one is made, if
// people may register.
#pragma once

#include <memory>
#include <string>

#include "engine/route.h"
#include "features/auth/identities.h"

namespace mettle::auth {

// What is used up with the sign-in, in its transaction: kInvalidCredentials where it was already.
class SpentWithIt {
 public:
  virtual ~SpentWithIt() = default;
  virtual Task<Result<>> spend(db::WriteTx& tx) const = 0;
};

struct ProviderSignIn {
  Identity identity;
  bool cookie = false;
  std::string code;  // of the second factor; may be empty
  std::shared_ptr<const SpentWithIt> spent;
};
// The tokens or the cookie of a session, as POST /auth/login answers. kMfaRequired where the
// account has a second factor and no code came; then nothing is spent, nor where the code is wrong
// (kInvalid). kForbidden, kConflict and kInvalid say why this identity opens no account.
Task<Result<net::Response>> sign_in_by_provider(engine::Call& call, ProviderSignIn wanted);

// Adds the identity to the account of the session, while that works. kConflict where it is
// another's.
struct ProviderLink {
  std::string session;
  Identity identity;
  std::shared_ptr<const SpentWithIt> spent;  // nullptr: nothing
};
Task<Result<>> link_provider(engine::Call& call, ProviderLink wanted);

// Whether cookies of this app are for HTTPS alone.
bool has_secure_cookies(const engine::Snapshot& app);
// The audit log's line for a sign-in that a provider's answer did not lead to.
Task<> note_provider_refusal(engine::Call& call, std::string provider, const Error& error);
// How often somebody may begin: counted by address. kRateLimited.
Task<Result<>> count_provider_start(db::WriteTx& tx, std::string_view address, Timestamp now);

// The members of a request's body, each a text; kInvalid with all faults, also for others.
struct ProviderTicket {
  std::string token, code_verifier, code;
  bool cookie = false;
};
Result<ProviderTicket> read_provider_ticket(const engine::Call& call);
struct LinkRequest {
  std::string return_to, code_challenge;
};
Result<LinkRequest> read_link_request(const engine::Call& call);
// kForbidden for a key, and for a change that another site's page sends with a cookie.
Result<> must_be_person(const engine::Call& call);
Result<> must_be_own_site(const engine::Call& call);

}  // namespace mettle::auth

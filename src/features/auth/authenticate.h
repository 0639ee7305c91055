// The Authenticator: the principal of a request's credentials: a key, an access token, or the
// cookie of a browser's session.
//
// Any core. A key costs one read of the store a request, one more where it stands for somebody, and
// about once an hour a write that notes its use; a token or cookie that was seen within the last
// second costs a look-up in memory, else one read.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "engine/authenticator.h"
#include "features/auth/keys.h"
#include "features/auth/sign_in.h"

namespace mettle::auth {

class CredentialAuthenticator final : public engine::Authenticator {
 public:
  // How coarse last_used_at is, of keys and of sessions with a cookie.
  static constexpr int64_t kTouchEveryUs = int64_t{3600} * 1'000'000;

  explicit CredentialAuthenticator(std::shared_ptr<SignIn> sign_in)
      : sign_in_(std::move(sign_in)) {}

  Task<Result<records::Principal>> authenticate(Context& ctx, const net::Request& request,
                                                const engine::Snapshot& app) override;

 private:
  Task<Result<records::Principal>> by_key(Context& ctx, std::string_view text,
                                          const engine::Snapshot& app);
  Task<Result<records::Principal>> by_token(Context& ctx, std::string_view token,
                                            const engine::Snapshot& app, const SignInCode& code);
  Task<Result<records::Principal>> by_cookie(Context& ctx, const net::Request& request,
                                             std::string_view value, const engine::Snapshot& app,
                                             const SignInCode& code);
  // Whether this request is the one that notes it; one of those that come at the same time is.
  bool takes_touch(const Key& key, Timestamp now);

  const std::shared_ptr<SignIn> sign_in_;
  std::mutex mutex_;
  std::map<std::string, Timestamp, std::less<>> touched_;  // when each was last noted by us
};

// What follows "Bearer"; nullopt where no credentials were sent; kInvalidCredentials saying how
// they are sent where they are none of ours.
Result<std::optional<std::string_view>> bearer_of(const net::Request& request);

// On whose behalf a key that works acts: nullopt where whom it stands for is gone or disabled.
// `people`: nullptr where the app has none.
Task<Result<std::optional<records::Principal>>> principal_of_key(Context& ctx, db::Store& store,
                                                                 const Key& key,
                                                                 const model::AppModel& app,
                                                                 const People* people);

}  // namespace mettle::auth

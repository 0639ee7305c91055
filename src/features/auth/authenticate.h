// The Authenticator: the principal of a request's Authorization header.
//
// Any core. One read of the store a request that bears a key; about once an hour and key it waits
// for a write too, which notes the use.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "engine/authenticator.h"
#include "features/auth/keys.h"

namespace mettle::auth {

class KeyAuthenticator final : public engine::Authenticator {
 public:
  // How coarse last_used_at is.
  static constexpr int64_t kTouchEveryUs = int64_t{3600} * 1'000'000;

  Task<Result<records::Principal>> authenticate(Context& ctx, const net::Request& request,
                                                const engine::Snapshot& app) override;

 private:
  // Whether this request is the one that notes it; one of those that come at the same time is.
  bool takes_touch(const Key& key, Timestamp now);

  std::mutex mutex_;
  std::map<std::string, Timestamp, std::less<>> touched_;  // when each was last noted by us
};

// What follows "Bearer"; nullopt where no credentials were sent; kInvalidCredentials saying how
// they are sent where they are none of ours.
Result<std::optional<std::string_view>> bearer_of(const net::Request& request);

records::Principal principal_of(const Key& key, const model::AppModel& app);

}  // namespace mettle::auth

// Who asks: the seam between the pipeline and features/auth. Without one, whoever sends credentials
// is refused and everybody else is nobody.
#pragma once

#include <string>
#include <string_view>

#include "async/context.h"
#include "async/task.h"
#include "base/result.h"
#include "net/http.h"
#include "records/principal.h"

namespace mettle::engine {

class Snapshot;

class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // The principal of the request's credentials; nobody where it bears none; kInvalidCredentials for
  // those that do not hold (also expired and revoked ones: the answer does not say which). Called
  // on any core.
  virtual Task<Result<records::Principal>> authenticate(Context& ctx, const net::Request& request,
                                                        const Snapshot& app) = 0;
};

// RFC 6750 section 3: what a 401 must say. `invalid`: credentials came and do not hold.
std::string bearer_challenge(std::string_view realm, bool invalid);

}  // namespace mettle::engine

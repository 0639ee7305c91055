// One-time codes of an authenticator app (TOTP, RFC 6238: SHA-1, six digits, thirty seconds, as
// every such app has it), and the recovery codes for who has lost it.
//
//   mettle_totp(user_id, secret, confirmed_at, last_step, recovery)
//
// A person has the second factor once a first code has shown that the app has the secret. A code
// works once, in its own half minute and the one before and after it. What takes a transaction runs
// inside it; the rest is pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/context.h"
#include "async/task.h"
#include "base/seams.h"
#include "db/db.h"

namespace mettle::auth {

std::vector<std::string> totp_tables();

inline constexpr int kTotpStepS = 30;
inline constexpr size_t kTotpSecretBytes = 20;  // RFC 4226 section 4, R6
inline constexpr size_t kRecoveryCodes = 10;

// RFC 4226 section 5.3: six digits.
std::string hotp_code(std::string_view secret, uint64_t counter);
std::string base32(std::string_view bytes);  // RFC 4648 without padding
// What an authenticator app reads from a QR code.
std::string totp_url(std::string_view issuer, std::string_view account, std::string_view secret);
// Ten letters and digits in two groups: "k3v9q-7h2mx".
std::string new_recovery_code(Random& random);

// Whether the person has the second factor.
Task<Result<bool>> has_totp(db::Tx& tx, Value user);
struct TotpState {
  bool confirmed = false;
  size_t recovery_left = 0;
};
Task<Result<TotpState>> totp_state(Context& ctx, db::Store& store, Value user);
// A secret that waits for its first code; kConflict where the factor is there already.
Task<Result<>> begin_totp(db::WriteTx& tx, Value user, std::string secret);
// The first code: from now on the person has the factor. The recovery codes are kept as hashes.
// False where the code is wrong.
Task<Result<bool>> confirm_totp(db::WriteTx& tx, Value user, std::string code,
                                const std::vector<std::string>& recovery, Timestamp now);
// Takes a code, or a recovery code, which is gone then. False where it is wrong or was used.
Task<Result<bool>> use_totp(db::WriteTx& tx, Value user, std::string code, Timestamp now);
Task<Result<>> remove_totp(db::WriteTx& tx, Value user);

}  // namespace mettle::auth

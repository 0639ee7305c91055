// Lock-out: how often somebody may try to sign in. Counted for the account that is tried (whether
// it exists or not) and for the address it is tried from, in the database, so that a restart
// forgives nothing and every node counts together. An attempt is counted before the password is
// looked at, so that many at once do not slip by; a right one takes its count back.
//
//   mettle_sign_in_attempts(subject, failures, wait_until, last_at)
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/value.h"
#include "db/db.h"

namespace mettle::auth {

std::vector<std::string> attempt_tables();

struct AttemptPolicy {
  int64_t free;                                                // so many failures cost nothing
  static constexpr int64_t kFirstWaitUs = 5'000'000;           // then it doubles,
  static constexpr int64_t kLongestWaitUs = 900'000'000;       // up to a quarter of an hour;
  static constexpr int64_t kForgottenAfterUs = 3'600'000'000;  // an hour without ends the count
};
inline constexpr AttemptPolicy kAccountAttempts{5};
inline constexpr AttemptPolicy kAddressAttempts{50};

// How long the next attempt waits after so many failures.
int64_t attempt_wait_us(const AttemptPolicy& policy, int64_t failures);

// Counts one; kRateLimited with retry_after_s while the subject must wait, which is not counted.
Task<Result<>> take_attempt(db::WriteTx& tx, std::string subject, AttemptPolicy policy,
                            Timestamp now);
// The attempt succeeded: forgets the subject's failures, or only that one attempt.
Task<Result<>> forget_attempts(db::WriteTx& tx, std::string subject);
Task<Result<>> give_back_attempt(db::WriteTx& tx, std::string subject);

std::string code_subject(const Value& user);            // codes of a second factor
std::string account_subject(std::string_view email);    // holds its hash only
std::string address_subject(std::string_view address);  // an IPv6 client counts by its /64

}  // namespace mettle::auth

#include "features/auth/housekeeping.h"

#include <gtest/gtest.h>

#include "db/sqlite/store_fixture.h"
#include "features/auth/attempts.h"
#include "features/auth/audit.h"
#include "features/auth/invitations.h"
#include "features/auth/one_time.h"
#include "features/auth/sessions.h"

namespace mettle::auth {
namespace {

constexpr int64_t kDayUs = int64_t{86'400} * 1'000'000;

class HousekeepingTest : public db::StoreTest {
 protected:
  void SetUp() override {
    open();
    for (const auto& tables : {session_tables(), attempt_tables(), one_time_tables(),
                               invitation_tables(), audit_tables()}) {
      must(migrate(tables));
    }
  }
  int64_t clean() {
    Housekeeping keeping(core_, *store_, Duration{400 * kDayUs});
    Context ctx(core_, system_seams(), INT64_MAX);
    const auto deleted = run_task(core_, keeping.clean(ctx));
    EXPECT_TRUE(deleted.has_value());
    return deleted.value_or(-1);
  }
};

// What has ended is kept for a while, for who asks what happened, and then forgotten; what has not
// ended stays.
TEST_F(HousekeepingTest, ForgetsInvitationsAMonthAfterTheirEnd) {
  const int64_t now_us = system_seams().clock->now().us;
  for (const int64_t days : {-40, -31, -29, -1, 3}) {
    must(
        write(fmt::format("INSERT INTO mettle_invitations(id, email, roles, secret, inviter, "
                          "created_at, expires_at) VALUES('i{}', 'ada@example.com', '[]', x'00', "
                          "'cli', 0, {})",
                          days, now_us + days * kDayUs)));
  }
  EXPECT_EQ(clean(), 2);
  EXPECT_EQ(number("SELECT count(*) FROM mettle_invitations WHERE id IN ('i-29', 'i-1', 'i3')"), 3);
  EXPECT_EQ(clean(), 0);
}

TEST_F(HousekeepingTest, KeepsTheAuditLogForItsTime) {
  const int64_t now_us = system_seams().clock->now().us;
  for (const int64_t days : {401, 399}) {
    must(write(
        fmt::format("INSERT INTO mettle_audit(at, event, outcome) VALUES({}, 'sign_in', 'ok')",
                    now_us - days * kDayUs)));
  }
  EXPECT_EQ(clean(), 1);
  EXPECT_EQ(number("SELECT count(*) FROM mettle_audit"), 1);
}

}  // namespace
}  // namespace mettle::auth

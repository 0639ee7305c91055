// Who is admitted, and with what: each kind of registration against each kind of applicant.
#include "features/auth/registration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "features/auth/invitations.h"
#include "features/auth/services.h"
#include "records/sqlite_records_fixture.h"

namespace mettle::auth {
namespace {

using testing::ElementsAre;

constexpr std::string_view kEmail = "ada@example.com";
constexpr int64_t kDayUs = int64_t{86'400} * 1'000'000;

Task<Result<records::Answer>> issue(records::WriteScope& scope, NewInvitation wanted,
                                    int64_t age_us, std::string* token) {
  const Timestamp then{scope.now().us - age_us};
  CO_TRY(const IssuedInvitation issued,
         co_await issue_invitation(scope.tx(), *system_seams().random, std::move(wanted), then));
  *token = issued.token;
  co_return records::Answer();
}

Task<Result<records::Answer>> try_to_admit(records::WriteScope& scope, const People& people,
                                           Applicant applicant,
                                           std::optional<Admission>* admission) {
  CO_TRY(*admission, co_await admit(scope.tx(), people, std::move(applicant), scope.now()));
  co_return records::Answer();
}

Task<Result<records::Answer>> give(records::WriteScope& scope, Value id,
                                   std::vector<std::string> roles, bool disabled) {
  CO_TRY_VOID(co_await People::set_roles(scope.tx(), id, roles));
  if (disabled) {
    CO_TRY_VOID(co_await People::set_disabled(scope.tx(), id, scope.now()));
  }
  co_return records::Answer();
}

class RegistrationTest : public records::DoorTest {
 protected:
  void serve_app(std::string_view registration) {
    serve(
        fmt::format("mettle: 1\napp: club\nauth:\n  table: users\n  registration: {}\n"
                    "  new_roles: [member]\n"
                    "  roles: {{member: {{}}, host: {{}}, owner: {{inherits: [host]}}}}\n",
                    registration));
    for (const auto& tables : {account_tables(), invitation_tables(), service_tables()}) {
      must(migrate(tables));
    }
    people_ = People::compile(catalog_);
  }

  // The token of an invitation, made `age_us` ago.
  std::string invite(std::vector<std::string> roles, std::string inviter = "cli",
                     std::string email = std::string(kEmail), int64_t age_us = 0) {
    std::string token;
    const NewInvitation wanted{std::move(email), std::move(roles), std::move(inviter)};
    const auto made =
        commit([&](records::WriteScope& scope) { return issue(scope, wanted, age_us, &token); });
    EXPECT_TRUE(made.has_value());
    return token;
  }

  Result<Admission> admitted(Applicant applicant) {
    std::optional<Admission> admission;
    const auto done = commit([&](records::WriteScope& scope) {
      return try_to_admit(scope, *people_, applicant, &admission);
    });
    if (!done) return std::unexpected(done.error());
    return *admission;
  }
  std::string refusal(Applicant applicant) {
    const auto admission = admitted(std::move(applicant));
    return admission ? "" : std::string(code_name(admission.error().code));
  }
  static Applicant unproven() { return {.email = std::string(kEmail)}; }
  static Applicant proven() { return {.email = std::string(kEmail), .proven = true}; }
  static Applicant with(std::string token) {
    return {.email = std::string(kEmail), .invitation = std::move(token)};
  }

  void person(int number, const std::vector<std::string>& roles, bool disabled) {
    ASSERT_TRUE(insert("users",
                       fmt::format(R"({{"id":"{}","email":"p{}@example.com"}})",
                                   format_uuid(user_id(number)), number),
                       records::Authority::kOperator)
                    .has_value());
    const auto given = commit([&](records::WriteScope& scope) {
      return give(scope, Value(user_id(number)), roles, disabled);
    });
    ASSERT_TRUE(given.has_value());
  }

  std::shared_ptr<const People> people_;
};

TEST_F(RegistrationTest, OpenLetsEverybodyInAndAnInvitationGivesMore) {
  serve_app("open");
  const auto anybody = admitted(unproven());
  ASSERT_TRUE(anybody.has_value());
  EXPECT_THAT(anybody->roles, ElementsAre("member"));
  EXPECT_FALSE(anybody->verified);
  EXPECT_TRUE(admitted(proven())->verified);
  const auto invited = admitted(with(invite({"host"})));
  ASSERT_TRUE(invited.has_value());
  EXPECT_THAT(invited->roles, ElementsAre("host"));
  EXPECT_TRUE(invited->verified);
  EXPECT_NE(invited->invitation, "");
  EXPECT_EQ(refusal(with("mti_x")), "invalid_credentials");
}

TEST_F(RegistrationTest, ByInvitationNobodyElseComesIn) {
  serve_app("invite");
  EXPECT_EQ(refusal(unproven()), "forbidden");
  EXPECT_EQ(refusal(proven()), "forbidden");
  const std::string token = invite({"host"});
  // Only saying that the address is one's own opens nothing.
  EXPECT_EQ(refusal(unproven()), "forbidden");
  EXPECT_EQ(refusal({.email = "eve@example.com", .invitation = token}), "invalid_credentials");
  EXPECT_EQ(refusal(with(token)), "");
  EXPECT_EQ(refusal(with(token)), "invalid_credentials");
  EXPECT_EQ(refusal(with(invite({}, "cli", std::string(kEmail), 8 * kDayUs))),
            "invalid_credentials");
}

TEST_F(RegistrationTest, ClosedIsClosedToTheInvitedToo) {
  serve_app("closed");
  EXPECT_EQ(refusal(unproven()), "forbidden");
  EXPECT_EQ(refusal(with(invite({"host"}))), "forbidden");
  invite({"host"});
  EXPECT_EQ(refusal(proven()), "forbidden");
}

// Signing in with a provider accepts the latest invitation that is good; others wait.
TEST_F(RegistrationTest, AProvenAddressNeedsNoToken) {
  serve_app("invite");
  invite({"member"}, "cli", std::string(kEmail), 2 * kDayUs);
  invite({"host"}, "cli", std::string(kEmail), kDayUs);
  invite({"owner"}, fmt::format("user:{}", format_uuid(user_id(9))));  // by nobody who is there
  invite({"owner"}, "cli", "eve@example.com");
  EXPECT_THAT(admitted(proven())->roles, ElementsAre("host"));
  EXPECT_THAT(admitted(proven())->roles, ElementsAre("member"));
  EXPECT_EQ(refusal(proven()), "forbidden");
}

TEST_F(RegistrationTest, ABadInvitationDoesNotKeepOutWhoMayComeAnyway) {
  serve_app("open");
  invite({"owner"}, fmt::format("user:{}", format_uuid(user_id(9))));
  const auto admission = admitted(proven());
  ASSERT_TRUE(admission.has_value());
  EXPECT_THAT(admission->roles, ElementsAre("member"));
  EXPECT_EQ(admission->invitation, "");
}

TEST_F(RegistrationTest, AnInviterGivesWhatHeHasWhenItIsAccepted) {
  serve_app("invite");
  person(1, {"owner"}, false);
  person(2, {"member"}, false);
  person(3, {"owner"}, true);
  const auto by = [&](int number, std::vector<std::string> roles) {
    return refusal(
        with(invite(std::move(roles), fmt::format("user:{}", format_uuid(user_id(number))))));
  };
  EXPECT_EQ(by(1, {"owner"}), "");
  EXPECT_EQ(by(1, {"host"}), "");  // inherited
  EXPECT_EQ(by(2, {"host"}), "invalid_credentials");
  EXPECT_EQ(by(2, {"member"}), "");
  EXPECT_EQ(by(2, {}), "");
  EXPECT_EQ(by(3, {"member"}), "invalid_credentials");  // disabled
  EXPECT_EQ(by(4, {"member"}), "invalid_credentials");  // gone
  EXPECT_EQ(refusal(with(invite({"member"}, "service:bot"))), "invalid_credentials");
  EXPECT_EQ(refusal(with(invite({"member"}, "key:x"))), "invalid_credentials");
}

}  // namespace
}  // namespace mettle::auth

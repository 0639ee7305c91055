#include "features/auth/registration.h"

#include <algorithm>

#include "base/mutant.h"
#include "features/auth/invitations.h"
#include "features/auth/keys.h"
#include "features/auth/services.h"

namespace mettle::auth {
namespace {

using Registration = model::Auth::Registration;

struct Standing {
  bool good = false;  // the inviter may do something still
  std::vector<std::string> roles;
  Value tenant = Unknown{};
};

// What the inviter is by now. The operator may give any role, as ever.
Task<Result<Standing>> standing_of(db::WriteTx& tx, const People& people, std::string inviter) {
  const model::AppModel& app = people.catalog().model();
  constexpr std::string_view kUser = "user:";
  Standing standing;
  if (inviter == "cli") {
    standing = {true, app.auth.roles, Unknown{}};
  } else if (inviter.starts_with(kUser)) {
    CO_TRY(const std::optional<Person> person,
           co_await people.find(tx, user_id_value(app, inviter.substr(kUser.size()))));
    if (person && !person->disabled) {
      standing = {true, app.auth.with_inherited(person->roles), person->tenant};
    }
  } else if (inviter.starts_with(kServicePrefix)) {
    CO_TRY(const std::optional<Service> service,
           co_await find_service(tx, inviter.substr(kServicePrefix.size())));
    if (service && !service->disabled_at) {
      standing = {true, app.auth.with_inherited(service->roles), Unknown{}};
    }
  }
  co_return standing;
}

}  // namespace

Error invitation_refused() {
  return make_error(Code::kInvalidCredentials,
                    "this invitation does not work, or no longer; ask for another");
}

std::optional<std::string> role_beyond(const model::Auth& auth, const std::vector<std::string>& has,
                                       const std::vector<std::string>& wanted) {
  for (const std::string& role : wanted) {
    const bool own = std::ranges::find(has, role) != has.end();
    const bool free = std::ranges::find(auth.new_roles, role) != auth.new_roles.end();
    if (!own && !free && !planted(Mutant::kAnyRoleInvited)) return role;
  }
  return std::nullopt;
}

Result<> may_apply(const model::Auth& auth, bool invited) {
  if (auth.registration == Registration::kOpen) return {};
  if (auth.registration == Registration::kInvite) {
    if (invited) return {};
    return fail(Code::kForbidden, "registration is by invitation; ask for one");
  }
  return fail(Code::kForbidden, "registration is closed; ask for an account");
}

Task<Result<Admission>> admit(db::WriteTx& tx, const People& people, Applicant applicant,
                              Timestamp now) {
  const model::Auth& auth = people.catalog().model().auth;
  std::vector<Invitation> invitations;
  if (!applicant.invitation.empty()) {
    CO_TRY(std::optional<Invitation> found,
           co_await find_invitation(tx, applicant.invitation, now));
    if (!found || found->email != applicant.email) co_return fail(invitation_refused());
    invitations.push_back(std::move(*found));
  } else if (applicant.proven) {
    CO_TRY(invitations, co_await find_invitations_to(tx, applicant.email, now));
  }
  CO_TRY_VOID(may_apply(auth, !invitations.empty()));
  for (Invitation& invitation : invitations) {
    // An inviter who has lost a role, or everything, does not leave it to others.
    CO_TRY(Standing inviter, co_await standing_of(tx, people, invitation.inviter));
    if (!inviter.good || role_beyond(auth, inviter.roles, invitation.roles)) continue;
    CO_TRY_VOID(co_await accept_invitation(tx, invitation.id, now));
    co_return Admission{std::move(invitation.roles), true, std::move(inviter.tenant),
                        std::move(invitation.id)};
  }
  if (!applicant.invitation.empty()) co_return fail(invitation_refused());
  CO_TRY_VOID(may_apply(auth, false));
  co_return Admission{auth.new_roles, applicant.proven};
}

}  // namespace mettle::auth

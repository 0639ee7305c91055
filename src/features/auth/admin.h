// What whoever runs the server does with people: the commands `mettle user`. A change is heeded by
// a running server within a second. On a core; all of it is in the audit log.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/config.h"
#include "features/auth/invitations.h"
#include "features/auth/people.h"
#include "features/auth/roles.h"
#include "features/mail/mail.h"
#include "records/door.h"

namespace mettle::auth {

struct NewPerson {
  std::string email;
  std::optional<std::string> password;
  std::vector<std::string> roles;
  std::string columns_json = "{}";  // other columns of the row
  bool verified = false;
};
// kInvalid with what is wrong; kUniqueViolation where the address is taken.
Task<Result<Person>> create_person(Context& ctx, records::Door& door,
                                   std::shared_ptr<const People> people, NewPerson wanted);

// At most 1,000, in order of their addresses.
Task<Result<std::vector<Person>>> list_people(Context& ctx, records::Door& door,
                                              const People& people);

struct PersonChange {
  std::optional<std::string> password;
  RolesChange roles;
  std::optional<bool> disabled;
  bool sign_out = false;  // every session ends
};
// The person of that address or id as it is afterwards; kNotFound where there is none.
Task<Result<Person>> change_person(Context& ctx, records::Door& door,
                                   std::shared_ptr<const People> people, std::string who,
                                   PersonChange change);

struct Invite {
  std::string email;
  std::optional<std::vector<std::string>> roles;  // else auth.new_roles
  std::string inviter;                            // in words, for the mail
  Duration life = kInvitationLife;
  bool by_mail = true;
};
struct Invited {
  Invitation invitation;
  std::string link;  // nobody can ask for it again
};
// kInvalid with what is wrong; kForbidden where registration is closed.
Task<Result<Invited>> invite_person(Context& ctx, db::Store& store, const People& people,
                                    const mail::Mailer& mailer, Invite wanted);
// kNotFound where none of that id waits.
Task<Result<>> uninvite_person(Context& ctx, db::Store& store, std::string id);

// Who makes the tokens: the site's address, or, where none is set, a name of the app.
std::string issuer_of(const engine::Config& config, const model::AppModel& app);

// Whether a server on this database would take the access token: kInvalidCredentials where it would
// not, whose `inside` says why, for who may know.
Task<Result<>> inspect_token(Context& ctx, db::Store& store, const model::AppModel& app,
                             std::string issuer, std::string token);

}  // namespace mettle::auth

// Invitations: a link in a mail by which somebody may make an account, with the roles that the
// inviter gave. A link works once, for a while, for the address that it went to.
//
//   mettle_invitations(id, email, roles, secret, inviter, created_at, expires_at, accepted_at,
//   revoked_at)
//
// `inviter` is the name of a principal ("user:…", "service:…") or "cli". What takes a transaction
// runs inside it: of fifty that come at once, one succeeds.
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

std::vector<std::string> invitation_tables();

inline constexpr Duration kInvitationLife{int64_t{7} * 86'400 * 1'000'000};
inline constexpr int64_t kEndedInvitationKeptUs = int64_t{30} * 86'400 * 1'000'000;

struct Invitation {
  std::string id;
  std::string email;  // in its normal form
  std::vector<std::string> roles;
  std::string inviter;
  Timestamp created_at, expires_at;
  std::optional<Timestamp> accepted_at, revoked_at;
  std::string secret_hash;

  bool works_at(Timestamp now) const { return !accepted_at && !revoked_at && expires_at > now; }
  std::string_view state_at(Timestamp now) const;  // "pending", "accepted", "revoked", "expired"
};

struct NewInvitation {
  std::string email;
  std::vector<std::string> roles;
  std::string inviter;
  Duration life = kInvitationLife;
};
struct IssuedInvitation {
  Invitation invitation;
  std::string token;  // nobody can ask for it again
};
Task<Result<IssuedInvitation>> issue_invitation(db::WriteTx& tx, Random& random,
                                                NewInvitation wanted, Timestamp now);

// The one that a token opens, if it works now.
Task<Result<std::optional<Invitation>>> find_invitation(Context& ctx, db::Store& store,
                                                        std::string token);
Task<Result<std::optional<Invitation>>> find_invitation(db::Tx& tx, std::string token,
                                                        Timestamp now);
// Those to that address that work now, the latest first, at most ten: for who has proven the
// mailbox in another way.
Task<Result<std::vector<Invitation>>> find_invitations_to(db::Tx& tx, std::string email,
                                                          Timestamp now);
// Uses it up.
Task<Result<>> accept_invitation(db::WriteTx& tx, std::string id, Timestamp now);

// Of one inviter or (empty) of all; the latest first, at most 1,000.
Task<Result<std::vector<Invitation>>> list_invitations(Context& ctx, db::Store& store,
                                                       std::string inviter);
// Takes one back; of one inviter or (empty) of any. False where there is none that could work.
Task<Result<bool>> revoke_invitation(db::WriteTx& tx, std::string id, std::string inviter,
                                     Timestamp now);

}  // namespace mettle::auth

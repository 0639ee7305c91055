// Flows: sign-ins with a provider that are under way, from the redirect to the provider until the
// session. Kept in the database, so that any node may go on with one.
//
//   mettle_oauth_flows(id, stage, secret, browser, provider, nonce, verifier, challenge, return_to,
//   session, identity, expires_at)
//
// `state` is the text mtf_ID_SECRET and works once: it leads from kBegun to kAnswered. When the
// provider's word holds, the flow is kProven, and a ticket (mtp_ID_SECRET) stands for it, which
// works once, too. Of both the hash is kept; of the browser's cookie likewise.
//
// Inside a transaction: of fifty that come at once, one succeeds. kInvalidCredentials for whatever
// does not work, the same whatever the reason.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/seams.h"
#include "db/db.h"

namespace mettle::oauth {

std::vector<std::string> flow_tables();

inline constexpr int64_t kFlowLifeUs = int64_t{600} * 1'000'000;    // at the provider
inline constexpr int64_t kTicketLifeUs = int64_t{300} * 1'000'000;  // afterwards

struct Flow {
  std::string id;
  std::string provider;
  std::string nonce, verifier;
  std::string challenge;  // S256 of the verifier of who began it; empty: a browser with a cookie
  std::string return_to;
  std::string browser_hash;  // of the cookie; empty: the flow is bound by `challenge` alone
  std::string session;       // of who adds an identity; empty: somebody signs in
  std::string identity;      // JSON, of a proven one
};

// Its state.
Task<Result<std::string>> begin_flow(db::WriteTx& tx, Random& random, Flow flow, Timestamp now);
// Takes a state back; `browser` is the cookie's value, which must be the one of the beginning.
Task<Result<Flow>> answer_flow(db::WriteTx& tx, std::string state, std::string provider,
                               std::string browser, Timestamp now);
// Its ticket.
Task<Result<std::string>> prove_flow(db::WriteTx& tx, Random& random, std::string id,
                                     std::string identity, Timestamp now);
// The flow of a ticket that works.
Task<Result<Flow>> find_proven(db::Tx& tx, std::string ticket, Timestamp now);
// Takes a ticket back.
Task<Result<>> spend_ticket(db::WriteTx& tx, std::string ticket, Timestamp now);

// The id that is in a state or a ticket: names the browser's cookie. nullopt for another text.
std::optional<std::string> flow_id_of(std::string_view text);

}  // namespace mettle::oauth

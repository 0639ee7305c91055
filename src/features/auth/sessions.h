// Sessions: where somebody is signed in. A session is borne either by refresh tokens, of which each
// works once, or by a browser's cookie.
//
//   mettle_sessions(id, user_id, kind, secret, generation, rotated_at, aal, methods, created_at,
//   last_used_at, expires_at, revoked_at, revoked_by, address, user_agent)
//
// A refresh token's secret is the HMAC of the one before it under a secret of the node, so nothing
// but the hash of the newest is stored, and still an old one can be told from an invented one: it
// leads, link by link, to the newest. An old one that comes after the grace means that somebody has
// a copy; the session ends. One that comes within it is a racing client: it gets the answer that
// the first got, byte for byte.
//
// On a core; what takes a transaction runs inside it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "features/auth/audit.h"
#include "features/auth/people.h"

namespace mettle::auth {

std::vector<std::string> session_tables();

// Ended sessions are kept so long, for who asks what happened.
inline constexpr int64_t kEndedSessionKeptUs = int64_t{30} * 86'400 * 1'000'000;
inline constexpr int64_t kRefreshGraceUs = 10'000'000;

struct Session {
  std::string id;
  Value user_id;
  bool cookie = false;
  int64_t generation = 0;  // rotations so far
  int64_t aal = 1;
  std::vector<std::string> methods;  // RFC 8176: "pwd", "otp"
  Timestamp created_at, rotated_at, last_used_at, expires_at;
  std::optional<Timestamp> revoked_at;
  std::string address, user_agent;
  std::string secret_hash;
};

// A session and whose it is.
struct SignedIn {
  Session session;
  Person person;
  bool works_at(Timestamp now) const;
};

// What the caller bears of a session just begun or gone on.
struct Bearing {
  SignedIn who;
  std::string credential;  // the refresh token or the cookie's value
};

struct NewSession {
  bool cookie = false;
  int64_t aal = 1;
  std::vector<std::string> methods;
  Duration life;
};

// The session of that id with its person; nullopt where either is gone.
Task<Result<std::optional<SignedIn>>> find_session(Context& ctx, db::Store& store,
                                                   const People& people, std::string id);
Task<Result<std::optional<SignedIn>>> find_session(db::Tx& tx, const People& people,
                                                   std::string id);

// Inside the transaction that has found the person's credentials right.
Task<Result<Bearing>> begin_session(db::WriteTx& tx, Random& random, Person person,
                                    NewSession wanted, Origin origin, Timestamp now);

// Takes a refresh token and gives its successor. kInvalidCredentials for one that does not hold;
// one that was used before ends its session, and that stays. Audited.
struct Refresh {
  std::string token;
  std::string chain_key;  // the secret of the node
  Duration life;
  Origin origin;
};
Task<Result<Bearing>> refresh_session(Context& ctx, db::Store& store,
                                      std::shared_ptr<const People> people, Refresh refresh);

// Those of a person that work now, the latest used first.
Task<Result<std::vector<Session>>> list_sessions(Context& ctx, db::Store& store, Value user,
                                                 Timestamp now);
// Ends one of the person's sessions, or all but `except`; how many ended.
Task<Result<int64_t>> end_session(db::WriteTx& tx, Value user, std::string id, std::string_view why,
                                  Timestamp now);
Task<Result<int64_t>> end_sessions(db::WriteTx& tx, Value user, std::string except,
                                   std::string_view why, Timestamp now);
// Its bearer has shown a second factor: aal 2.
Task<Result<>> raise_session(db::WriteTx& tx, std::string id);
// What is the matter with a session, in words; "" where it works.
Task<Result<std::string>> session_state(Context& ctx, db::Store& store, std::string id,
                                        Timestamp now);
// Notes that a cookie was used and lets it live on; may be lost.
Task<Result<>> touch_session(Context& ctx, db::Store& store, std::string id, Duration life);

}  // namespace mettle::auth

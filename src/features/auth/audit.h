// The audit log: what happened to sign-ins, sessions, passwords and roles; who, what, when, from
// where, with what outcome. It is only ever added to (a trigger refuses a change), and what it says
// of an act commits with that act.
//
//   mettle_audit(seq, at, event, outcome, user_id, actor, address, user_agent, request_id, detail)
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/context.h"
#include "async/task.h"
#include "db/db.h"

namespace mettle::auth {

std::vector<std::string> audit_tables();

// Where a request comes from, as the audit log and the list of sessions tell it.
struct Origin {
  std::string address;     // of the client
  std::string user_agent;  // at most kUserAgentMax bytes
  std::string request_id;
  std::string actor;  // the principal's name; "cli" for the command line; empty for nobody
};
inline constexpr size_t kUserAgentMax = 300;

struct AuditEvent {
  std::string_view event;  // "sign_in", "refresh", "password_changed", … (docs/guides/sign-in.md)
  std::string_view outcome = "ok";  // "ok" or a code of base/error.h
  Value user;                       // whom it is about; null where that is nobody known
  std::string detail;               // more for people; holds no secret
};

Task<Result<>> audit(db::WriteTx& tx, const AuditEvent& event, const Origin& origin, Timestamp now);
// The same in a unit of its own, for what changes nothing (a refused sign-in).
Task<Result<>> audit(Context& ctx, db::Store& store, AuditEvent event, Origin origin);

struct AuditRecord {
  int64_t seq = 0;
  Timestamp at;
  std::string event, outcome, user, actor, address, user_agent, request_id, detail;
};
struct AuditQuery {
  std::string event, user;  // empty: all
  std::optional<Timestamp> since;
  int64_t before_seq = INT64_MAX;
  int64_t limit = 100;
};
// The latest first.
Task<Result<std::vector<AuditRecord>>> read_audit(Context& ctx, db::Store& store, AuditQuery query);

}  // namespace mettle::auth

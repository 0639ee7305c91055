#include "features/auth/housekeeping.h"

#include "async/timers.h"
#include "base/log.h"
#include "db/one_statement.h"
#include "features/auth/attempts.h"
#include "features/auth/invitations.h"
#include "features/auth/sessions.h"

namespace mettle::auth {
namespace {

constexpr int64_t kRowsAtOnce = 1000;

struct Chore {
  db::StatementRef statement;
  int64_t age_us;
};

}  // namespace

Housekeeping::Housekeeping(Core& core, db::Store& store, Duration audit_retention)
    : store_(store), audit_retention_(audit_retention), scope_(core) {}

void Housekeeping::start() {
  scope_.spawn(run());
}

void Housekeeping::finish(Callback done) {
  scope_.cancel();
  scope_.when_empty(std::move(done));
}

Task<> Housekeeping::run() {
  Context ctx = scope_.context();
  while (co_await sleep_for(ctx, std::chrono::microseconds(kEveryUs))) {
    const auto cleaned = co_await clean(ctx);
    if (!cleaned && ctx.alive()) {
      LOG_ERROR("housekeeping failed",
                {{"code", cleaned.error().name()}, {"inside", cleaned.error().inside}});
    }
  }
}

Task<Result<int64_t>> Housekeeping::clean(Context& ctx) {
  const auto oldest = [](const char* table, const char* key, const char* time) {
    return db::Statement::make(
        fmt::format("DELETE FROM {0} WHERE {1} IN (SELECT {1} FROM {0} WHERE {2} < ?1 LIMIT ?2)",
                    table, key, time));
  };
  const std::vector<Chore> chores{
      {oldest("mettle_sessions", "id", "expires_at"), kEndedSessionKeptUs},
      {oldest("mettle_sign_in_attempts", "subject", "last_at"), AttemptPolicy::kForgottenAfterUs},
      {oldest("mettle_invitations", "id", "expires_at"), kEndedInvitationKeptUs},
      {oldest("mettle_one_time", "id", "expires_at"), 0},
      {oldest("mettle_audit", "seq", "at"), audit_retention_.us}};
  const int64_t now_us = ctx.seams().clock->now().us;
  int64_t deleted = 0;
  for (const Chore& chore : chores) {
    const Timestamp before{now_us - chore.age_us};
    int64_t some = kRowsAtOnce;
    while (some == kRowsAtOnce) {
      std::vector<Value> values{Value(before), Value(kRowsAtOnce)};
      CO_TRY(some, co_await db::write_one(ctx, store_, chore.statement, std::move(values)));
      deleted += some;
    }
  }
  co_return deleted;
}

}  // namespace mettle::auth

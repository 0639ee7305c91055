#include "features/commands/claim.h"

#include "async/timers.h"
#include "base/limits.h"
#include "base/log.h"

namespace mettle::commands {
namespace {

constexpr int64_t kPollUs = 50'000;

class ClaimUnit final : public db::WriteUnit {
 public:
  ClaimUnit(records::Idempotency request, Timestamp now, Timestamp until)
      : until(until), request_(std::move(request)), now_(now) {}

  Task<Result<>> run(db::WriteTx& tx) override {
    CO_TRY(known, co_await records::recall(tx, request_, now_));
    if (known.state != records::Remembered::State::kNew) co_return Result<>();
    co_return co_await records::claim(tx, request_, now_, until);
  }

  records::Remembered known;
  const Timestamp until;

 private:
  const records::Idempotency request_;
  const Timestamp now_;
};

// Only a claim that is still the same one.
class GiveBackUnit final : public db::WriteUnit {
 public:
  GiveBackUnit(records::Idempotency request, Timestamp now)
      : request_(std::move(request)), now_(now) {}

  Task<Result<>> run(db::WriteTx& tx) override {
    CO_TRY(const records::Remembered known, co_await records::recall(tx, request_, now_));
    const bool own = known.state == records::Remembered::State::kRunning &&
                     request_.claimed_until == known.lease_until;
    if (!own) co_return Result<>();
    co_return co_await records::forget(tx, request_);
  }

 private:
  const records::Idempotency request_;
  const Timestamp now_;
};

}  // namespace

Task<Result<Claimed>> claim_key(Context& ctx, db::Store& store, const records::Idempotency& request,
                                int64_t lease_us) {
  Clock& clock = *ctx.seams().clock;
  const int64_t give_up_us = clock.monotonic_us() + limits::kIdempotencyWaitMs * 1000;
  while (true) {
    const Timestamp now = clock.now();
    auto unit = std::make_shared<ClaimUnit>(request, now, Timestamp{now.us + lease_us});
    CO_TRY_VOID(co_await store.write(ctx, unit));
    switch (unit->known.state) {
      case records::Remembered::State::kNew:
        co_return Claimed{std::nullopt, unit->until};
      case records::Remembered::State::kAnswered:
        co_return Claimed{std::move(unit->known.answer), {}};
      case records::Remembered::State::kRunning:
        break;
    }
    if (clock.monotonic_us() >= give_up_us) {
      Error error =
          make_error(Code::kIdempotencyInProgress,
                     "the first request with this Idempotency-Key is still running; retry later");
      error.retry_after_s = 1;
      co_return fail(std::move(error));
    }
    CO_TRY_VOID(co_await sleep_for(ctx, std::chrono::microseconds(kPollUs)));
  }
}

Task<> give_back(Context& ctx, db::Store& store, const records::Idempotency& request) {
  // The request may be out of time; this is not.
  Context own = ctx.detached();
  auto unit = std::make_shared<GiveBackUnit>(request, ctx.seams().clock->now());
  const Result<> done = co_await store.write(own, unit);
  if (!done) {
    LOG_WARN("a claimed Idempotency-Key could not be given back; it runs out by itself",
             {{"code", done.error().name()}, {"reason", done.error().inside}});
  }
}

}  // namespace mettle::commands

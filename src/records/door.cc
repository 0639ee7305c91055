// Door::commit: a mutation and its idempotency result as one unit of the writer.
#include "records/door.h"

#include "async/timers.h"
#include "base/limits.h"
#include "base/mutant.h"
#include "base/problem.h"
#include "records/change.h"
#include "records/idempotency.h"

namespace mettle::records {

namespace {

// Everything the unit needs is its own: the writer may still hold it after the request has given
// up.
class CommitUnit final : public db::WriteUnit {
 public:
  CommitUnit(std::shared_ptr<const Catalog> catalog, const DoorOptions& options, SharedIds& ids,
             Principal who, std::shared_ptr<Mutation> mutation,
             std::optional<Idempotency> idempotency, std::string instance, std::string request_id)
      : catalog_(std::move(catalog)),
        options_(options),
        ids_(ids),
        who_(std::move(who)),
        mutation_(std::move(mutation)),
        idempotency_(std::move(idempotency)),
        instance_(std::move(instance)),
        request_id_(std::move(request_id)) {}

  Task<Result<>> run(db::WriteTx& tx) override {
    const bool late = planted(Mutant::kKeyOutsideCommit);
    running = false;
    const Timestamp now = options_.seams->clock->now();
    WriteScope scope(*catalog_, tx, who_, ids_, now, options_.limits);
    if (!idempotency_) {
      CO_TRY(answer, co_await mutation_->run(scope));
      co_return Result<>();
    }
    if (late && !answer.body.empty()) co_return co_await remember(tx, *idempotency_, answer, now);
    CO_TRY(Remembered known, co_await recall(tx, *idempotency_, now));
    const bool own = known.state == Remembered::State::kRunning &&
                     idempotency_->claimed_until == known.lease_until;
    if (known.state != Remembered::State::kNew && !own) {
      running = known.state == Remembered::State::kRunning;
      answer = std::move(known.answer);
      co_return Result<>();
    }
    CO_TRY_VOID(co_await tx.savepoint());
    auto made = co_await mutation_->run(scope);
    if (made) {
      answer = std::move(*made);
      CO_TRY_VOID(co_await tx.release());
    } else {
      if (!is_kept(made.error())) co_return fail(std::move(made.error()));
      if (!planted(Mutant::kRefusalKeepsChanges)) {
        CO_TRY_VOID(co_await tx.rollback_to());
      }
      CO_TRY_VOID(co_await tx.release());
      answer = Answer();
      answer.status = made.error().status();
      answer.content_type = kProblemContentType;
      answer.body = problem_json(made.error(), instance_, request_id_);
    }
    if (late) co_return Result<>();
    CO_TRY_VOID(co_await remember(tx, *idempotency_, answer, now));
    co_return Result<>();
  }

  Answer answer;
  bool running = false;  // another request with this key is being worked on

 private:
  const std::shared_ptr<const Catalog> catalog_;
  const DoorOptions options_;
  SharedIds& ids_;
  const Principal who_;
  const std::shared_ptr<Mutation> mutation_;
  const std::optional<Idempotency> idempotency_;
  const std::string instance_;
  const std::string request_id_;
};

}  // namespace

Door::Door(db::Store& store, std::shared_ptr<const Catalog> catalog, DoorOptions options)
    : store_(&store),
      catalog_(std::move(catalog)),
      options_(std::move(options)),
      ids_(std::make_unique<SharedIds>(*options_.seams)) {}

Door::~Door() = default;

Task<Result<Answer>> Door::commit(Context& ctx, const Principal& who,
                                  std::shared_ptr<Mutation> mutation,
                                  const std::optional<Idempotency>& idempotency,
                                  std::string_view instance) {
  constexpr int64_t kPollUs = 50'000;
  const int64_t give_up_us = ctx.seams().clock->monotonic_us() + limits::kIdempotencyWaitMs * 1000;
  while (true) {
    auto unit = std::make_shared<CommitUnit>(catalog_, options_, *ids_, who, mutation, idempotency,
                                             std::string(instance), ctx.request_id);
    CO_TRY_VOID(co_await store_->write(ctx, unit));
    if (planted(Mutant::kKeyOutsideCommit) && idempotency) {
      CO_TRY_VOID(co_await store_->write(ctx, unit));
    }
    if (!unit->running) co_return std::move(unit->answer);
    if (ctx.seams().clock->monotonic_us() >= give_up_us) {
      Error error =
          make_error(Code::kIdempotencyInProgress,
                     "the first request with this Idempotency-Key is still running; retry later");
      error.retry_after_s = 1;
      co_return fail(std::move(error));
    }
    CO_TRY_VOID(co_await sleep_for(ctx, std::chrono::microseconds(kPollUs)));
  }
}

}  // namespace mettle::records

#include "features/routes/after.h"

#include <latch>

#include "base/check.h"
#include "base/log.h"
#include "base/mutant.h"

namespace mettle::routes {
namespace {

struct Failure {
  std::string route;
  std::string request_id;
  Error error;
};

// A group of entries as one unit of the writer, each in a savepoint of its own.
class AfterUnit final : public db::WriteUnit {
 public:
  AfterUnit(std::vector<AfterEntry> entries, records::SharedIds& ids,
            const records::QueryLimits& limits)
      : entries(std::move(entries)), ids_(ids), limits_(limits) {}

  Task<Result<>> run(db::WriteTx& tx) override {
    failures.clear();
    for (const AfterEntry& entry : entries) {
      CO_TRY_VOID(co_await tx.savepoint());
      records::WriteScope scope(*entry.code->after.catalog, tx, entry.who, ids_, entry.at, limits_);
      commands::Run run(scope, entry.names);
      auto done = co_await run.run(entry.code->after);
      if (!done) {
        CO_TRY_VOID(co_await tx.rollback_to());
        failures.push_back({entry.code->route->method + " " + entry.code->route->path,
                            entry.request_id, std::move(done.error())});
      }
      CO_TRY_VOID(co_await tx.release());
    }
    co_return Result<>();
  }

  std::vector<AfterEntry> entries;
  std::vector<Failure> failures;  // of the last run

 private:
  records::SharedIds& ids_;
  const records::QueryLimits& limits_;
};

// A detail that the app composed may hold what a row holds; ours never do.
std::string_view loggable_detail(const Error& error) {
  if (error.app_code.empty() || planted(Mutant::kSensitiveLogged)) return error.detail;
  return {};
}

void log_failure(const Failure& failure) {
  LOG_WARN("steps after an answer failed", {{"route", failure.route},
                                            {"request_id", failure.request_id},
                                            {"code", failure.error.name()},
                                            {"detail", loggable_detail(failure.error)},
                                            {"reason", failure.error.inside}});
}

}  // namespace

AfterQueue::AfterQueue(Core& core, db::Store& store, const records::QueryLimits& limits)
    : core_(core), store_(store), limits_(limits), ids_(core.seams()), scope_(core) {}

void AfterQueue::put(AfterEntry entry) {
  if (waiting_.size() >= kWaitingMax) {
    const std::string route = entry.code->route->method + " " + entry.code->route->path;
    LOG_WARN("steps after an answer were dropped: too many wait", {{"route", route}});
    return;
  }
  waiting_.push_back(std::move(entry));
  if (waiting_.size() >= kGroup) return flush();
  if (!writing_ && !linger_.armed()) linger(kLingerUs);
}

void AfterQueue::linger(int64_t us) {
  core_.timers().arm(linger_, core_.seams().clock->monotonic_us() + us);
}

void AfterQueue::flush() {
  if (writing_ || waiting_.empty()) return;
  if (linger_.armed()) core_.timers().disarm(linger_);
  writing_ = true;
  scope_.spawn(write());
}

Task<> AfterQueue::write() {
  bool goes = true;
  do {
    goes = co_await write_group();
  } while (goes && (waiting_.size() >= kGroup || (finishing_ && !waiting_.empty())));
  writing_ = false;
  if (!waiting_.empty() && !finishing_) linger(goes ? kLingerUs : kRetryUs);
}

Task<bool> AfterQueue::write_group() {
  const size_t count = std::min(waiting_.size(), kGroup);
  std::vector<AfterEntry> group(
      std::make_move_iterator(waiting_.begin()),
      std::make_move_iterator(waiting_.begin() + static_cast<long>(count)));
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<long>(count));
  auto unit = std::make_shared<AfterUnit>(std::move(group), ids_, limits_);
  Context ctx(core_, core_.seams(), INT64_MAX);
  const Result<> written = co_await store_.write(ctx, unit);
  if (written) {
    for (const Failure& failure : unit->failures) log_failure(failure);
    co_return true;
  }
  const bool again = code_info(written.error().code).retryable && !finishing_;
  LOG_WARN("steps after answers could not be written", {{"entries", count},
                                                        {"again", again},
                                                        {"code", written.error().name()},
                                                        {"detail", written.error().detail},
                                                        {"reason", written.error().inside}});
  if (again) {
    waiting_.insert(waiting_.begin(), std::make_move_iterator(unit->entries.begin()),
                    std::make_move_iterator(unit->entries.end()));
  }
  co_return !again;
}

void AfterQueue::finish(Callback done) {
  finishing_ = true;
  flush();
  scope_.when_empty(std::move(done));
}

void AfterWork::attach(Core& core, db::Store& store, const records::QueryLimits& limits) {
  queues_.push_back(std::make_unique<AfterQueue>(core, store, limits));
}

AfterQueue& AfterWork::of(const Core& core) const {
  for (const auto& queue : queues_) {
    if (&queue->core() == &core) return *queue;
  }
  CHECK(false);
}

void AfterWork::finish() {
  std::latch done(static_cast<std::ptrdiff_t>(queues_.size()));
  for (const auto& queue : queues_) {
    AfterQueue* const each = queue.get();
    each->core().post([each, &done] { each->finish([&done] { done.count_down(); }); });
  }
  done.wait();
}

}  // namespace mettle::routes

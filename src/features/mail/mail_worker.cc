#include "features/mail/mail_worker.h"

#include <algorithm>

#include "base/datetime.h"
#include "base/failpoint.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"

namespace mettle::mail {
namespace {

constexpr int64_t kMs = 1000;
constexpr size_t kProblemBytes = 500;

// "a***@example.com": enough for who looks for a mail, no list of addresses for who reads logs.
std::string masked_address(std::string_view address) {
  const size_t at = address.rfind('@');
  const size_t first = std::min(std::max<size_t>(1, utf8_length(address)), at);
  return std::string(address.substr(0, first)) + "***" + std::string(address.substr(at));
}

}  // namespace

MailMetrics::MailMetrics(Metrics& registry)
    : enqueued(registry.counter("mettle_mail_enqueued", "Mails put into the outbox")),
      sent(registry.counter("mettle_mail_sent", "Mails that were taken")),
      again(registry.counter("mettle_mail_retries", "Tries that failed and are repeated")),
      failed(registry.counter("mettle_mail_failed", "Mails that were given up")),
      seconds(registry.histogram("mettle_mail_seconds", "From being asked for to being sent",
                                 {0.01, 0.1, 1, 10, 60, 600, 3600, 36000})),
      waiting(registry.gauge("mettle_mail_waiting", "Mails in the outbox")),
      oldest_seconds(
          registry.gauge("mettle_mail_oldest_seconds", "Age of the oldest mail in the outbox")) {}

int64_t mail_pause_us(int64_t tries, Random& random) {
  int64_t whole = limits::kMailPauseMs;
  for (int64_t i = 1; i < tries && whole < limits::kMailPauseMaxMs; ++i) whole *= 3;
  whole = std::min(whole, limits::kMailPauseMaxMs) * kMs;
  return whole - static_cast<int64_t>(random.next() % static_cast<uint64_t>(whole / 2));
}

Sender::Sender(Core& core, db::Store& store, Delivery& delivery, MailMetrics& metrics, bool alone)
    : core_(core),
      store_(store),
      delivery_(delivery),
      metrics_(metrics),
      alone_(alone),
      scope_(core) {}

void Sender::start() {
  scope_.spawn(run());
}

void Sender::ring() {
  core_.post([this] {
    rung_ = true;
    wake();
  });
}

void Sender::wake() {
  if (resting_ != nullptr) std::exchange(resting_, nullptr)->wake();
}

void Sender::finish(Callback done) {
  finishing_ = true;
  wake();
  core_.timers().arm(patience_, core_.seams().clock->monotonic_us() + limits::kMailStopMs * kMs);
  scope_.when_empty(std::move(done));
}

Task<> Sender::run() {
  Context ctx = scope_.context();
  co_await prepare(ctx);
  while (!finishing_ && ctx.alive()) {
    const std::optional<int64_t> idle = co_await work(ctx);
    if (idle && !finishing_) co_await rest(ctx, *idle);
  }
}

Task<> Sender::prepare(Context& ctx) {
  if (!alone_) co_return;
  const Result<> released = co_await release_claims(ctx, store_);
  if (!released)
    LOG_WARN("mails under way could not be looked at", {{"reason", released.error().inside}});
}

Task<std::optional<int64_t>> Sender::work(Context& ctx) {
  constexpr int64_t kLookUs = limits::kMailLookMs * kMs;
  if (sending_ >= limits::kMailAtOnce) co_return kLookUs;  // woken when one has ended
  const Timestamp now = core_.seams().clock->now();
  const bool rung = std::exchange(rung_, false);
  if (!rung) {
    const auto state = co_await outbox_state(ctx, store_);
    if (!state) co_return kLookUs;
    metrics_.waiting.set(static_cast<double>(state->waiting));
    metrics_.oldest_seconds.set(
        state->oldest ? static_cast<double>(now.us - state->oldest->us) / 1e6 : 0);
    const Timestamp kept{now.us - limits::kMailKeptMs * kMs};
    if (state->oldest_ended && *state->oldest_ended < kept) {
      const Result<> forgotten = co_await forget_letters(ctx, store_, kept);
      if (!forgotten) co_return kLookUs;
    }
    if (!state->next_due) co_return kLookUs;
    if (*state->next_due > now) co_return std::min(kLookUs, state->next_due->us - now.us);
  }
  const size_t room = limits::kMailAtOnce - sending_;
  const Timestamp until{now.us + limits::kMailClaimMs * kMs};
  auto claimed = co_await claim_letters(ctx, store_, room, until);
  if (!claimed) {
    LOG_WARN("mails could not be taken out of the outbox",
             {{"code", claimed.error().name()}, {"reason", claimed.error().inside}});
    rung_ = false;
    co_return kLookUs;
  }
  for (Claimed& each : *claimed) {
    ++sending_;
    scope_.spawn(send(std::move(each)));
  }
  // Looks once more, for when the next is due.
  co_return std::nullopt;
}

Task<> Sender::rest(Context& ctx, int64_t us) {
  if (rung_ && sending_ < limits::kMailAtOnce) co_return;
  Parker parker(core_);
  resting_ = &parker;
  std::ignore = co_await parker.park_until(ctx, core_.seams().clock->monotonic_us() + us);
  resting_ = nullptr;
}

Settled Sender::judge(const Claimed& claimed, const Result<>& delivered) const {
  if (delivered) return {};
  const Error& error = delivered.error();
  Settled out;
  out.outcome = Outcome::kAgain;
  out.problem = to_valid_utf8(error.inside.empty() ? error.detail : error.inside);
  if (out.problem.size() > kProblemBytes) {
    out.problem = to_valid_utf8(std::string_view(out.problem).substr(0, kProblemBytes));
  }
  const Timestamp now = core_.seams().clock->now();
  out.due = Timestamp{now.us + mail_pause_us(claimed.tries, *core_.seams().random)};
  const auto& good_until = claimed.letter.good_until;
  const bool too_late = good_until && out.due > *good_until;
  if (error.code == Code::kInvalid || claimed.tries >= limits::kMailTries || too_late) {
    out.outcome = Outcome::kFailed;
  }
  return out;
}

Task<> Sender::send(Claimed claimed) {
  Context ctx = scope_.context();
  const Letter& letter = claimed.letter;
  const Timestamp began = core_.seams().clock->now();
  Result<> delivered;
  if (letter.good_until && began > *letter.good_until) {
    delivered = fail(Code::kInvalid, "it came too late: what it says holds no more");
  } else {
    Context trying = ctx.child(limits::kMailTimeoutMs * kMs + kMicrosPerSecond);
    delivered = co_await delivery_.deliver(trying, letter);
  }
  FAIL_POINT_VOID("mail.before_mark");
  // One that was cut off may have been sent or not: it stays claimed, and is tried again later.
  const bool cut_off = !delivered && delivered.error().code == Code::kCancelled;
  if (!cut_off) {
    const Settled settled = judge(claimed, delivered);
    // Not with the scope's context: what was sent must be written down while there is a store.
    Context to_the_end(core_, core_.seams(), INT64_MAX);
    const auto kept = co_await settle_letter(to_the_end, store_, claimed, settled);
    const std::string to = masked_address(letter.to);
    if (!kept || !*kept) {
      LOG_WARN("what became of a mail could not be written down; it may be sent again",
               {{"id", letter.id}, {"to", to}});
    }
    if (settled.outcome == Outcome::kSent) {
      metrics_.sent.add();
      const int64_t age_us = core_.seams().clock->now().us - letter.created_at.us;
      metrics_.seconds.observe(static_cast<double>(std::max<int64_t>(0, age_us)) / 1e6);
      LOG_INFO("mail sent", {{"id", letter.id}, {"about", letter.about}, {"to", to}});
    } else if (settled.outcome == Outcome::kAgain) {
      metrics_.again.add();
      LOG_WARN(
          "mail could not be sent and is tried again",
          {{"id", letter.id}, {"to", to}, {"tries", claimed.tries}, {"reason", settled.problem}});
    } else {
      metrics_.failed.add();
      LOG_ERROR(
          "mail was given up; `mettle mail retry` tries it again",
          {{"id", letter.id}, {"to", to}, {"tries", claimed.tries}, {"reason", settled.problem}});
    }
  }
  --sending_;
  wake();
}

}  // namespace mettle::mail

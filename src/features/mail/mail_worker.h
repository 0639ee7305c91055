// The sender: takes mails out of the outbox as they are due, gives each to the delivery, and writes
// down what became of it. At least once: what was delivered and not yet written down when the
// process dies is delivered again after it, under the same Message-ID.
//
// It lives on one core. ring() is for any thread; the rest for the core's.
#pragma once

#include <memory>
#include <optional>

#include "async/parker.h"
#include "async/scope.h"
#include "base/metrics.h"
#include "db/db.h"
#include "features/mail/delivery.h"
#include "features/mail/mail_store.h"

namespace mettle::mail {

struct MailMetrics {
  explicit MailMetrics(Metrics& registry);
  Counter &enqueued, &sent, &again, &failed;
  Histogram& seconds;  // from compose() to sent
  Gauge &waiting, &oldest_seconds;
};

// How long after the `tries`th try the next one comes: growing, with jitter.
int64_t mail_pause_us(int64_t tries, Random& random);

class Sender {
 public:
  // `alone`: no other process sends from this store, so what is claimed at the start is nobody's.
  Sender(Core& core, db::Store& store, Delivery& delivery, MailMetrics& metrics, bool alone);
  void start();
  // There may be something due. From within a transaction: the claim comes behind it.
  void ring();
  // Takes nothing more, lets what is being sent end for a while, then calls back.
  void finish(Callback done);

 private:
  class Patience final : public Timer {
   public:
    explicit Patience(Scope& scope) : scope_(scope) {}
    void on_time() override { scope_.cancel(); }

   private:
    Scope& scope_;
  };

  Task<> run();
  Task<> prepare(Context& ctx);
  // How long to rest; none: there is more to claim at once.
  Task<std::optional<int64_t>> work(Context& ctx);
  Task<> rest(Context& ctx, int64_t us);
  Task<> send(Claimed claimed);
  Settled judge(const Claimed& claimed, const Result<>& delivered) const;
  void wake();

  Core& core_;
  db::Store& store_;
  Delivery& delivery_;
  MailMetrics& metrics_;
  const bool alone_;
  Scope scope_;
  Patience patience_{scope_};
  Parker* resting_ = nullptr;
  size_t sending_ = 0;
  bool rung_ = true;
  bool finishing_ = false;
};

}  // namespace mettle::mail

// Those who use the simulated machine: each client has one request under way at most, made through
// the production door, and its answer goes to the model. One thread; the coroutines run on the
// machine's core.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "records/door.h"
#include "sim/machine.h"
#include "sim/model.h"

namespace mettle::sim {

constexpr int kClients = 6;

class Clients {
 public:
  Clients(const App& app, Machine& machine, Model& model, Choice& choice, Trace& trace,
          Counts& counts);
  ~Clients();

  // Each of them makes one free client ask; nothing happens where none is free.
  void ask_new();
  void ask_again();          // a key used before: the same request, also while the first runs
  void ask_other_payload();  // a key used before, for something else
  void read_all();
  void read_counter();
  void cancel_one();
  void cancel_all();

  // A reader that keeps its snapshot over other steps.
  void hold_snapshot();
  void look_again_or_leave();
  void drop_snapshot();

  bool any_busy() const;
  // With nobody else about. nullopt: the process died; an error: the read failed.
  std::optional<Result<Sight>> look();
  void check_integrity();
  std::optional<Result<records::Answer>> repeat(Asked& asked, bool other_payload);

 private:
  // A clock a little beside the machine's, another for each client: no two of their timers are due
  // at one moment, so that the order in which they wake is always the same.
  class ClientClock final : public Clock {
   public:
    ClientClock(Clock& clock, int index) : clock_(clock), index_(index) {}
    Timestamp now() override { return clock_.now(); }
    int64_t monotonic_us() override { return clock_.monotonic_us() + index_; }

   private:
    Clock& clock_;
    const int64_t index_;
  };
  struct Client {
    std::unique_ptr<ClientClock> clock;
    Seams seams;
    std::optional<Context> context;
    bool busy = false;
  };
  struct Held;

  int free_client() const;
  Context& begin(int client, int64_t deadline_us);
  Asked* known_key(bool answered);
  records::Idempotency key_of(const Asked& asked, bool other_payload) const;
  void send(Asked& asked, bool other_payload);
  void note(int client, const Asked& asked, bool other, const Result<records::Answer>& answer);

  static Task<> write(Clients* self, int client, Asked* asked, bool other);
  static Task<> see_all(Clients* self, int client);
  static Task<> see_counter(Clients* self, int client);
  static Task<Result<records::Answer>> attempt(Clients* self, Context* ctx, Asked* asked,
                                               bool other, int64_t think_us, bool gives_back);

  const App& app_;
  Machine& machine_;
  Model& model_;
  Choice& choice_;
  Trace& trace_;
  Counts& counts_;
  std::array<Client, kClients> clients_;
  std::unique_ptr<Held> held_;
  int64_t requests_ = 0;
};

}  // namespace mettle::sim

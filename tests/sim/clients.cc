#include "sim/clients.h"

#include <fmt/format.h>

#include <charconv>

#include "async/timers.h"
#include "db/sqlite/connection.h"
#include "features/commands/claim.h"
#include "sim/sight.h"

namespace mettle::sim {
namespace {

using records::Answer;

constexpr int64_t kLeaseUs = 30'000'000;

int64_t hits_of(const std::string& json) {
  const size_t at = json.find("\"hits\":");
  int64_t hits = -1;
  if (at != std::string::npos)
    std::from_chars(json.data() + at + 7, json.data() + json.size(), hits);
  return hits;
}

bool same(const Sight& a, const Sight& b) {
  return a.hits == b.hits && std::ranges::equal(a.entries, b.entries, [](auto& x, auto& y) {
           return x.op == y.op && x.rows == y.rows && x.parts == y.parts;
         });
}

const records::Principal& nobody() {
  static const records::Principal principal;
  return principal;
}

}  // namespace

struct Clients::Held {
  std::unique_ptr<db::Connection> connection;
  Sight sight;
};

Clients::Clients(const App& app, Machine& machine, Model& model, Choice& choice, Trace& trace,
                 Counts& counts)
    : app_(app), machine_(machine), model_(model), choice_(choice), trace_(trace), counts_(counts) {
  for (int i = 0; i < kClients; ++i) {
    Client& client = clients_[static_cast<size_t>(i)];
    client.clock = std::make_unique<ClientClock>(machine_.seams().clock, i + 1);
    client.seams = {client.clock.get(), &machine_.seams().random, &machine_.seams().process};
  }
}

Clients::~Clients() = default;

int Clients::free_client() const {
  for (int i = 0; i < kClients; ++i) {
    if (!clients_[static_cast<size_t>(i)].busy) return i;
  }
  return -1;
}

bool Clients::any_busy() const {
  return std::ranges::any_of(clients_, [](const Client& client) { return client.busy; });
}

Context& Clients::begin(int index, int64_t timeout_us) {
  Client& client = clients_[static_cast<size_t>(index)];
  client.busy = true;
  const int64_t until =
      timeout_us == INT64_MAX ? INT64_MAX : client.clock->monotonic_us() + timeout_us;
  Context& context = client.context.emplace(machine_.core(), client.seams, until);
  context.request_id = fmt::format("r{}", ++requests_);
  return context;
}

records::Idempotency Clients::key_of(const Asked& asked, bool other) const {
  records::Idempotency key;
  key.scope = "client POST /effects";
  key.key = fmt::format("k{}", asked.effect.number);
  key.fingerprint =
      fmt::format("{} of op {}", other ? "another body" : "the body", asked.effect.number);
  return key;
}

void Clients::ask_new() {
  if (free_client() < 0) return;
  Effect effect;
  effect.number = static_cast<int64_t>(model_.asked().size());
  effect.parts = static_cast<int>(choice_.between(1, 3));
  effect.filler_bytes = static_cast<int>(choice_.between(0, 60));
  if (choice_.percent(8)) {  // outgrows a small page cache
    effect.parts = static_cast<int>(choice_.between(4, 8));
    effect.filler_bytes = static_cast<int>(choice_.between(2000, 6000));
  }
  if (choice_.percent(10))
    effect.ending = choice_.percent(60) ? Ending::kConflict : Ending::kForbidden;
  Asked& asked = model_.ask(effect);
  asked.keyed = choice_.percent(70);
  asked.claims = asked.keyed && choice_.percent(20);
  send(asked, false);
}

Asked* Clients::known_key(bool answered) {
  auto& all = model_.asked();
  if (all.empty()) return nullptr;
  const auto from = static_cast<size_t>(choice_.below(static_cast<int64_t>(all.size())));
  for (size_t i = 0; i < all.size(); ++i) {
    Asked& asked = all[(from + i) % all.size()];
    if (asked.keyed && !asked.forgotten && (!answered || asked.answer)) return &asked;
  }
  return nullptr;
}

void Clients::ask_again() {
  Asked* asked = known_key(false);
  if (asked == nullptr || free_client() < 0) return;
  if (asked->in_flight > 0) ++counts_[Count::kSentTwiceAtOnce];
  send(*asked, false);
}

void Clients::ask_other_payload() {
  Asked* asked = known_key(true);
  if (asked != nullptr && free_client() >= 0) send(*asked, true);
}

void Clients::send(Asked& asked, bool other) {
  const int client = free_client();
  const bool hurried = choice_.percent(6);
  begin(client, hurried ? choice_.between(1, 20) * 4096 : INT64_MAX);
  trace_.event(other ? "asks with another payload" : "asks",
               {client, asked.effect.number, asked.effect.parts, asked.keyed, asked.claims,
                static_cast<int64_t>(asked.effect.ending)});
  if (!other) {
    ++asked.in_flight;
    asked.asked_us = std::min(asked.asked_us, machine_.wall_us());
  }
  machine_.spawn(write(this, client, &asked, other));
}

Task<> Clients::write(Clients* self, int client, Asked* asked, bool other) {
  Context* ctx = &*self->clients_[static_cast<size_t>(client)].context;
  const int64_t think_us = self->choice_.below(200) * 16384;
  const bool gives_back = self->choice_.percent(15);
  const Result<Answer> answer = co_await attempt(self, ctx, asked, other, think_us, gives_back);
  self->note(client, *asked, other, answer);
  if (self->machine_.alive() && answer && self->machine_.disk().sync_failed())
    self->model_.violate("a write was acknowledged after a sync had failed");
  if (!self->machine_.alive()) {
    if (!other) self->model_.cut(*asked);
  } else if (other) {
    self->model_.answered_other(*asked, answer);
  } else if (answer) {
    self->model_.answered(*asked, *answer);
  } else if (answer.error().code == Code::kHandlerFailed) {  // given back
    --asked->in_flight;
  } else {
    self->model_.refused(*asked, answer.error());
  }
  self->clients_[static_cast<size_t>(client)].busy = false;
}

void Clients::note(int client, const Asked& asked, bool other, const Result<Answer>& answer) {
  if (answer) {
    trace_.event(machine_.alive() ? "is answered" : "would have been answered",
                 {client, asked.effect.number, other, answer->status, answer->replayed},
                 answer->body);
  } else {
    trace_.event(machine_.alive() ? "is refused" : "is cut off",
                 {client, asked.effect.number, other}, answer.error().name());
  }
}

Task<Result<Answer>> Clients::attempt(Clients* self, Context* ctx, Asked* asked, bool other,
                                      int64_t think_us, bool gives_back) {
  Machine& machine = self->machine_;
  auto mutation = make_mutation(self->app_, asked->effect);
  if (!asked->keyed) {
    co_return co_await machine.door().commit(*ctx, nobody(), mutation, std::nullopt, "/effects");
  }
  records::Idempotency key = self->key_of(*asked, other);
  if (asked->claims) {
    CO_TRY(commands::Claimed claimed,
           co_await commands::claim_key(*ctx, machine.store(), key, kLeaseUs));
    if (claimed.answer) co_return std::move(*claimed.answer);
    key.claimed_until = claimed.until;
    const Result<> thought = co_await sleep_for(*ctx, std::chrono::microseconds(think_us));
    if (!machine.alive()) co_return fail(Code::kCancelled, "dead");
    if (!thought || gives_back) {
      co_await commands::give_back(*ctx, machine.store(), key);
      if (machine.alive()) ++self->counts_[Count::kClaimsGivenBack];
      co_return fail(Code::kHandlerFailed, "given back");
    }
  }
  Result<Answer> answer = co_await machine.door().commit(*ctx, nobody(), mutation, key, "/effects");
  if (asked->claims && answer && !answer->replayed && machine.alive())
    ++self->counts_[Count::kClaimsCommitted];
  co_return answer;
}

void Clients::read_all() {
  const int client = free_client();
  if (client < 0) return;
  begin(client, INT64_MAX);
  trace_.event("reads all", {client});
  machine_.spawn(see_all(this, client));
}

Task<> Clients::see_all(Clients* self, int client) {
  Context* ctx = &*self->clients_[static_cast<size_t>(client)].context;
  const Model::Floor floor = self->model_.floor();
  SightUnit unit;
  const Result<> read = co_await self->machine_.store().read(*ctx, unit);
  self->trace_.event(read ? "has read all" : "cannot read", {client, unit.sight.total()},
                     read ? "" : read.error().name());
  if (read && self->machine_.alive()) {
    ++self->counts_[Count::kReadsChecked];
    self->model_.seen(floor, unit.sight);
  }
  self->clients_[static_cast<size_t>(client)].busy = false;
}

void Clients::read_counter() {
  const int client = free_client();
  if (client < 0) return;
  begin(client, INT64_MAX);
  trace_.event("reads the counter", {client});
  machine_.spawn(see_counter(this, client));
}

Task<> Clients::see_counter(Clients* self, int client) {
  Context* ctx = &*self->clients_[static_cast<size_t>(client)].context;
  const Model::Floor floor = self->model_.floor();
  const records::RowKey key{std::vector<std::string>(1, "0")};
  const records::Select everything;
  const int table = self->app_.table("counters").index;
  const auto row = co_await self->machine_.door().get(*ctx, nobody(), table, key, everything);
  self->trace_.event(row ? "has read the counter" : "cannot read", {client},
                     row ? row->json : row.error().name());
  if (self->machine_.alive()) {
    if (row) {
      ++self->counts_[Count::kPointReadsChecked];
      self->model_.seen_total(floor, hits_of(row->json));
    } else if (row.error().code == Code::kNotFound) {
      self->model_.violate("the counter is not there");
    }
  }
  self->clients_[static_cast<size_t>(client)].busy = false;
}

void Clients::cancel_one() {
  const auto from = static_cast<size_t>(choice_.below(kClients));
  for (size_t i = 0; i < kClients; ++i) {
    Client& client = clients_[(from + i) % kClients];
    if (!client.busy) continue;
    trace_.event("cancels", {static_cast<int64_t>((from + i) % kClients)});
    client.context->cancel();
    return;
  }
}

void Clients::cancel_all() {
  for (Client& client : clients_) {
    if (client.busy) client.context->cancel();
  }
}

void Clients::hold_snapshot() {
  auto held = std::make_unique<Held>();
  held->connection = machine_.connect();
  if (held->connection == nullptr) return;
  const Model::Floor floor = model_.floor();
  if (!held->connection->control(db::Control::kBegin)) return;
  auto sight = read_sight(*held->connection);
  trace_.event("holds a snapshot", {sight ? sight->total() : -1});
  if (!sight || !machine_.alive()) return;
  model_.seen(floor, *sight);
  held->sight = std::move(*sight);
  held_ = std::move(held);
}

void Clients::look_again_or_leave() {
  if (held_ == nullptr) return hold_snapshot();
  const auto sight = read_sight(*held_->connection);
  trace_.event("looks again", {sight ? sight->total() : -1});
  if (sight && machine_.alive()) {
    ++counts_[Count::kSnapshotsHeld];
    if (!same(held_->sight, *sight)) model_.violate("a snapshot changed while it was held");
  }
  if (!sight || choice_.percent(40)) held_.reset();
}

void Clients::drop_snapshot() {
  held_.reset();
}

std::optional<Result<Sight>> Clients::look() {
  auto ctx = std::make_shared<Context>(machine_.core(), machine_.seams().seams, INT64_MAX);
  auto unit = std::make_shared<SightUnit>();
  struct Read {
    static Task<Result<>> run(db::SqliteStore* store, std::shared_ptr<Context> ctx,
                              std::shared_ptr<SightUnit> unit) {
      co_return co_await store->read(*ctx, *unit);
    }
  };
  auto done = machine_.drive(Read::run(&machine_.store(), ctx, unit));
  if (!done) return std::nullopt;
  if (!*done) return Result<Sight>(fail(done->error()));
  return Result<Sight>(std::move(unit->sight));
}

void Clients::check_integrity() {
  class TextSink final : public db::RowSink {
   public:
    Result<bool> on_row(const db::Row& row) override {
      text += std::string(row.text(0)) + "; ";
      return true;
    }
    void restart() override { text.clear(); }
    std::string text;
  };
  struct Read {
    static Task<Result<>> run(db::SqliteStore* store, std::shared_ptr<Context> ctx,
                              std::shared_ptr<TextSink> sink) {
      const db::StatementRef check = db::Statement::make("PRAGMA integrity_check");
      db::ReadHints hints;
      hints.scan = true;
      co_return co_await store->read(*ctx, check, {}, *sink, hints);
    }
  };
  const int64_t faults = machine_.disk().faults();
  auto sink = std::make_shared<TextSink>();
  auto ctx = std::make_shared<Context>(machine_.core(), machine_.seams().seams, INT64_MAX);
  const auto done = machine_.drive(Read::run(&machine_.store(), ctx, sink));
  // It reports what it could not read as if it were broken.
  if (!done || !*done || machine_.disk().faults() != faults) return;
  ++counts_[Count::kIntegrityChecks];
  if (sink->text != "ok; ") model_.violate("integrity_check: " + sink->text);
}

std::optional<Result<Answer>> Clients::repeat(Asked& asked, bool other) {
  constexpr int kClient = 0;
  Context& ctx = begin(kClient, INT64_MAX);
  trace_.event(other ? "repeats with another payload" : "repeats", {asked.effect.number});
  if (!other) {
    ++asked.in_flight;
    asked.asked_us = std::min(asked.asked_us, machine_.wall_us());
  }
  auto answer = machine_.drive(attempt(this, &ctx, &asked, other, 0, false));
  clients_[kClient].busy = false;
  if (!answer) {
    if (!other) model_.cut(asked);
    return std::nullopt;
  }
  note(kClient, asked, other, *answer);
  if (other) {
    model_.answered_other(asked, *answer);
  } else if (*answer) {
    model_.answered(asked, **answer);
  } else {
    model_.refused(asked, answer->error());
  }
  return answer;
}

}  // namespace mettle::sim

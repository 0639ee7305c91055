// What must be true: the model of what was asked and answered, against which answers, reads and
// recovered databases are held. It knows no SQL and no disk. The first thing that is not true is
// kept, in words. One thread.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "records/answer.h"
#include "sim/app.h"
#include "sim/counts.h"

namespace mettle::sim {

// One effect that clients ask for, once or, with a key, again and again.
struct Asked {
  Effect effect;
  bool keyed = false;
  bool claims = false;  // asks somebody outside first: claim, wait, commit
  int in_flight = 0;
  bool maybe = false;  // somebody was left without an answer: there whole, or not at all
  bool there = false;  // known to be
  int64_t there_since = 0;
  int executions = 0;                     // answers that were no replays
  std::optional<records::Answer> answer;  // the first one given
  int64_t asked_us = INT64_MAX;           // by the wall clock: when its key may have been stored
  bool forgotten = false;                 // its key is older than keys are kept

  bool settled() const { return in_flight == 0; }
};

// The rows as one snapshot shows them.
struct Sight {
  struct Entries {
    int64_t op = 0, rows = 0, parts = 0;
  };
  std::deque<Entries> entries;  // by op
  std::map<int64_t, int64_t> hits;
  int64_t total() const { return hits.contains(0) ? hits.at(0) : 0; }
};

class Model {
 public:
  explicit Model(Counts& counts) : counts_(counts) {}

  Asked& ask(const Effect& effect);
  std::deque<Asked>& asked() { return asked_; }

  // An attempt ended. `now_us`: the wall clock.
  void answered(Asked& asked, const records::Answer& answer);
  void refused(Asked& asked, const Error& error);
  void cut(Asked& asked);  // the process died first
  // The same for one with the key of `asked` and another payload.
  void answered_other(const Asked& asked, const Result<records::Answer>& answer);

  // What a read that begins now must show at least.
  struct Floor {
    int64_t moment = 0;
    int64_t total = 0;
  };
  Floor floor() const { return {moment_, total_}; }
  void seen(const Floor& floor, const Sight& sight);
  void seen_total(const Floor& floor, int64_t total);
  // After a crash, with nobody else about: decides what was open.
  void recovered(const Sight& sight);

  // The wall clock was here: keys that may have been dropped since are not relied on.
  void clock_at(int64_t wall_us);

  void violate(std::string what);
  const std::optional<std::string>& violation() const { return violation_; }

 private:
  void executed(Asked& asked, const records::Answer& answer);
  void held_to(const Sight::Entries& entries);

  Counts& counts_;
  std::deque<Asked> asked_;
  int64_t moment_ = 0;
  int64_t total_ = 0;  // the highest that anybody was shown or told
  std::optional<std::string> violation_;
};

}  // namespace mettle::sim

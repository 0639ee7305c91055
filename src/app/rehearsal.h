// Rehearsal: an app's requests asked inside this process, as `mettle serve` would answer them:
// pipeline, routes, features and the door to the rows; without sockets, and with each write undone
// once its answer is made. For `mettle access explain` and the access tests of `mettle check`.
//
// The thread of the core, which nobody runs beside. What it tells of rules is what the door has
// asked (rules/watch.h), not what somebody else thinks it would. A command whose handler is another
// server is not called: its answer has the status 0 and says so.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "async/core.h"
#include "db/db.h"
#include "db/dialect.h"
#include "engine/snapshot.h"
#include "model/app_model.h"
#include "records/change.h"
#include "records/principal.h"
#include "rules/watch.h"

namespace mettle::app {

struct Rehearsed {
  int status = 0;
  std::string content_type, body;
  std::vector<rules::RuleAsked> asked;  // in the order they were
};

class Rehearsal {
 public:
  // The store, the dialect and the core must outlive it. nullptr after faults.
  static std::unique_ptr<Rehearsal> make(std::shared_ptr<const model::AppModel> app,
                                         db::Store& store, const db::Dialect& dialect, Core& core,
                                         model::Faults& faults);
  ~Rehearsal();
  Rehearsal(const Rehearsal&) = delete;

  // `body`: JSON; empty for none.
  Rehearsed ask(const records::Principal& who, const std::string& method, const std::string& target,
                const std::string& body);
  enum class Keep : uint8_t { kNo, kYes };
  Result<> run(const records::Principal& who, std::shared_ptr<records::Mutation> mutation,
               Keep keep);
  const engine::Snapshot& snapshot() const;
  Context context() const;
  db::Store& store() const;
  Core& core() const;

 private:
  struct Parts;
  explicit Rehearsal(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace mettle::app

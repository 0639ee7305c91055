// Housekeeping: once an hour, what sign-in keeps and nobody needs any more is deleted: sessions
// that ended long ago, attempts that are forgotten, tokens of mails that are over, and what the
// audit log says of longer ago than the setting `audit_retention`. In small transactions, so that
// nobody waits.
//
// Lives on one core. A failure is logged, and tried again an hour later.
#pragma once

#include "async/scope.h"
#include "db/db.h"

namespace mettle::auth {

class Housekeeping {
 public:
  static constexpr int64_t kEveryUs = int64_t{3600} * 1'000'000;

  Housekeeping(Core& core, db::Store& store, Duration audit_retention);
  // On its core, all three.
  void start();
  void finish(Callback done);
  // One round; how many rows were deleted.
  Task<Result<int64_t>> clean(Context& ctx);

 private:
  Task<> run();

  db::Store& store_;
  const Duration audit_retention_;
  Scope scope_;
};

}  // namespace mettle::auth

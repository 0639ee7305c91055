// PasswordHasher: hashes passwords and checks them, off the cores: on threads of its own, of low
// priority and few, so that sign-ins, however many, do not slow reads. Who comes when the queue is
// full gets kOverloaded (503). Called on any core; a hash takes about 100 ms of a thread.
//
// The cost is found out once, on the first use (some 200 ms), and kept in mettle_auth_settings, so
// that every node and every later start uses the same.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "async/blocking.h"
#include "async/context.h"
#include "base/argon2id.h"
#include "db/db.h"

namespace mettle::auth {

std::vector<std::string> password_tables();

class PasswordHasher {
 public:
  static constexpr int64_t kTargetUs = 100'000;
  static constexpr uint32_t kMemoryKib = 32U << 10;
  static constexpr uint32_t kPassesMin = 2, kPassesMax = 20;

  PasswordHasher();  // by a thread that is no core, as its end

  Task<Result<std::string>> hash(Context& ctx, db::Store& store, std::string password);

  struct Verdict {
    bool holds = false;
    bool outdated = false;  // holds, and was made at another cost than today's
  };
  // An empty hash (nobody of that address, or nobody with a password) costs as much as another and
  // does not hold.
  Task<Result<Verdict>> check(Context& ctx, db::Store& store, std::string password,
                              std::string hash);

 private:
  Task<Result<Argon2Cost>> cost(Context& ctx, db::Store& store);
  Task<Result<Argon2Cost>> calibrate(Context& ctx);

  BlockingPool pool_;
  std::mutex mutex_;
  std::optional<Argon2Cost> cost_;
  std::string stand_in_;  // a hash of nobody's, at that cost
};

}  // namespace mettle::auth

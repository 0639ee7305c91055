#include "features/auth/password_hasher.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <thread>

#include "db/one_statement.h"
#include "features/auth/credential.h"

namespace mettle::auth {
namespace {

// Of a thread: at 100 ms each they wait two seconds at most.
constexpr size_t kQueueMax = 20;
constexpr int kNice = 10;

unsigned thread_count() {
  return std::max(1U, std::thread::hardware_concurrency() / 2);
}

// Requests go first. Linux counts niceness by thread, and 0 is the calling one.
void give_way() {
  thread_local const bool done = setpriority(PRIO_PROCESS, 0, kNice) == 0;
  static_cast<void>(done);
}

class CostRow final : public db::RowSink {
 public:
  void restart() override { text.clear(); }
  Result<bool> on_row(const db::Row& row) override {
    text = row.text(0);
    return false;
  }
  std::string text;
};

std::optional<Argon2Cost> parse_cost(std::string_view text) {
  Argon2Cost cost;
  const char* const end = text.data() + text.size();
  const auto memory = std::from_chars(text.data(), end, cost.memory_kib);
  if (memory.ec != std::errc() || memory.ptr == end || *memory.ptr != ',') return std::nullopt;
  const auto passes = std::from_chars(memory.ptr + 1, end, cost.passes);
  if (passes.ec != std::errc() || passes.ptr != end) return std::nullopt;
  if (cost.memory_kib < 8 || cost.passes < 1) return std::nullopt;
  return cost;
}

}  // namespace

std::vector<std::string> password_tables() {
  return {
      "CREATE TABLE IF NOT EXISTS mettle_auth_settings (name TEXT PRIMARY KEY, value TEXT NOT "
      "NULL) "
      "STRICT, WITHOUT ROWID"};
}

PasswordHasher::PasswordHasher() : pool_(thread_count(), kQueueMax * thread_count()) {}

Task<Result<Argon2Cost>> PasswordHasher::cost(Context& ctx, db::Store& store) {
  {
    const std::lock_guard lock(mutex_);
    if (cost_) co_return *cost_;
  }
  static const db::StatementRef read_sql =
      db::Statement::make("SELECT value FROM mettle_auth_settings WHERE name = 'argon2id'");
  CostRow row;
  CO_TRY_VOID(co_await store.read(ctx, read_sql, {}, row));
  if (row.text.empty()) {
    CO_TRY(const Argon2Cost found, co_await calibrate(ctx));
    // What another node wrote first is kept.
    static const db::StatementRef insert_sql = db::Statement::make(
        "INSERT INTO mettle_auth_settings(name, value) VALUES('argon2id', ?1) ON CONFLICT DO "
        "NOTHING");
    std::vector<Value> values{Value(fmt::format("{},{}", found.memory_kib, found.passes))};
    CO_TRY_VOID(co_await db::write_one(ctx, store, insert_sql, std::move(values)));
    CO_TRY_VOID(co_await store.read(ctx, read_sql, {}, row));
  }
  const auto kept = parse_cost(row.text);
  if (!kept) co_return fail(internal_error("mettle_auth_settings has no argon2id cost"));
  Random& random = *ctx.seams().random;
  const auto make = [&random, cost = *kept]() -> Result<std::string> {
    give_way();
    return argon2id_hash(new_credential_secret(random), cost, random);
  };
  CO_TRY(std::string stand_in, co_await blocking(ctx, pool_, make));
  const std::lock_guard lock(mutex_);
  cost_ = *kept;
  stand_in_ = std::move(stand_in);
  co_return *kept;
}

Task<Result<Argon2Cost>> PasswordHasher::calibrate(Context& ctx) {
  Seams& seams = ctx.seams();
  const auto measure = [&seams]() -> Result<Argon2Cost> {
    Argon2Cost cost{kMemoryKib, kPassesMin};
    // The first touches memory that the second finds warm, as it will be in use.
    for (int i = 0; i < 2; ++i) {
      const int64_t begun = seams.clock->monotonic_us();
      TRY_VOID(argon2id_hash("a password to measure", Argon2Cost{kMemoryKib, kPassesMin},
                             *seams.random));
      const int64_t a_pass =
          std::max<int64_t>(1, (seams.clock->monotonic_us() - begun) / kPassesMin);
      cost.passes =
          static_cast<uint32_t>(std::clamp<int64_t>(kTargetUs / a_pass, kPassesMin, kPassesMax));
    }
    return cost;
  };
  co_return co_await blocking(ctx, pool_, measure);
}

Task<Result<std::string>> PasswordHasher::hash(Context& ctx, db::Store& store,
                                               std::string password) {
  CO_TRY(const Argon2Cost wanted, co_await cost(ctx, store));
  Random& random = *ctx.seams().random;
  const auto work = [&password, &random, wanted]() -> Result<std::string> {
    give_way();
    return argon2id_hash(password, wanted, random);
  };
  co_return co_await blocking(ctx, pool_, work);
}

Task<Result<PasswordHasher::Verdict>> PasswordHasher::check(Context& ctx, db::Store& store,
                                                            std::string password,
                                                            std::string hash) {
  CO_TRY(const Argon2Cost wanted, co_await cost(ctx, store));
  const bool nobody = hash.empty();
  if (nobody) {
    const std::lock_guard lock(mutex_);
    hash = stand_in_;
  }
  const auto work = [&password, &hash]() -> Result<bool> {
    give_way();
    return argon2id_holds(hash, password);
  };
  CO_TRY(const bool holds, co_await blocking(ctx, pool_, work));
  Verdict verdict;
  verdict.holds = holds && !nobody;
  verdict.outdated = verdict.holds && argon2id_cost(hash) != wanted;
  co_return verdict;
}

}  // namespace mettle::auth

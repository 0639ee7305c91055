// Debts in memory, of a bounded number of keys: a table of fixed size for each limit, sixteen keys
// to a set, a lock for each 64th of the sets. Any core; a take costs some tens of nanoseconds and
// waits for nothing but another's take.
//
// A key that owes nothing is as good as absent, so its place is free. Where all sixteen of a set
// owe, the new key takes the place of the one that owes least, which so gets some requests early.
// That is no way to wipe out one's own debt: to have it forgotten one must bring fifteen other keys
// of its set to owe more, and since which keys share a set is secret (key_hash.h), that is to use
// up the limit of most of the table's keys for each that is wiped out. Nor can one limit's keys
// displace another's.
//
// Of a key only its 64-bit hash is kept. Two of 100,000 keys meet with a chance of one in
// 3,000 million; they would share a limit.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "features/limits/key_hash.h"
#include "features/limits/limit_store.h"

namespace mettle::limits {

class MemoryStore final : public LimitStore {
 public:
  static constexpr size_t kSets = size_t{1} << 13;  // of a limit: 131,072 keys, 2 MiB
  static constexpr size_t kWays = 16;

  explicit MemoryStore(size_t sets = kSets) : sets_(sets) {}
  // Before the first take().
  void set_secret(HashSecret secret) { secret_ = secret; }

  std::shared_ptr<LimitTable> open(const std::string& name) override;
  Task<Result<bool>> take(Context& ctx, std::span<Take> takes) override;
  // The same at a time of the caller's, waiting for nothing.
  bool take_at(int64_t now_ns, std::span<Take> takes);

  // Keys that gave way while they owed something.
  uint64_t evicted() const { return evicted_.load(std::memory_order_relaxed); }

 private:
  struct Entry {
    uint64_t hash = 0;  // 0: nobody's
    int64_t free_at_ns = 0;
  };
  struct Table final : LimitTable {
    explicit Table(size_t size) : entries(size) {}
    std::vector<Entry> entries;
  };
  static constexpr size_t kStripes = 64;

  Entry* set_of(const Take& take, uint64_t hash) const;
  size_t stripe_of(uint64_t hash) const { return hash % sets_ % kStripes; }
  void put(Entry* set, uint64_t hash, int64_t free_at_ns, int64_t now_ns);

  const size_t sets_;
  HashSecret secret_;
  std::map<std::string, std::weak_ptr<Table>> tables_;
  std::array<std::mutex, kStripes> stripes_;
  std::atomic<uint64_t> evicted_{0};
};

}  // namespace mettle::limits

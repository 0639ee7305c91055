#include "features/limits/memory_store.h"

#include <algorithm>
#include <bitset>

namespace mettle::limits {
namespace {

constexpr size_t kInPlace = 8;

// The locks of some stripes, taken in their order, so that two takes cannot wait for each other.
template <size_t N>
class Locks {
 public:
  Locks(std::array<std::mutex, N>& mutexes, const std::bitset<N>& wanted)
      : mutexes_(mutexes), wanted_(wanted) {
    for (size_t i = 0; i < N; ++i) {
      if (wanted_[i]) mutexes_[i].lock();
    }
  }
  ~Locks() {
    for (size_t i = 0; i < N; ++i) {
      if (wanted_[i]) mutexes_[i].unlock();
    }
  }
  Locks(const Locks&) = delete;
  Locks& operator=(const Locks&) = delete;

 private:
  std::array<std::mutex, N>& mutexes_;
  const std::bitset<N> wanted_;
};

}  // namespace

std::shared_ptr<LimitTable> MemoryStore::open(const std::string& name) {
  std::weak_ptr<Table>& known = tables_[name];
  auto table = known.lock();
  if (table == nullptr) {
    table = std::make_shared<Table>(sets_ * kWays);
    known = table;
  }
  return table;
}

MemoryStore::Entry* MemoryStore::set_of(const Take& take, uint64_t hash) const {
  return &static_cast<Table*>(take.table)->entries[hash % sets_ * kWays];
}

void MemoryStore::put(Entry* set, uint64_t hash, int64_t free_at_ns, int64_t now_ns) {
  Entry* place = set;
  for (Entry* entry = set; entry != set + kWays; ++entry) {
    if (entry->hash == hash) {
      place = entry;
      break;
    }
    if (entry->free_at_ns < place->free_at_ns) place = entry;
  }
  if (place->hash != hash && place->free_at_ns > now_ns) {
    evicted_.fetch_add(1, std::memory_order_relaxed);
  }
  *place = {hash, free_at_ns};
}

bool MemoryStore::take_at(int64_t now_ns, std::span<Take> takes) {
  std::array<uint64_t, kInPlace> few;
  std::vector<uint64_t> many(takes.size() > kInPlace ? takes.size() : 0);
  uint64_t* const hashes = many.empty() ? few.data() : many.data();
  std::bitset<kStripes> wanted;
  for (size_t i = 0; i < takes.size(); ++i) {
    hashes[i] = std::max<uint64_t>(key_hash(secret_, takes[i].key), 1);
    wanted.set(stripe_of(hashes[i]));
  }
  const Locks locks(stripes_, wanted);
  bool allowed = true;
  for (size_t i = 0; i < takes.size(); ++i) {
    Take& take = takes[i];
    take.debt_ns = 0;
    const Entry* const set = set_of(take, hashes[i]);
    for (const Entry* entry = set; entry != set + kWays; ++entry) {
      if (entry->hash == hashes[i]) take.debt_ns = debt_at(entry->free_at_ns, now_ns);
    }
    allowed = allowed && take.gcra.allows(take.debt_ns, take.count);
  }
  if (!allowed) return false;
  for (size_t i = 0; i < takes.size(); ++i) {
    Take& take = takes[i];
    take.debt_ns += take.count * take.gcra.interval_ns;
    put(set_of(take, hashes[i]), hashes[i], now_ns + take.debt_ns, now_ns);
  }
  return true;
}

Task<Result<bool>> MemoryStore::take(Context& ctx, std::span<Take> takes) {
  co_return take_at(ctx.seams().clock->monotonic_us() * 1000, takes);
}

}  // namespace mettle::limits

#include "features/limits/memory_store.h"

#include <gtest/gtest.h>

#include <thread>

namespace mettle::limits {
namespace {

constexpr Gcra kTwo{.interval_ns = 1000, .burst_ns = 2000};

class MemoryStoreTest : public testing::Test {
 protected:
  bool take(MemoryStore& store, const std::shared_ptr<LimitTable>& table, std::string_view key,
            int64_t now_ns, const Gcra& gcra = kTwo, int64_t count = 1) {
    Take one{.table = table.get(), .key = key, .gcra = gcra, .count = count};
    const bool allowed = store.take_at(now_ns, {&one, 1});
    debt_ns_ = one.debt_ns;
    return allowed;
  }
  int64_t debt_ns_ = 0;
};

TEST_F(MemoryStoreTest, CountsEachKeyByItself) {
  MemoryStore store;
  const auto table = store.open("l");
  EXPECT_TRUE(take(store, table, "a", 0));
  EXPECT_TRUE(take(store, table, "a", 0));
  EXPECT_FALSE(take(store, table, "a", 0));
  EXPECT_EQ(debt_ns_, 2000);
  EXPECT_TRUE(take(store, table, "b", 0));
  EXPECT_FALSE(take(store, table, "a", 999));
  EXPECT_TRUE(take(store, table, "a", 1000));
}

TEST_F(MemoryStoreTest, CountsEachLimitByItself) {
  MemoryStore store;
  const auto one = store.open("one"), other = store.open("other");
  EXPECT_TRUE(take(store, one, "a", 0, kTwo, 2));
  EXPECT_FALSE(take(store, one, "a", 0));
  EXPECT_TRUE(take(store, other, "a", 0));
}

TEST_F(MemoryStoreTest, TakesAllOrNone) {
  MemoryStore store;
  const auto one = store.open("one"), other = store.open("other");
  EXPECT_TRUE(take(store, other, "a", 0, kTwo, 2));
  Take both[] = {{.table = one.get(), .key = "a", .gcra = kTwo},
                 {.table = other.get(), .key = "a", .gcra = kTwo}};
  EXPECT_FALSE(store.take_at(0, both));
  EXPECT_EQ(both[0].debt_ns, 0);
  EXPECT_EQ(both[1].debt_ns, 2000);
  EXPECT_TRUE(store.take_at(1000, both));
  EXPECT_EQ(both[0].debt_ns, 1000);
}

TEST_F(MemoryStoreTest, KeepsWhatIsOwedOverAChangeOfTheFile) {
  MemoryStore store;
  auto before = store.open("l");
  EXPECT_TRUE(take(store, before, "a", 0, kTwo, 2));
  const auto after = store.open("l");
  EXPECT_EQ(before, after);
  before.reset();
  EXPECT_FALSE(take(store, after, "a", 0));
}

// The most that somebody can do who brings as many keys as he likes: his own debt is the last to be
// forgotten.
TEST_F(MemoryStoreTest, NewKeysDoNotWipeOutAnExhaustedOne) {
  MemoryStore store(64);
  store.set_secret({1, 2});
  const auto table = store.open("l");
  const Gcra gcra{.interval_ns = 1000, .burst_ns = 10'000};
  EXPECT_TRUE(take(store, table, "mine", 0, gcra, 10));
  for (int i = 0; i < 200'000; ++i) take(store, table, std::to_string(i), 0, gcra, 9);
  EXPECT_GT(store.evicted(), 190'000U);
  EXPECT_FALSE(take(store, table, "mine", 0, gcra));
}

TEST_F(MemoryStoreTest, KeysThatOweNothingGiveTheirPlaceAway) {
  MemoryStore store(1);
  const auto table = store.open("l");
  for (int i = 0; i < 16; ++i) EXPECT_TRUE(take(store, table, std::to_string(i), 0));
  for (int i = 0; i < 16; ++i) EXPECT_TRUE(take(store, table, "x" + std::to_string(i), 1000));
  EXPECT_EQ(store.evicted(), 0U);
  EXPECT_TRUE(take(store, table, "y", 1000));
  EXPECT_EQ(store.evicted(), 1U);
}

TEST_F(MemoryStoreTest, HoldsOverAllCores) {
  MemoryStore store;
  const auto one = store.open("one"), other = store.open("other");
  const Gcra gcra{.interval_ns = 1'000'000, .burst_ns = 1'000'000'000};
  std::atomic<int> passed{0};
  const auto work = [&](bool turned) {
    for (int i = 0; i < 5000; ++i) {
      Take both[] = {{.table = one.get(), .key = turned ? "a" : "b", .gcra = gcra},
                     {.table = other.get(), .key = turned ? "b" : "a", .gcra = gcra}};
      passed += store.take_at(0, both) ? 1 : 0;
    }
  };
  std::thread first(work, true), second(work, false);
  first.join();
  second.join();
  EXPECT_EQ(passed, 2000);  // a thousand of each key
}

}  // namespace
}  // namespace mettle::limits

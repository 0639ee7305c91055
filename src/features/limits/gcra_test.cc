#include "features/limits/gcra.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "features/limits/key_hash.h"

namespace mettle::limits {
namespace {

// What a limit promises, word for word: in no stretch of time that ends now do more pass than the
// burst and what the rate gives in that time. Looks at every request that ever passed.
class Reference {
 public:
  Reference(int64_t interval_ns, int64_t burst) : interval_ns_(interval_ns), burst_(burst) {}

  bool take(int64_t now_ns, int64_t count) {
    int64_t sum = count;
    bool fits = sum <= burst_;
    for (size_t i = passed_.size(); i-- > 0;) {
      sum += passed_[i].count;
      fits = fits && sum * interval_ns_ <= burst_ * interval_ns_ + (now_ns - passed_[i].at_ns);
    }
    if (fits) passed_.push_back({now_ns, count});
    return fits;
  }
  // By trying.
  int64_t left(int64_t now_ns) const {
    int64_t count = 0;
    while (Reference(*this).take(now_ns, count + 1)) ++count;
    return count;
  }

 private:
  struct Passed {
    int64_t at_ns, count;
  };
  int64_t interval_ns_, burst_;
  std::vector<Passed> passed_;
};

// METTLE_SEED is not taken from the environment: the seed is in the message, and a case is replayed
// by naming it here.
TEST(Gcra, DecidesAsAModelThatRemembersEveryRequest) {
  for (uint32_t seed = 1; seed <= 400; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&random](int64_t least, int64_t most) {
      return std::uniform_int_distribution<int64_t>(least, most)(random);
    };
    const int64_t interval_ns = pick(1, 4) == 1 ? pick(1, 10) : pick(1, 2'000'000'000);
    const int64_t burst = pick(1, 12);
    const Gcra gcra{interval_ns, burst * interval_ns};
    Reference reference(interval_ns, burst);
    int64_t now_ns = pick(0, 1'000'000'000'000), free_at_ns = 0;
    for (int i = 0; i < 150; ++i) {
      now_ns += pick(0, 2) == 0 ? 0 : pick(0, 3 * interval_ns);
      const int64_t count = pick(0, 3) == 0 ? pick(1, 4) : 1;
      const int64_t debt_ns = debt_at(free_at_ns, now_ns);
      ASSERT_EQ(gcra.left(debt_ns), reference.left(now_ns)) << "seed " << seed << " step " << i;
      const bool allowed = gcra.allows(debt_ns, count);
      const int64_t wait_ns = gcra.wait_ns(debt_ns, count);
      ASSERT_EQ(allowed, wait_ns == 0);
      if (!allowed && count <= burst) {
        // It is worth trying again then, and not a nanosecond sooner.
        ASSERT_TRUE(Reference(reference).take(now_ns + wait_ns, count)) << "seed " << seed;
        ASSERT_FALSE(Reference(reference).take(now_ns + wait_ns - 1, count)) << "seed " << seed;
      }
      ASSERT_EQ(allowed, reference.take(now_ns, count)) << "seed " << seed << " step " << i;
      if (allowed) free_at_ns = now_ns + debt_ns + count * interval_ns;
    }
  }
}

TEST(Gcra, GivesAllBackWhoComesNoMore) {
  const Gcra gcra{1000, 5000};
  EXPECT_EQ(gcra.left(debt_at(4000, 0)), 1);
  EXPECT_EQ(gcra.left(debt_at(4000, 3001)), 4);
  EXPECT_EQ(gcra.left(debt_at(4000, 4000)), 5);
  EXPECT_EQ(gcra.left(debt_at(4000, 1'000'000'000)), 5);
}

TEST(KeyHash, IsSipHash24) {
  // The vectors of its authors: the key 00 01 … 0f, the texts 00 01 … of each length.
  const HashSecret secret{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  std::string text;
  for (char c = 0; c < 15; ++c) text += c;
  EXPECT_EQ(key_hash(secret, text), 0xa129ca6149be45e5);
  EXPECT_EQ(key_hash(secret, ""), 0x726fdb47dd0e0e31);
  EXPECT_EQ(key_hash(secret, text.substr(0, 8)), 0x93f5f5799a932462);
  EXPECT_NE(key_hash(HashSecret{1, 2}, text), key_hash(HashSecret{1, 3}, text));
}

}  // namespace
}  // namespace mettle::limits

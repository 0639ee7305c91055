#include "base/id.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "base/fake_seams.h"

namespace mettle {
namespace {

int64_t milliseconds_of(const Uuid& id) {
  int64_t ms = 0;
  for (size_t i = 0; i < 6; ++i) ms = ms << 8 | id.bytes[i];
  return ms;
}

TEST(IdGenerator, MakesVersion7WithTheTimeInFront) {
  FakeSeams fake;
  IdGenerator ids(fake.seams);
  const Uuid id = ids.next();
  EXPECT_EQ(milliseconds_of(id), fake.clock.now().us / 1000);
  EXPECT_EQ(id.bytes[6] >> 4, 7);
  EXPECT_EQ(id.bytes[8] >> 6, 2);
}

TEST(IdGenerator, AscendsWithinAMillisecondBeyondTheCounter) {
  FakeSeams fake;
  IdGenerator ids(fake.seams);
  Uuid last = ids.next();
  for (int i = 0; i < 10'000; ++i) {
    const Uuid id = ids.next();
    ASSERT_LT(last, id);
    ASSERT_EQ(id.bytes[6] >> 4, 7);
    last = id;
  }
  EXPECT_EQ(milliseconds_of(last), fake.clock.now().us / 1000 + 2);
}

TEST(IdGenerator, AscendsWhileTheClockStepsBack) {
  FakeSeams fake;
  IdGenerator ids(fake.seams);
  Uuid last = ids.next();
  for (int i = 0; i < 100; ++i) {
    fake.clock.set_wall(Timestamp{fake.clock.now().us - 3'600'000'000});
    const Uuid id = ids.next();
    ASSERT_LT(last, id);
    last = id;
  }
}

TEST(IdGenerator, DiffersInItsRandomBitsFromAnotherOfTheSameMoment) {
  FakeSeams fake;
  IdGenerator a(fake.seams);
  IdGenerator b(fake.seams);
  EXPECT_NE(a.next(), b.next());
}

TEST(Uuid, ReadsEitherCaseAndWritesLower) {
  const auto id = parse_uuid("0190ABCD-ef01-7234-8567-89abcdef0123");
  ASSERT_TRUE(id);
  EXPECT_EQ(format_uuid(*id), "0190abcd-ef01-7234-8567-89abcdef0123");
}

TEST(Uuid, RefusesOtherForms) {
  for (const char* text :
       {"", "0190abcd", "0190abcdef0172348567-89abcdef012345",
        "0190abcd-ef01-7234-8567-89abcdef012", "{190abcd-ef01-7234-8567-89abcdef0123",
        "0190abcd-ef01-7234-8567-89abcdef012g", "0190abcd-ef01-7234-8567-89abcdef01234",
        "0190abcde-f01-7234-8567-89abcdef0123"}) {
    EXPECT_FALSE(parse_uuid(text)) << text;
  }
}

TEST(SystemSeams, RandomnessDiffersBetweenCallsSizesAndThreads) {
  Random& random = *system_seams().random;
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.next());
  std::thread([&] {
    for (int i = 0; i < 1000; ++i) seen.insert(random.next());
  }).join();
  EXPECT_EQ(seen.size(), 2000U);
  std::array<uint8_t, 5000> large{};
  random.fill(large);
  EXPECT_GT(std::set<uint8_t>(large.begin(), large.end()).size(), 200U);
}

TEST(SystemSeams, MonotonicTimeDoesNotGoBackAndWallTimeIsPlausible) {
  Clock& clock = *system_seams().clock;
  const int64_t first = clock.monotonic_us();
  EXPECT_GE(clock.monotonic_us(), first);
  EXPECT_GT(clock.now().us, 1'600'000'000'000'000);
}

TEST(SystemSeamsDeathTest, ExitNowEndsTheProcessWithTheCode) {
  EXPECT_EXIT(system_seams().process->exit_now(7), testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace mettle

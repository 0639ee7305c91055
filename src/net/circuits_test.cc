#include "net/circuits.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/fake_seams.h"
#include "base/limits.h"

namespace mettle::net {
namespace {

const std::string kHost = "https://a.example";

class CircuitsTest : public testing::Test {
 protected:
  void end(const Circuits::Leave& leave, Health health) {
    opened_ = circuits_.ended(kHost, leave, health, fake_.seams) || opened_;
  }
  void call(Health health) {
    const auto leave = circuits_.ask(kHost, fake_.seams);
    ASSERT_TRUE(leave.granted);
    end(leave, health);
  }
  void break_it() {
    for (uint32_t i = 0; i < limits::kCircuitFailures; ++i) call(Health::kFailed);
  }
  void pass_ms(int64_t ms) { fake_.clock.advance_us(ms * 1000); }

  FakeSeams fake_;
  Circuits circuits_;
  bool opened_ = false;
};

TEST_F(CircuitsTest, OpensAfterSoManyFailuresAndSaysUntilWhen) {
  for (uint32_t i = 0; i + 1 < limits::kCircuitFailures; ++i) call(Health::kFailed);
  EXPECT_FALSE(opened_);
  call(Health::kFailed);
  EXPECT_TRUE(opened_);
  EXPECT_EQ(circuits_.open(), 1u);
  const auto leave = circuits_.ask(kHost, fake_.seams);
  EXPECT_FALSE(leave.granted);
  EXPECT_GE(leave.wait_us, limits::kCircuitOpenMs * 1000 / 2);  // jitter takes half at most
  EXPECT_LE(leave.wait_us, limits::kCircuitOpenMs * 1000);
  EXPECT_TRUE(circuits_.ask("https://b.example", fake_.seams).granted);  // each host by itself
}

TEST_F(CircuitsTest, StaysClosedWhileMostCallsAreAnswered) {
  for (int i = 0; i < 100; ++i) {
    call(Health::kWell);
    call(Health::kWell);
    call(Health::kFailed);
  }
  EXPECT_EQ(circuits_.open(), 0u);
}

TEST_F(CircuitsTest, FailuresFromLongAgoDoNotCount) {
  for (int i = 0; i < 20; ++i) {
    call(Health::kFailed);
    call(Health::kFailed);
    pass_ms(limits::kCircuitWindowMs);
  }
  EXPECT_EQ(circuits_.open(), 0u);
}

TEST_F(CircuitsTest, LetsOneProbeThroughAndClosesWhenItIsAnswered) {
  break_it();
  pass_ms(limits::kCircuitOpenMs);
  const auto probe = circuits_.ask(kHost, fake_.seams);
  EXPECT_TRUE(probe.granted);
  EXPECT_TRUE(probe.probe);
  EXPECT_FALSE(circuits_.ask(kHost, fake_.seams).granted);  // one alone
  end(probe, Health::kWell);
  EXPECT_EQ(circuits_.open(), 0u);
  // Closed means from the beginning: one failure does not open it again.
  call(Health::kFailed);
  EXPECT_TRUE(circuits_.ask(kHost, fake_.seams).granted);
}

TEST_F(CircuitsTest, OpensForTwiceAsLongAfterEachFailedProbeUpToABound) {
  break_it();
  int64_t expected_us = limits::kCircuitOpenMs * 1000;
  for (int i = 0; i < 10; ++i) {
    const int64_t wait_us = circuits_.ask(kHost, fake_.seams).wait_us;
    EXPECT_GE(wait_us, expected_us / 2);
    EXPECT_LE(wait_us, expected_us);
    fake_.clock.advance_us(wait_us);
    const auto probe = circuits_.ask(kHost, fake_.seams);
    ASSERT_TRUE(probe.probe);
    end(probe, Health::kFailed);
    expected_us = std::min(expected_us * 2, limits::kCircuitOpenMaxMs * 1000);
  }
}

TEST_F(CircuitsTest, AProbeThatTellsNothingLetsTheNextOneGo) {
  break_it();
  pass_ms(limits::kCircuitOpenMs);
  end(circuits_.ask(kHost, fake_.seams), Health::kUnknown);
  EXPECT_TRUE(circuits_.ask(kHost, fake_.seams).probe);
}

TEST_F(CircuitsTest, ALateEndOfACallFromBeforeDoesNotCloseIt) {
  const auto early = circuits_.ask(kHost, fake_.seams);
  break_it();
  end(early, Health::kWell);
  EXPECT_EQ(circuits_.open(), 1u);
}

TEST_F(CircuitsTest, RemembersSoManyHostsAndForgetsClosedOnesFirst) {
  break_it();
  for (size_t i = 0; i < 2 * limits::kCircuitHosts; ++i) {
    const std::string host = fmt::format("http://h{}", i);
    fake_.clock.advance_us(1);
    circuits_.ended(host, circuits_.ask(host, fake_.seams), Health::kWell, fake_.seams);
  }
  EXPECT_EQ(circuits_.open(), 1u);
}

TEST(HostOf, IsSchemeNameAndPortAlone) {
  EXPECT_EQ(host_of("https://A.Example:8443/x?y#z"), "https://a.example:8443");
  EXPECT_EQ(host_of("http://user:secret@b/"), "http://b");
  EXPECT_EQ(host_of("http://b?x@c"), "http://b");
  EXPECT_EQ(host_of("http://[::1]:80/"), "http://[::1]:80");
  EXPECT_EQ(host_of("nothing"), "nothing");
}

}  // namespace
}  // namespace mettle::net

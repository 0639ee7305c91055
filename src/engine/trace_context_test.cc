#include "engine/trace_context.h"

#include <gtest/gtest.h>

namespace mettle::engine {
namespace {

constexpr std::string_view kValid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(Traceparent, GoesInAndOutUnchanged) {
  const auto trace = parse_traceparent(kValid);
  ASSERT_TRUE(trace.has_value());
  EXPECT_TRUE(trace->sampled);
  EXPECT_EQ(format_traceparent(*trace), kValid);
}

TEST(Traceparent, IsIgnoredWhereTheRecommendationSaysSo) {
  for (const char* wrong : {"", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
                            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
                            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x"}) {
    EXPECT_FALSE(parse_traceparent(wrong).has_value()) << wrong;
  }
}

TEST(Traceparent, OfALaterVersionIsReadAsFarAsItIsKnown) {
  const auto trace = parse_traceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-x");
  ASSERT_TRUE(trace.has_value());
  EXPECT_FALSE(trace->sampled);
}

TEST(Tracestate, IsPassedOnOnlyIfItIsPrintableAndShort) {
  EXPECT_EQ(passable_tracestate("a=1,b=2"), "a=1,b=2");
  EXPECT_EQ(passable_tracestate("a=\x01"), "");
  EXPECT_EQ(passable_tracestate(std::string(513, 'a')), "");
}

}  // namespace
}  // namespace mettle::engine

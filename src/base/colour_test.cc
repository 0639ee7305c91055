#include "base/colour.h"

#include <gtest/gtest.h>

namespace mettle {
namespace {

double contrast(std::string_view a, std::string_view b) {
  return colour_contrast(*parse_colour(a), *parse_colour(b));
}

TEST(Colour, IsSixHexadecimalDigits) {
  const auto colour = parse_colour("#7a1F5c");
  ASSERT_TRUE(colour.has_value());
  EXPECT_EQ((std::array<int, 3>{colour->red, colour->green, colour->blue}),
            (std::array<int, 3>{0x7a, 0x1f, 0x5c}));
  for (const std::string_view bad : {"", "red", "#fff", "7a1f5c0", "#7a1f5", "#7a1f5c0", "#7a1f5g",
                                     "#+a1f5c", "#-1-1-1", "# a1f5c"}) {
    EXPECT_FALSE(parse_colour(bad).has_value()) << bad;
  }
}

// The figures of WCAG's own examples and of its definition.
TEST(Colour, ContrastIsWcags) {
  EXPECT_NEAR(contrast("#000000", "#ffffff"), 21.0, 1e-9);
  EXPECT_NEAR(contrast("#ffffff", "#000000"), 21.0, 1e-9);
  EXPECT_NEAR(contrast("#336699", "#336699"), 1.0, 1e-9);
  EXPECT_NEAR(contrast("#767676", "#ffffff"), 4.54, 0.005);  // the lightest grey that is readable
  EXPECT_LT(contrast("#777777", "#ffffff"), kReadableContrast);
}

}  // namespace
}  // namespace mettle
